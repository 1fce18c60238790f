//! What to do next: what to change when an incomplete run is resumed, and where a missing worker comes from.

use std::ffi::OsStr;
use std::path::Path;

use common::{Segment, SegmentName, Terms};

use crate::outcome::{EndReason, Outcome};

/// The options with which `resume` may do better, from the cause of the end; `None` where nothing needs to change, or where
/// no option helps.
pub fn advice(segment: &Segment, outcome: &Outcome) -> Option<String> {
    let (name, terms) = (segment.name(), segment.terms());
    let command = if terms.has_folder { "the same command with".to_owned() } else { resume(name, terms) };
    // All shards of a job have the same worker executable: there it may not change.
    let others = [
        terms.command_timeout.map(|_| "--exec-timeout DUR (more time for a range)"),
        (!terms.has_folder).then_some("--worker PATH (another executable)"),
    ];
    change(outcome, &command, &others.into_iter().flatten().collect::<Vec<_>>())
}

/// The command that resumes a run.
pub fn resume(name: &SegmentName, terms: &Terms) -> String {
    format!("coordinator resume {name}{}", if terms.has_folder { " --results DIR" } else { "" })
}

/// The command that starts a worker for such a segment.
pub fn worker_command(terms: &Terms) -> String {
    if terms.worker.as_os_str().is_empty() { "worker".to_owned() } else { terms.worker.display().to_string() }
}

/// How the worker executable gets to that path, beside the coordinator: the way in which the coordinator came there.
pub fn install_worker(path: &Path) -> String {
    let folder = path.parent().unwrap_or(path);
    let install = "cargo install --locked --path worker";
    let how = match (folder.parent(), folder.file_name().and_then(OsStr::to_str)) {
        (Some(above), Some("bin")) if above.ends_with(".cargo") => {
            format!("install it, in the project's folder: {install}")
        }
        (Some(above), Some("bin")) if above == Path::new("/usr") => {
            "install it: the Debian package killproof has both programs".to_owned()
        }
        (Some(above), Some("bin")) => {
            let root = above.to_string_lossy();
            let root = shlex::try_quote(&root).unwrap_or_default();
            format!("install it, in the project's folder: {install} --root {root}")
        }
        (_, Some("release")) => "build it: cargo build --release -p worker".to_owned(),
        (_, Some("debug")) => "build it: cargo build -p worker".to_owned(),
        _ => format!(
            "install both programs into one folder: in the project's, cargo install --locked --path coordinator; {install}; \
             or the Debian package killproof"
        ),
    };
    format!("{how}; or name one: --worker PATH")
}

/// The command with its options.
fn change(outcome: &Outcome, command: &str, others: &[&str]) -> Option<String> {
    match outcome.end_reason {
        Some(EndReason::Signal(_) | EndReason::CallerGone | EndReason::Stopped) => None,
        Some(EndReason::TimedOut) => Some(format!("give it more time: {command} --timeout DUR")),
        None if outcome.has_overflow => None,
        None => {
            let options = [&["--restarts N (more attempts)", "--jobs N (fewer workers at once)"], others].concat();
            Some(format!("remove the cause, or change: {command} {}", options.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::PrintedCommits;
    use crate::worker_outcome::WorkerOutcomes;

    #[test]
    fn the_advice_follows_from_the_end() {
        let after = |end_reason| {
            let workers = WorkerOutcomes::default();
            let outcome = Outcome {
                end_reason,
                workers,
                has_overflow: false,
                printed: PrintedCommits::default(),
                deadline: None,
            };
            change(&outcome, "RESUME", &[]).unwrap_or_default()
        };
        assert_eq!(after(Some(EndReason::Stopped)), "");
        assert_eq!(after(Some(EndReason::TimedOut)), "give it more time: RESUME --timeout DUR");
        assert!(after(None).contains("RESUME --restarts N"));
    }

    #[test]
    fn a_missing_worker_comes_as_the_coordinator_came() {
        for (path, how) in [
            ("/home/me/.cargo/bin/worker", "the project's folder: cargo install --locked --path worker; or name one"),
            ("/opt/two words/bin/worker", "cargo install --locked --path worker --root '/opt/two words'; or name one"),
            ("/usr/bin/worker", "install it: the Debian package killproof has both programs; or name one"),
            ("/src/target/release/worker", "build it: cargo build --release -p worker; or name one"),
            ("/src/target/debug/worker", "build it: cargo build -p worker; or name one"),
            (
                "/tmp/worker",
                "--path coordinator; cargo install --locked --path worker; or the Debian package killproof; or",
            ),
        ] {
            let hint = install_worker(path.as_ref());
            assert!(hint.contains(how) && hint.ends_with("; or name one: --worker PATH"), "{path}: {hint}");
        }
    }

    #[test]
    fn no_option_makes_a_contribution_fit() {
        let workers = WorkerOutcomes::default();
        let outcome = Outcome {
            end_reason: None,
            workers,
            has_overflow: true,
            printed: PrintedCommits::default(),
            deadline: None,
        };
        assert_eq!(change(&outcome, "RESUME", &[]), None);
    }
}
