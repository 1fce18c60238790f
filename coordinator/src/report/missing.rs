//! What is missing of a split run, as text, and why a run stops giving out chunks by itself.

use common::{Cause, Exit, Missing, Snapshot};

use crate::figures::{counted, first_few};
use crate::worker_outcome::signal_name;

/// How many ranges a line names.
const MOST_NAMED: usize = 10;

/// The missing ranges in one line, ten at most; nothing if none is missing.
pub fn line(missing: &[Missing]) -> Option<String> {
    let named = first_few(missing, missing.len(), MOST_NAMED, range);
    (!missing.is_empty()).then(|| format!("missing: {}", named.join(", ")))
}

fn range(missing: &Missing) -> String {
    format!("{}..{} ({})", missing.range.start, missing.range.end, why_and_how_often(missing))
}

fn why_and_how_often(missing: &Missing) -> String {
    match missing.cause {
        Some(Cause::Failed | Cause::Command(_)) => {
            format!("{}, {}", why(missing), counted(missing.attempts.into(), "attempt"))
        }
        _ => why(missing),
    }
}

/// Why a range is missing.
pub fn why(missing: &Missing) -> String {
    let killed = || format!("killed {}", counted(missing.attempts.into(), "worker"));
    match missing.cause {
        None => "not begun".to_owned(),
        Some(Cause::Failed) => "failed".to_owned(),
        Some(Cause::Command(Exit::Code(code))) => format!("exit code {code}"),
        Some(Cause::Command(Exit::Signal(signal))) => format!("killed by {}", signal_name(signal.into())),
        Some(Cause::NoRoom) => "no room to set it aside".to_owned(),
        Some(Cause::Overflow) => "does not fit".to_owned(),
        Some(Cause::Died(None)) => killed(),
        Some(Cause::Died(Some(Exit::Signal(signal)))) => {
            format!("{}, last by {}", killed(), signal_name(signal.into()))
        }
        Some(Cause::Died(Some(Exit::Code(code)))) => format!("{}, last with exit code {code}", killed()),
    }
}

/// Why a split run gives out no more chunks, if it stopped by itself.
pub fn why_it_stopped(snapshot: &Snapshot) -> Option<&'static str> {
    let has_no_room = snapshot.workers.iter().any(|worker| worker.given_up == Some(Cause::NoRoom));
    let has_set_aside = snapshot.set_aside.iter().any(|missing| missing.cause.is_some());
    if snapshot.is_hopeless() {
        Some("many chunks were set aside and none was applied; is the kernel or command right?")
    } else if snapshot.terms.fail_fast && has_set_aside {
        Some("a chunk was set aside, and --fail-fast ends the run then")
    } else if has_no_room {
        Some("there is no room to set more chunks aside")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_ranges_are_named_with_their_causes_and_the_others_counted() {
        let missing = |start: u64, cause, attempts| Missing { range: start..start + 1, cause, attempts };
        let killed = Cause::Died(Some(Exit::Signal(9)));
        let mut all = vec![
            missing(4, Some(Cause::Command(Exit::Code(3))), 4),
            missing(11, Some(killed), 4),
            missing(20, Some(Cause::Failed), 1),
            missing(21, Some(Cause::Died(None)), 1),
            missing(30, None, 0),
        ];
        let text = "missing: 4..5 (exit code 3, 4 attempts), 11..12 (killed 4 workers, last by SIGKILL), 20..21 (failed, \
                    1 attempt), 21..22 (killed 1 worker), 30..31 (not begun)";
        assert_eq!(line(&all).as_deref(), Some(text));
        all.extend((40..50).map(|start| missing(start, None, 0)));
        assert!(line(&all).is_some_and(|line| line.ends_with("44..45 (not begun), and 5 more")));
        assert_eq!(line(&[]), None);
    }
}
