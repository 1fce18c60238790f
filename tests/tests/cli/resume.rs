//! Runs whose coordinator died, and `resume`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use common::cli::exit_code;
use common::failpoint::Failpoint;
use harness::{Injection, Running, TestEnv, test_env, until};
use rustix::process::Signal;

/// Fault 11.
#[test]
fn workers_outlive_their_coordinator_finish_and_the_run_is_resumed() {
    let env = test_env!();
    let name = env.name("orphans");
    let running = env.sleeping_run(&name, "3s", &["-w", "2"]);
    running.signal(Signal::KILL);
    let status = env.until_status(&name, |status| status["state"] != "running");
    assert!(["orphaned", "stale"].iter().any(|state| status["state"] == *state), "{status}");
    env.until_status(&name, |status| status["state"] == "stale" && status["contributions"]["done"] == 2);
    // The dead coordinator printed no line; `resume` prints them all.
    let resumed = env.coordinator(["resume", &name]).run().expect(exit_code::COMPLETE);
    assert_eq!(resumed.lines().len(), 3, "{resumed:?}");
    assert!(resumed.stdout.ends_with(" updated shared value to 570\nFinal shared value: 570\n"), "{resumed:?}");
    assert_eq!(running.finish().signal, Some(9));
}

/// Fault 12.
#[test]
fn resume_finishes_a_run_of_which_everyone_was_killed() {
    let env = test_env!();
    let name = env.name("all");
    let injection = Injection { failpoint: Failpoint::Published, action: "stop", times: 1 };
    let args = ["--name", &name, "--delay", "0", "-n", "10", "-w", "3", "--jobs", "1"];
    let running = env.coordinator(args).inject(injection).start();
    env.until_status(&name, |status| status["lock"]["held_by"]["process"] == "stopped");
    running.signal_group(Signal::KILL);
    assert_eq!(running.finish().signal, Some(9));
    env.until_status(&name, |status| status["state"] == "stale");
    let resumed = env.coordinator(["resume", &name]).run().expect(exit_code::COMPLETE);
    // The first worker was killed after its commit point: its contribution counts, and its coordinator never printed
    // it.
    let lines =
        [(1, 285), (2, 570), (3, 855)].map(|(k, value)| format!("Process Process-{k} updated shared value to {value}"));
    assert_eq!(resumed.lines()[..3], lines);
    assert_eq!(resumed.lines()[3..], ["Final shared value: 855"]);
}

/// Fault 11.
#[test]
fn resume_leaves_live_workers_their_tickets() {
    let env = test_env!();
    let name = env.name("adopted");
    let running = env.sleeping_run(&name, "700ms", &["-w", "2"]);
    running.signal(Signal::KILL);
    until("the coordinator to be dead", || {
        env.status(&name).is_some_and(|status| status["coordinator"]["alive"] == false)
    });
    let resumed = env.coordinator(["resume", &name, "--format", "json"]).run().expect(exit_code::COMPLETE).json();
    assert_eq!((&resumed["value"], &resumed["restarts"]), (&570.into(), &0.into()));
    assert_eq!(running.finish().signal, Some(9));
}

/// Fault 11: killed after the last contribution and before the report.
#[test]
fn a_coordinator_killed_before_its_report_leaves_a_run_to_resume() {
    let env = test_env!();
    let name = env.name("unreported");
    let injection = Injection { failpoint: Failpoint::Supervised, action: "kill", times: 1 };
    let killed = env.coordinator(["--name", &name, "--delay", "0", "-n", "10"]).inject(injection).run();
    assert_eq!(killed.signal, Some(9));
    assert_eq!(env.status(&name).expect("it is there")["state"], "stale");
    let resumed = env.coordinator(["resume", &name]).run().expect(exit_code::COMPLETE);
    assert_eq!(resumed.stdout, "Final shared value: 1140\n");
}

/// Fault 11: the orphan attaches only after the run is resumed, and the new coordinator launches for its ticket too.
#[test]
fn resume_waits_for_an_orphan_that_is_late() {
    let env = test_env!();
    let name = env.name("late");
    // A launched worker that has not attached yet: a script that waits for a file.
    let (gate, worker) = (env.path().join("gate"), env.path().join("worker"));
    let script = env.path().join("slow");
    let text = format!(
        "#!/bin/sh\nwhile ! [ -e {0} ]; do sleep 0.01; done\nexec {1} \"$@\" --delay 700ms\n",
        gate.display(),
        worker.display()
    );
    fs::write(&script, text).expect("the script can be written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it can be made executable");
    let args = ["--name", &name, "-w", "1", "-n", "10", "--delay", "0", "-v", "--worker"];
    let running = env.coordinator(args).args([&script]).start();
    until("the worker to be launched", || running.stderr().contains("launched Process-1"));
    running.signal(Signal::KILL);
    until("the run to have no coordinator", || {
        env.status(&name).is_some_and(|status| status["coordinator"]["alive"] == false)
    });
    // The orphan starts first and takes the ticket while the resumed run's worker still waits for the file.
    let resumed = env.coordinator(["resume", &name, "-v"]).start();
    until("the second worker to be launched", || resumed.stderr().contains("launched Process-1"));
    fs::write(&gate, "").expect("the gate can be opened");
    let finished = resumed.finish().expect(exit_code::COMPLETE);
    assert!(finished.stdout.ends_with("Final shared value: 285\n"), "{finished:?}");
    assert_eq!(running.finish().signal, Some(9));
}

/// Fault 11.
#[test]
fn a_live_coordinator_is_not_taken_over_from() {
    let env = test_env!();
    let name = env.name("alive");
    let running = env.sleeping_run(&name, "1h", &["-w", "2"]);
    let refused = env.coordinator(["resume", &name]).run().expect(exit_code::UNAVAILABLE);
    assert!(refused.stderr.contains(&format!("live coordinator (pid {})", running.pid())), "{}", refused.stderr);
    running.signal(Signal::INT);
    let _ = running.finish().expect(exit_code::INTERRUPTED);
}

/// Fault 11: an independent run has no total that would include results that were not printed.
#[test]
fn a_resumed_independent_run_prints_what_was_computed_while_nobody_coordinated() {
    let env = test_env!();
    let name = env.name("independent");
    let running = env.sleeping_run(&name, "3s", &["-w", "2", "--independent"]);
    running.signal(Signal::KILL);
    env.until_status(&name, |status| status["state"] == "stale");
    let resumed = env.coordinator(["resume", &name]).run().expect(exit_code::COMPLETE);
    let mut lines = resumed.lines();
    lines.sort_unstable();
    assert_eq!(lines, ["Process Process-1, Result: 285", "Process Process-2, Result: 285"]);
}

/// Fault 11: what was printed is not printed again.
#[test]
fn a_resumed_run_prints_the_lines_for_what_remained() {
    let env = test_env!();
    let name = env.name("rest");
    let args = ["--name", &name, "--delay", "400ms", "-n", "10", "-w", "2", "--jobs", "1"];
    let running = env.coordinator(args).start();
    until("the first line", || running.stdout().contains("Process-1"));
    running.signal_group(Signal::KILL);
    env.until_status(&name, |status| status["state"] == "stale");
    let resumed = env.coordinator(["resume", &name]).run().expect(exit_code::COMPLETE);
    assert_eq!(resumed.stdout, "Process Process-2 updated shared value to 570\nFinal shared value: 570\n");
}

/// A kept run that is incomplete is not over.
#[test]
fn a_kept_run_that_lacks_contributions_is_resumed() {
    let env = test_env!();
    let name = env.name("kept");
    let running = env.sleeping_run(&name, "1h", &["-w", "2", "--keep"]);
    running.signal(Signal::INT);
    let _ = running.finish().expect(exit_code::INTERRUPTED);
    assert_eq!(env.status(&name).expect("it was kept")["state"], "finished");
    let resumed = env.coordinator(["resume", &name, "--keep"]).start();
    env.until_status(&name, |status| status["workers"][1]["state"] == "sleeping");
    resumed.signal(Signal::TERM);
    let _ = resumed.finish().expect(exit_code::TERMINATED);
    let _ = env.coordinator(["remove", &name]).run().expect(exit_code::COMPLETE);
}

/// Fault 11.
#[test]
fn of_two_resumers_at_once_one_wins() {
    let env = test_env!();
    let name = env.name("rivals");
    let running = env.sleeping_run(&name, "500ms", &["-w", "2"]);
    running.signal_group(Signal::KILL);
    assert_eq!(running.finish().signal, Some(9));
    let mut rivals = [(); 2].map(|()| env.coordinator(["resume", &name]).start()).map(Running::finish);
    rivals.sort_by_key(|rival| rival.code);
    let [won, lost] = rivals;
    assert!(won.expect(exit_code::COMPLETE).stdout.ends_with("Final shared value: 570\n"));
    let lost = lost.expect(exit_code::UNAVAILABLE);
    assert!(lost.stdout.is_empty() && lost.stderr.contains("live coordinator"), "{lost:?}");
}

/// A run of one iteration whose command counts its attempts and fails until the gate is open; returns both files.
fn failing_run(env: &TestEnv, name: &str) -> (PathBuf, PathBuf) {
    let (attempts, gate) = (env.path().join("attempts"), env.path().join("gate"));
    let command = format!("echo >> '{}'; [ -e '{}' ] && echo 1", attempts.display(), gate.display());
    let args = ["--name", name, "-w", "1", "-n", "1", "--delay", "0", "--restarts", "0", "--keep", "--exec", &command];
    let failed = env.coordinator(args).run().expect(exit_code::INCOMPLETE);
    assert!(
        failed.stderr.contains(&format!("hint: remove the cause, or change: coordinator resume {name} --restarts"))
    );
    (attempts, gate)
}

#[test]
fn a_resume_has_limits_of_its_own_and_the_next_one_those_of_the_run() {
    let env = test_env!();
    let name = env.name("limits");
    let (attempts, gate) = failing_run(&env, &name);
    let count = || fs::read(&attempts).expect("it was attempted").len();
    assert_eq!(count(), 1);
    let resume = |args: &[&str]| env.coordinator(["resume", &name, "--keep"]).args(args).run();
    let more = resume(&["--restarts", "2"]).expect(exit_code::INCOMPLETE);
    assert!(more.stderr.contains("in 3 attempts"), "the worker was told: {more:?}");
    assert_eq!(count(), 1 + 3);
    let _ = resume(&[]).expect(exit_code::INCOMPLETE);
    assert_eq!(count(), 1 + 3 + 1);
    fs::write(&gate, "").expect("the gate can be opened");
    let done = env.coordinator(["resume", &name]).run().expect(exit_code::COMPLETE);
    assert_eq!(done.stdout, "Process Process-1 updated shared value to 1\nFinal shared value: 1\n");
}

#[test]
fn a_resume_with_fewer_jobs_launches_one_worker_after_the_other() {
    let env = test_env!();
    let name = env.name("jobs");
    // A second worker at the same time would find the folder, and fail for good.
    let command = format!("mkdir '{0}' && sleep 0.05 && rmdir '{0}' && echo 1", env.path().join("alone").display());
    let death = Injection { failpoint: Failpoint::Launching, action: "kill", times: 1 };
    let args = ["--name", &name, "-w", "3", "-n", "1", "--delay", "0", "--restarts", "0", "--exec", &command];
    assert_eq!(env.coordinator(args).inject(death).run().signal, Some(9));
    let resumed = env.coordinator(["resume", &name, "--jobs", "1", "-q"]).run().expect(exit_code::COMPLETE);
    assert_eq!(resumed.stdout, "3\n");
}

#[test]
fn a_resume_that_times_out_says_to_give_it_more_time() {
    let env = test_env!();
    let name = env.name("timeout");
    let running = env.sleeping_run(&name, "1h", &["-w", "2"]);
    running.signal_group(Signal::KILL);
    assert_eq!(running.finish().signal, Some(9));
    let args = ["resume", &name, "--keep", "--timeout", "100ms"];
    let late = env.coordinator(args).run().expect(exit_code::TIMEOUT);
    let advice = format!("hint: give it more time: coordinator resume {name} --timeout DUR");
    assert!(late.stderr.contains(&advice), "{late:?}");
    for wrong in [["--jobs", "0"], ["--restarts", "1e10"], ["--timeout", "soon"]] {
        let _ = env.coordinator(["resume", &name]).args(wrong).run().expect(exit_code::USAGE);
    }
    env.remove(&name);
}

#[test]
fn what_was_made_for_workers_by_hand_has_no_run_to_resume() {
    let env = test_env!();
    let name = env.name("hand");
    let worker = env.path().join("worker").display().to_string();
    let _ = env.coordinator(["create", &name, "--worker", &worker]).run().expect(exit_code::COMPLETE);
    let refused = env.coordinator(["resume", &name]).run().expect(exit_code::NOTHING_TO_DO);
    assert!(refused.stderr.contains(&format!("hint: start workers: {worker} --name {name}")), "{}", refused.stderr);
    let _ = env.coordinator(["remove", &name]).run().expect(exit_code::COMPLETE);
}
