//! Failures of workers are reported once, with the reason and the next step, and counted.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use common::cli::exit_code::{COMPLETE, INCOMPLETE, OVERFLOW};
use harness::{HeldRun, TestEnv, test_env, until};
use rustix::process::Signal;

/// A worker executable that runs a shell script; `$4` is its ticket.
fn worker_script(env: &TestEnv, body: &str) -> PathBuf {
    let path = env.path().join("script");
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("it can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    path
}

#[test]
fn what_all_four_workers_fail_of_is_reported_once_and_counted() {
    let env = test_env!();
    let cubes = env.path().join("cubes");
    let cubes = cubes.to_str().expect("the path is text");
    for (args, code, reason, hint) in [
        (
            &["--worker", cubes, "--kernel", "none"] as &[&str],
            INCOMPLETE,
            "no kernel \"none\" in this worker",
            "kernels: ",
        ),
        (
            &["--overflow", "error"],
            OVERFLOW,
            "overflow: adding 333332833333500000 to 0 does not fit",
            "use a wider type",
        ),
        (&["--worker", "/bin/true"], INCOMPLETE, "it did not contribute; is it a worker executable?", ""),
        (&["--worker", "/bin/true", "--split"], INCOMPLETE, "it did not contribute; is it a worker executable?", ""),
        (&["--worker", "/bin/false"], INCOMPLETE, " failed: ended with exit code 1 before its contribution, after", ""),
    ] {
        for quiet in [&[] as &[&str], &["--quiet"]] {
            let told = env.coordinator(args).args(["-w", "4"]).args(quiet).run().expect(code).stderr;
            for part in [reason, "and 3 more like it", "error: incomplete (workers failed): 0 of "] {
                assert_eq!(told.matches(part).count(), 1, "{part:?} in {told}");
            }
            let hints = usize::from(!hint.is_empty());
            assert_eq!(
                (told.matches("hint: ").count(), told.matches(&format!("hint: {hint}")).count()),
                (hints, hints),
                "{told}"
            );
        }
    }
}

#[test]
fn workers_that_exit_early_for_the_same_reason_are_launched_again_with_one_note() {
    let env = test_env!();
    let marker = env.path().join("marker").display().to_string();
    let early = format!("[ -e {marker}$4 ] || {{ touch {marker}$4; exit 5; }}; exec \"${{0%script}}worker\" \"$@\"");
    let worker = worker_script(&env, &early);
    let finished = env.coordinator(["-n", "10", "--delay", "0", "--worker"]).args([&worker]).run().expect(COMPLETE);
    let lines: Vec<&str> = finished.stderr.lines().collect();
    assert!(
        lines[0].ends_with("ended with exit code 5 before its contribution; launching it again (1 of 3)"),
        "{lines:?}"
    );
    assert!(lines[1].ends_with(" was launched again, and 3 more like it") && lines.len() == 2, "{lines:?}");
}

#[test]
fn a_failed_attempt_names_the_process_as_all_lines_do() {
    let env = test_env!();
    let args = ["-w", "1", "-n", "10", "--delay", "0", "--restarts", "1", "--exec", "exit 3"];
    let finished = env.coordinator(args).run().expect(INCOMPLETE);
    let lines: Vec<&str> = finished.stderr.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "Process-1: exec failed for 0..10 (attempt 1 of 2): exit code 3",
            "error: Process-1 failed: exec failed for 0..10 in 2 attempts: exit code 3"
        ]
    );
}

/// Fault 11.
#[test]
fn a_worker_whose_coordinator_is_dead_reports_its_failure_itself() {
    let env = test_env!();
    let held = HeldRun::new(&env);
    let name = env.name("alone");
    let command = format!("{}; exit 3", held.script());
    let args = ["--name", &name, "-w", "1", "--delay", "0", "--restarts", "0", "--exec", &command];
    let running = env.coordinator(args).start();
    env.until_status(&name, |status| status["workers"][0]["state"] == "computing");
    running.signal(Signal::KILL);
    held.release();
    until("the worker to report", || running.stderr().contains("error: exec failed for 0..1000000 in 1 attempt"));
    let _ = env.until_status(&name, |status| status["state"] == "stale");
    let _ = running.finish();
    env.remove(&name);
}
