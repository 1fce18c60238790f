//! Signals to the coordinator and its workers, timeouts, and requests to stop.

use common::cli::exit_code;
use common::failpoint::Failpoint;
use harness::{Injection, skip, test_env, until, which};
use rustix::process::{Pid, Signal, kill_process};

/// Fault 13.
#[test]
fn a_signal_to_the_coordinator_stops_the_workers_and_reports_the_partial_value() {
    let cases = [
        (Signal::INT, exit_code::INTERRUPTED),
        (Signal::TERM, exit_code::TERMINATED),
        (Signal::HUP, exit_code::HANGUP),
    ];
    for (signal, code) in cases {
        if common::process::is_ignored(signal.as_raw()) {
            skip("a signal", "it is ignored here, and so by the coordinators that the tests start");
            continue;
        }
        let env = test_env!();
        let name = env.name("signal");
        let running = env.sleeping_run(&name, "1h", &[]);
        let done = env.worker(&name).args(["--delay", "0"]).run().expect(0);
        assert_eq!(done.stdout, "Process Process-5 updated shared value to 285\n");
        running.signal(signal);
        let finished = running.finish().expect(code);
        let lines = "Process Process-5 updated shared value to 285\nFinal shared value: 285\n";
        assert_eq!(finished.stdout, lines);
        assert!(finished.stderr.contains("error: incomplete"), "{}", finished.stderr);
        let kept = format!(
            "kept segment {name}: 1 of 5 contributions are applied; finish it: coordinator resume {name}; or remove it: \
             coordinator remove {name}\n"
        );
        assert!(finished.stderr.ends_with(&kept), "{}", finished.stderr);
        env.remove(&name);
    }
}

/// Fault 13.
#[test]
fn ctrl_c_to_the_whole_group_ends_everything() {
    let env = test_env!();
    let name = env.name("ctrl-c");
    let running = env.sleeping_run(&name, "1h", &[]);
    running.signal_group(Signal::INT);
    let finished = running.finish().expect(exit_code::INTERRUPTED);
    assert_eq!(finished.stdout, "Final shared value: 0\n");
    assert!(!finished.stderr.contains("launching it again"), "{}", finished.stderr);
}

/// Fault 13: the workers are stopped, so that they cannot react to the first one.
#[test]
fn a_second_ctrl_c_kills_at_once() {
    let env = test_env!();
    let name = env.name("twice");
    let injection = Injection { failpoint: Failpoint::Computed, action: "stop", times: 4 };
    let running = env.coordinator(["--name", &name, "--grace", "1h", "-n", "10", "-v"]).inject(injection).start();
    env.until_status(&name, |status| {
        let workers = status["workers"].as_array();
        workers.is_some_and(|workers| workers.iter().all(|worker| worker["stopped"] == true))
    });
    running.signal(Signal::INT);
    until("the first one to be heard", || running.stderr().contains("stopping"));
    running.signal(Signal::INT);
    let finished = running.finish().expect(exit_code::INTERRUPTED);
    assert!(finished.stderr.contains("signal 9"), "{}", finished.stderr);
}

/// Fault 13: a session that ends sends SIGHUP besides another signal, and twice. The workers are stopped at first.
#[test]
fn a_hangup_while_workers_leave_kills_nobody() {
    if common::process::is_ignored(Signal::HUP.as_raw()) {
        skip("a_hangup_while_workers_leave_kills_nobody", "SIGHUP is ignored here");
        return;
    }
    let env = test_env!();
    let name = env.name("hangup");
    let injection = Injection { failpoint: Failpoint::Computed, action: "stop", times: 4 };
    let running = env.coordinator(["--name", &name, "--grace", "1h", "-n", "10", "-v"]).inject(injection).start();
    let status = env.until_status(&name, |status| {
        let workers = status["workers"].as_array();
        workers.is_some_and(|workers| workers.iter().all(|worker| worker["stopped"] == true))
    });
    running.signal(Signal::TERM);
    running.signal(Signal::HUP);
    until("the run to stop", || running.stderr().contains("stopping"));
    running.signal(Signal::HUP);
    running.signal(Signal::USR1);
    // The status table, which it prints after it has seen the signals before.
    until("the last one to be heard", || running.stderr().contains("coordinator: pid "));
    for worker in status["workers"].as_array().expect("a list") {
        let pid = Pid::from_raw(i32::try_from(worker["pid"].as_i64().expect("it has one")).expect("it is an id"));
        kill_process(pid.expect("it is positive"), Signal::CONT).expect("it lives");
    }
    let finished = running.finish();
    let codes = [exit_code::TERMINATED, exit_code::HANGUP].map(|code| Some(i32::from(code)));
    assert!(codes.contains(&finished.code) && !finished.stderr.contains("signal 9"), "{finished:?}");
}

/// Fault 13.
#[test]
fn workers_that_do_not_obey_are_killed_when_grace_is_over() {
    let env = test_env!();
    let injection = Injection { failpoint: Failpoint::Computed, action: "stop", times: 4 };
    let finished = env.coordinator(["--timeout", "300ms", "--grace", "100ms", "-n", "10"]).inject(injection).run();
    let finished = finished.expect(exit_code::TIMEOUT);
    assert!(finished.stderr.contains("timeout"), "{}", finished.stderr);
}

/// Fault 18: the holder of the lock is stopped, and the run is still interruptible.
#[test]
fn a_stopped_holder_of_the_lock_keeps_no_signal_from_being_heard() {
    let env = test_env!();
    let name = env.name("holder");
    let injection = Injection { failpoint: Failpoint::Locked, action: "stop", times: 1 };
    let args = ["--name", &name, "--delay", "0", "-n", "10", "--grace", "100ms"];
    let running = env.coordinator(args).inject(injection).start();
    let status = env.until_status(&name, |status| {
        let holder = &status["lock"]["held_by"];
        holder["process"] == "stopped"
    });
    assert!(status["lock"]["held_by"]["worker"].as_u64().is_some_and(|ticket| (1..=4).contains(&ticket)));
    running.signal(Signal::TERM);
    let _ = running.finish().expect(exit_code::TERMINATED);
}

#[test]
fn a_timeout_ends_an_endless_computation() {
    let env = test_env!();
    let finished = env.coordinator(["-n", "4e12", "--timeout", "200ms", "-w", "2"]).run();
    let finished = finished.expect(exit_code::TIMEOUT);
    assert_eq!(finished.stdout, "Final shared value: 0\n");
    assert!(finished.stderr.contains("0 of 2 contributions"), "{}", finished.stderr);
}

#[test]
fn stop_lets_workers_finish_and_launches_no_more() {
    let env = test_env!();
    let name = env.name("drain");
    let args = ["--name", &name, "-w", "3", "--jobs", "1", "-n", "10", "--delay", "3s"];
    let running = env.coordinator(args).start();
    env.until_status(&name, |status| status["workers"][0]["state"] == "sleeping");
    let _ = env.coordinator(["stop", &name]).run().expect(0);
    let finished = running.finish().expect(exit_code::INCOMPLETE);
    assert!(finished.stdout.starts_with("Process Process-1 updated shared value to 285\n"), "{finished:?}");
    assert!(finished.stdout.ends_with("Final shared value: 285\n"), "{finished:?}");
    assert!(finished.stderr.contains("incomplete (stopped): 1 of 3"), "{}", finished.stderr);
    env.remove(&name);
}

/// After `stop`, a run still obeys its timeout, and treats the first Ctrl-C as the first one.
#[test]
fn a_draining_run_still_has_its_timeout_and_its_signals() {
    let env = test_env!();
    let name = env.name("drained");
    let draining = |args: &[&str]| {
        let running = env.sleeping_run(&name, "1h", args);
        let _ = env.coordinator(["stop", &name]).run().expect(0);
        running
    };
    let _ = draining(&["--timeout", "3s"]).finish().expect(exit_code::TIMEOUT);
    let interrupted = draining(&["-v"]);
    interrupted.signal(Signal::INT);
    let finished = interrupted.finish().expect(exit_code::INTERRUPTED);
    assert!(!finished.stderr.contains("signal 9"), "{}", finished.stderr);
}

/// A parent may have blocked the signals that a coordinator needs.
#[test]
fn an_inherited_signal_mask_changes_nothing() {
    let Some(python) = which("python3") else {
        skip("an_inherited_signal_mask_changes_nothing", "no python3");
        return;
    };
    let env = test_env!();
    let block = "import os, signal, sys\n\
                 signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD, signal.SIGINT])\n\
                 os.execv(sys.argv[1], sys.argv[1:])";
    let coordinator = env.path().join("coordinator");
    let finished = env
        .program(&python)
        .args(["-c", block])
        .args([&coordinator])
        .args(["--delay", "0", "-n", "10", "-q"])
        .run()
        .expect(exit_code::COMPLETE);
    assert_eq!(finished.stdout, "1140\n");
}

#[test]
fn stop_now_makes_workers_leave_without_a_contribution() {
    let env = test_env!();
    let name = env.name("now");
    let running = env.sleeping_run(&name, "1h", &[]);
    let _ = env.coordinator(["stop", "--now", &name]).run().expect(0);
    let finished = running.finish().expect(exit_code::INCOMPLETE);
    assert_eq!(finished.stdout, "Final shared value: 0\n");
}

/// A stopped run whose workers do not react ends after the grace period, because `stop` wakes the coordinator.
#[test]
fn stop_now_is_enforced_by_the_coordinator() {
    let env = test_env!();
    let name = env.name("enforced");
    let injection = Injection { failpoint: Failpoint::Computed, action: "stop", times: 1 };
    let args = ["--name", &name, "-w", "1", "--grace", "100ms", "-n", "10", "-v"];
    let running = env.coordinator(args).inject(injection).start();
    env.until_status(&name, |status| status["workers"][0]["stopped"] == true);
    let _ = env.coordinator(["stop", "--now", &name]).run().expect(0);
    let _ = running.finish().expect(exit_code::INCOMPLETE);
}

#[test]
fn a_worker_by_hand_leaves_with_the_exit_code_of_its_signal() {
    let cases = [(Signal::INT, exit_code::INTERRUPTED), (Signal::TERM, exit_code::TERMINATED)];
    let env = test_env!();
    let name = env.name("hand");
    let _ = env.coordinator(["create", &name, "--delay", "1h", "-n", "10"]).run().expect(0);
    for (signal, code) in cases {
        let worker = env.worker(&name).start();
        env.until_status(&name, |status| status["workers"][0]["state"] == "sleeping");
        worker.signal(signal);
        let finished = worker.finish().expect(code);
        assert_eq!(finished.stdout, "");
    }
    let _ = env.coordinator(["remove", &name]).run().expect(0);
}
