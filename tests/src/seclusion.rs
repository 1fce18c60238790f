//! Tests that act on every segment of the machine, in a `/dev/shm` of their own.
//!
//! Invariant: a test run never removes what it did not make, such as the stale run of whoever runs it.

use std::process::Command;

/// Set where a test runs secluded.
const SECLUDED: &str = "MULTIPROCESS_TEST_SECLUDED";

/// Makes `/dev/shm` a fresh one, of this mount namespace alone (`mount_namespaces(7)`), then becomes the program.
const SECLUDE: &str = r#"mount -t tmpfs tmpfs /dev/shm && exec "$0" "$@""#;

/// What root may do, and what others may where unprivileged user namespaces are allowed (`unshare(1)`).
const WAYS: [&[&str]; 2] = [&["--mount"], &["--mount", "--user", "--map-root-user"]];

/// Whether the calling test runs in a `/dev/shm` of its own.
///
/// If it does not, it is run there by itself, by another process, and has nothing else to do here.
///
/// # Panics
/// If it fails there.
#[must_use]
pub fn is_secluded(name: &str) -> bool {
    if std::env::var_os(SECLUDED).is_some() {
        return true;
    }
    let secluded = |way: &[&str], program: &str| {
        let mut command = Command::new("unshare");
        command.args(way).args(["sh", "-c", SECLUDE, program]).env(SECLUDED, "1");
        command
    };
    let works = |way: &&&[&str]| secluded(way, "true").output().is_ok_and(|output| output.status.success());
    let Some(way) = WAYS.iter().find(works) else {
        common::say(&format!("SKIPPED {name}: no mount namespace can be made here (unshare, mount)\n"));
        return false;
    };
    let program = std::env::current_exe().expect("a process has an executable");
    let mut command = secluded(way, &program.to_string_lossy());
    let output = command.args(["--exact", name, "--nocapture"]).output().expect("it worked a moment ago");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{name}, secluded:\n{text}");
    false
}
