//! Commands that messages name as the next step.

use std::ffi::OsStr;
use std::path::Path;

use common::{SegmentName, Terms};

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
