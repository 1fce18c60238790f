//! Tests in a `/dev/shm` and a PID namespace of their own: those that act on every segment, and those that use names
//! like `demo`.
//!
//! Invariant: tests never touch segments and processes that they did not create.

use std::process::Command;

use crate::report::{report, skip};

/// Set in the environment of a secluded test.
const SECLUDED: &str = "KILLPROOF_TEST_SECLUDED";

/// Mounts a fresh `/dev/shm` in this mount namespace alone (`mount_namespaces(7)`), then runs the program.
///
/// The shell stays: it is process 1 of the PID namespace, and reaps orphans.
const SECLUDE: &str = r#"mount -t tmpfs tmpfs /dev/shm && { "$0" "$@"; exit $?; }"#;

/// Namespaces for mounts and processes.
const NAMESPACES: [&str; 4] = ["--mount", "--pid", "--fork", "--mount-proc"];

/// For root, and for others where unprivileged user namespaces are allowed (`unshare(1)`).
const WAYS: [&[&str]; 2] = [&[], &["--user", "--map-root-user"]];

/// Whether the calling test, whose path begins with its crate, runs in a `/dev/shm` and a PID namespace of its own.
///
/// If not, this runs it there in another process, and the caller has nothing more to do. Call it before there is a
/// [`TestEnv`](crate::TestEnv).
pub fn is_secluded(path: &str) -> bool {
    if std::env::var_os(SECLUDED).is_some() {
        return true;
    }
    let test = path.split_once("::").map_or(path, |(_, test)| test);
    let secluded = |way: &[&str], program: &str| {
        let mut command = Command::new("unshare");
        command.args(way).args(NAMESPACES).args(["sh", "-c", SECLUDE, program]).env(SECLUDED, "1");
        command
    };
    let works = |way: &&&[&str]| secluded(way, "true").output().is_ok_and(|output| output.status.success());
    let Some(way) = WAYS.iter().find(works) else {
        skip(test, "no namespace can be made here (unshare, mount)");
        return false;
    };
    let program = std::env::current_exe().expect("a process has an executable");
    let mut command = secluded(way, &program.to_string_lossy());
    let output = command.args(["--exact", test, "--nocapture"]).output().expect("it worked a moment ago");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && printed.contains("1 passed"), "{test}, secluded:\n{printed}");
    printed.lines().filter(|line| line.starts_with("SKIPPED ")).for_each(report);
    false
}
