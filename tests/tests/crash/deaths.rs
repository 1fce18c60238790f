//! Workers that die: kills at failpoints, panics, wrong executables, and a system that refuses to launch.

use common::cli::exit_code;
use common::failpoint::Failpoint;
use harness::{Finished, Injection, TestEnv, assert_error, test_env};

/// The workers' results are 285 each: 0 + 1 + 4 + … + 81.
const RUN: [&str; 6] = ["-n", "10", "--delay", "0", "--format", "json"];

fn kill(failpoint: Failpoint, times: usize) -> Injection {
    Injection { failpoint, action: "kill", times }
}

/// A run of four workers with a failpoint.
fn run_with(env: &TestEnv, injection: Injection, args: &[&str]) -> Finished {
    env.coordinator(RUN).args(args).inject(injection).run()
}

/// Checks Invariant I for a complete run of four: each ticket is applied once.
#[track_caller]
fn assert_exact(finished: &Finished) {
    let report = finished.json();
    assert_eq!(report["value"], 4 * 285, "{finished:?}");
    assert_eq!(report["complete"], true, "{finished:?}");
    let contributions = report["workers"].as_array().expect("workers are an array");
    assert!(contributions.iter().all(|worker| worker["contribution"] == "285"), "{finished:?}");
}

/// Fault 6.
#[test]
fn a_worker_killed_before_its_contribution_is_launched_again_and_counts_once() {
    for failpoint in [Failpoint::Taken, Failpoint::Computed] {
        let env = test_env!();
        let finished = run_with(&env, kill(failpoint, 1), &[]).expect(exit_code::COMPLETE);
        assert_exact(&finished);
        assert_eq!(finished.json()["restarts"], 1, "{failpoint:?}");
        assert!(finished.stderr.contains("killed by signal 9 (SIGKILL)"), "{}", finished.stderr);
    }
}

/// Fault 1, at the failpoints of the critical section.
#[test]
fn a_worker_killed_holding_the_lock_does_not_block_the_rest() {
    for failpoint in [Failpoint::Locked, Failpoint::Recorded, Failpoint::Published, Failpoint::HalfApplied] {
        let env = test_env!();
        let finished = run_with(&env, kill(failpoint, 1), &[]).expect(exit_code::COMPLETE);
        assert_exact(&finished);
        // Killed after the commit point, it has contributed and is not launched again.
        let was_committed = matches!(failpoint, Failpoint::Published | Failpoint::HalfApplied);
        assert_eq!(finished.json()["restarts"], i32::from(!was_committed), "{failpoint:?}");
        assert_eq!(finished.json()["recoveries"], 1, "{failpoint:?}");
    }
}

/// Fault 1.
#[test]
fn the_last_worker_killed_between_commit_and_application_has_contributed() {
    for failpoint in [Failpoint::Published, Failpoint::HalfApplied] {
        let env = test_env!();
        let finished = run_with(&env, kill(failpoint, 1), &["-w", "1"]).expect(exit_code::COMPLETE);
        assert_eq!(finished.json()["value"], 285, "{failpoint:?}");
        assert_eq!(finished.json()["contributions"]["done"], 1, "{failpoint:?}");
    }
}

/// Fault 1, every worker once at the same point.
#[test]
fn workers_killed_one_after_the_other_in_the_lock_all_contribute_once() {
    for failpoint in [Failpoint::Locked, Failpoint::Published] {
        let env = test_env!();
        let finished = run_with(&env, kill(failpoint, 4), &[]).expect(exit_code::COMPLETE);
        assert_exact(&finished);
        assert_eq!(finished.json()["recoveries"], 4, "{failpoint:?}");
    }
}

/// Fault 7.
#[test]
fn a_worker_killed_after_its_commit_is_not_launched_again() {
    let env = test_env!();
    let finished = run_with(&env, kill(Failpoint::Committed, 4), &[]).expect(exit_code::COMPLETE);
    assert_exact(&finished);
    assert_eq!(finished.json()["restarts"], 0);
    assert_eq!(finished.json()["workers"][0]["signal"], 9);
}

/// Fault 7.
#[test]
fn a_worker_launched_for_a_ticket_that_is_done_learns_it_and_exits_0() {
    let env = test_env!();
    let name = env.name("done");
    let _ = env.coordinator(["create", &name, "-n", "10", "--delay", "0", "-w", "1"]).run().expect(0);
    let _ = env.worker(&name).run().expect(0);
    let again = env.worker(&name).args(["--ticket", "1"]).run().expect(exit_code::COMPLETE);
    assert_eq!(again.stdout, "");
    assert_eq!(env.status(&name).expect("it is there")["value"], 285);
    let _ = env.coordinator(["remove", &name]).run().expect(0);
}

#[test]
fn a_worker_that_always_dies_is_given_up_after_its_restarts() {
    let env = test_env!();
    let finished = run_with(&env, kill(Failpoint::Computed, 100), &["--restarts", "2", "-w", "2"]);
    let finished = finished.expect(exit_code::INCOMPLETE);
    assert!(finished.stderr.contains("after 2 restarts"), "{}", finished.stderr);
    assert!(finished.stderr.contains("error: incomplete"), "{}", finished.stderr);
    let report = finished.json();
    assert_eq!((&report["complete"], &report["value"], &report["restarts"]), (&false.into(), &0.into(), &4.into()));
    assert_eq!(report["workers"][1]["state"], "failed");
    assert_eq!(report["workers"][1]["signal"], 9);
}

#[test]
fn an_incomplete_run_still_prints_what_is_known() {
    let env = test_env!();
    let args = ["-w", "2", "--jobs", "1", "--restarts", "0", "-n", "10", "--delay", "0"];
    let finished = env.coordinator(args).inject(kill(Failpoint::Computed, 1)).run().expect(exit_code::INCOMPLETE);
    assert_eq!(finished.stdout, "Process Process-2 updated shared value to 285\nFinal shared value: 285\n");
    assert!(finished.stderr.contains("1 of 2 contributions"), "{}", finished.stderr);
}

/// Fault 14.
#[test]
fn a_worker_that_panics_is_launched_again() {
    let env = test_env!();
    for failpoint in [Failpoint::Taken, Failpoint::Recorded, Failpoint::Published, Failpoint::HalfApplied] {
        let finished =
            run_with(&env, Injection { failpoint, action: "panic", times: 2 }, &[]).expect(exit_code::COMPLETE);
        assert_exact(&finished);
    }
}

/// Fault 14.
#[test]
fn a_worker_that_always_panics_is_reported() {
    let env = test_env!();
    let injection = Injection { failpoint: Failpoint::Computed, action: "panic", times: 100 };
    let finished = run_with(&env, injection, &["-w", "1", "--restarts", "1"]).expect(exit_code::INCOMPLETE);
    assert!(finished.stderr.contains("panicked (exit code 101)"), "{}", finished.stderr);
}

/// Fault 14: nothing is applied yet.
#[test]
fn a_coordinator_that_panics_before_its_first_worker_leaves_nothing_behind() {
    for failpoint in [Failpoint::Created, Failpoint::Launching] {
        let env = test_env!();
        let name = env.name("panic");
        let injection = Injection { failpoint, action: "panic", times: 1 };
        let finished = env.coordinator(["--name", &name, "--delay", "0"]).inject(injection).run();
        assert_eq!(finished.code, Some(101), "{failpoint:?}: {finished:?}");
        assert_eq!(env.segments(), Vec::<std::path::PathBuf>::new(), "{failpoint:?}");
    }
}

/// Faults 14 and 35.
#[test]
fn a_coordinator_that_panics_keeps_what_is_applied() {
    let env = test_env!();
    let name = env.name("panic");
    let injection = Injection { failpoint: Failpoint::Supervised, action: "panic", times: 1 };
    let finished = env.coordinator(["--name", &name, "--delay", "0", "-n", "10"]).inject(injection).run();
    assert_eq!(finished.code, Some(101), "{finished:?}");
    let kept = format!("kept segment {name}: 4 of 4 contributions are applied; finish it: coordinator resume {name};");
    assert!(finished.stderr.lines().last().is_some_and(|line| line.starts_with(&kept)), "{finished:?}");
    let resumed = env.coordinator(["resume", &name]).run().expect(exit_code::COMPLETE);
    assert_eq!(resumed.lines().last().copied(), Some("Final shared value: 1140"), "{resumed:?}");
}

/// Fault 17.
#[test]
fn a_worker_executable_that_cannot_be_launched_is_a_failure_with_a_clear_message() {
    let env = test_env!();
    let not_executable = env.path().join("plain");
    std::fs::write(&not_executable, "no program").expect("a file can be written");
    let cases = [
        ("/nowhere/worker", "does not exist"),
        ("/dev", "is not a file"),
        (not_executable.to_str().expect("the path is text"), "is not executable"),
    ];
    for (path, why) in cases {
        let finished = env.coordinator(["--worker", path]).run().expect(exit_code::INCOMPLETE);
        assert!(finished.stderr.contains(path) && finished.stderr.contains(why), "{}", finished.stderr);
        assert_eq!(finished.stdout, "");
    }
}

/// Fault 17.
#[test]
fn a_worker_that_is_not_beside_the_coordinator_is_missed_by_name() {
    let env = test_env!();
    std::fs::remove_file(env.path().join("worker")).expect("the link can be removed");
    let finished = env.coordinator([""; 0]).run();
    let looked =
        format!("{}/worker does not exist; coordinator looked beside itself, and not in PATH", env.path().display());
    assert_error(&finished, exit_code::INCOMPLETE, &looked);
    for part in ["hint: install ", "cargo install --locked --path worker;", "Debian package killproof", "--worker PATH"]
    {
        assert!(finished.stderr.contains(part), "{part}: {}", finished.stderr);
    }
}

/// Fault 17.
#[test]
fn another_program_as_worker_is_never_a_success() {
    let env = test_env!();
    for (program, why) in [("/bin/true", "did not contribute"), ("/bin/false", "exit code 1")] {
        let finished = env.coordinator(["--worker", program]).run().expect(exit_code::INCOMPLETE);
        assert!(finished.stderr.contains(why), "{}", finished.stderr);
        assert_eq!(finished.stdout, "Final shared value: 0\n");
    }
    // Its output is not a result.
    let finished = env.coordinator(["--worker", "/bin/echo", "-w", "1"]).run().expect(exit_code::INCOMPLETE);
    assert_eq!(finished.stdout, "Final shared value: 0\n");
}

/// Fault 17.
#[test]
fn a_worker_without_the_kernel_fails_and_names_those_it_has() {
    let env = test_env!();
    let worker = env.path().join("worker");
    let worker = worker.to_str().expect("the path is text");
    let finished = env.coordinator(["--worker", worker, "--kernel", "cubes", "-w", "1"]).run();
    let finished = finished.expect(exit_code::INCOMPLETE);
    assert!(finished.stderr.contains("no kernel \"cubes\""), "{}", finished.stderr);
    assert!(finished.stderr.contains("sum-of-squares"), "{}", finished.stderr);
}

/// Fault 17.
#[test]
fn a_system_that_refuses_a_few_launches_is_asked_again() {
    let env = test_env!();
    let finished = run_with(&env, Injection { failpoint: Failpoint::Launching, action: "refuse", times: 3 }, &[]);
    assert_exact(&finished.expect(exit_code::COMPLETE));
}

/// Fault 17.
#[test]
fn a_system_that_refuses_every_launch_is_a_clear_failure() {
    let env = test_env!();
    let injection = Injection { failpoint: Failpoint::Launching, action: "refuse", times: 1000 };
    let finished = run_with(&env, injection, &["-w", "1"]).expect(exit_code::INCOMPLETE);
    assert!(finished.stderr.contains("cannot launch"), "{}", finished.stderr);
    assert!(finished.stderr.contains("tried 8 times"), "{}", finished.stderr);
}
