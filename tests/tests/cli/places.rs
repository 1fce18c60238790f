//! Containers: other PID namespaces over one `/dev/shm`, machines without `/proc` or without a usable `/dev/shm`.
//!
//! The namespaces are the tests' own. The test itself is in one of them, over a `/dev/shm` of its own.

mod missing;

use common::cli::exit_code::{COMPLETE, FOREIGN, INTERRUPTED, UNAVAILABLE};
use common::failpoint::Failpoint;
use harness::{Finished, HeldRun, Injection, Running, TestEnv, assert_error, secluded, skip, test_env, until, wrapped};
use rustix::process::Signal;
use serde_json::Value;

/// Another PID namespace over the same `/dev/shm`. Its processes die with the command.
const ELSEWHERE: [&str; 6] = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--"];

/// Whether another PID namespace can be made in that of the test; if not, reports the test as skipped.
fn can_go_elsewhere(env: &TestEnv, test: &str) -> bool {
    let probe = env.program("true".as_ref()).with(wrapped(&ELSEWHERE)).run();
    if probe.code != Some(0) {
        skip(test, &format!("no second PID namespace can be made here: {}", probe.stderr));
    }
    probe.code == Some(0)
}

/// What `list` says of the segment.
fn listed(env: &TestEnv, name: &str) -> Value {
    let list = env.coordinator(["list", "--format", "json"]).run().expect(COMPLETE).json();
    let segments = list["segments"].as_array().expect("segments are an array").clone();
    segments.into_iter().find(|segment| segment["name"] == name).expect("it is listed")
}

/// A run in another PID namespace whose workers compute until the gate opens.
fn run_elsewhere(env: &TestEnv, held: &HeldRun<'_>, name: &str) -> Running {
    let script = format!("{} # {{start}}", held.script());
    let args = ["--name", name, "--split", "-n", "4", "--chunk", "1", "--exec", &script];
    let run = held.command("2", &args).with(wrapped(&ELSEWHERE)).start();
    env.until_status(name, |status| {
        let workers = status["workers"].as_array();
        workers.is_some_and(|workers| workers.iter().all(|worker| worker["state"] == "computing"))
    });
    run
}

/// Kills everything in the other namespace, and waits until its locks are gone.
fn kill_elsewhere(env: &TestEnv, run: Running, name: &str) {
    run.signal_group(Signal::KILL);
    drop(run);
    env.until_status(name, |status| status["in_use"] == false);
}

fn has_no_advice_to_remove(finished: &Finished) {
    for word in ["rm ", "remove "] {
        assert!(!finished.stderr.contains(word), "{word}: {finished:?}");
    }
}

/// Fault 56.
#[test]
fn a_live_run_of_another_pid_namespace_is_shown_and_protected() {
    if !secluded!(a_live_run_of_another_pid_namespace_is_shown_and_protected) {
        return;
    }
    let env = test_env!();
    if !can_go_elsewhere(&env, "a_live_run_of_another_pid_namespace_is_shown_and_protected") {
        return;
    }
    let (held, name) = (HeldRun::new(&env), env.name("live"));
    let run = run_elsewhere(&env, &held, &name);
    let segment = listed(&env, &name);
    assert_eq!((&segment["state"], &segment["in_use"]), (&"foreign".into(), &true.into()));
    let list = env.coordinator(["list"]).run().expect(COMPLETE).stdout;
    assert!(list.contains("foreign, in use"), "{list}");
    let status = env.status(&name).expect("it can be looked at");
    assert_eq!((&status["state"], &status["coordinator"]["alive"]), (&"foreign".into(), &true.into()));
    let text = env.coordinator(["status", &name]).run().expect(COMPLETE).stdout;
    assert!(text.contains("foreign, in use") && text.contains("next: its processes are in another PID"), "{text}");
    for refused in [env.worker(&name), env.coordinator(["resume", &name]), env.coordinator(["stop", &name])] {
        let refused = refused.run();
        assert_error(&refused, FOREIGN, "it was made in another PID namespace (container)");
        assert!(refused.stderr.contains(&format!("use it: coordinator status {name}")), "{refused:?}");
        has_no_advice_to_remove(&refused);
    }
    let refused = env.coordinator(["remove", &name]).run();
    assert_error(&refused, UNAVAILABLE, "is in use in another PID namespace (container)");
    has_no_advice_to_remove(&refused);
    let swept = env.coordinator(["remove", "--stale"]).run().expect(COMPLETE);
    assert_eq!(swept.stderr, "nothing is stale\n");
    let next = env.coordinator(["-w", "1", "-n", "10", "--delay", "0"]).run().expect(COMPLETE);
    assert_eq!(next.stderr, "", "it is no leftover");
    // Who only looks may be anywhere.
    let waiting = env.coordinator(["wait", &name]).start();
    let watching = env.coordinator(["status", "--watch", &name]).start();
    until("the watch to show it", || watching.stdout().contains("foreign, in use"));
    held.release();
    let _ = waiting.finish().expect(COMPLETE);
    let _ = watching.finish().expect(COMPLETE);
    let finished = run.finish().expect(COMPLETE);
    assert!(finished.stdout.ends_with("Final shared value: 4\n"), "{finished:?}");
}

/// Fault 56.
#[test]
fn what_a_dead_pid_namespace_left_is_named_and_resumed_or_removed() {
    if !secluded!(what_a_dead_pid_namespace_left_is_named_and_resumed_or_removed) {
        return;
    }
    let env = test_env!();
    if !can_go_elsewhere(&env, "what_a_dead_pid_namespace_left_is_named_and_resumed_or_removed") {
        return;
    }
    let held = HeldRun::new(&env);
    let (resumed, stale) = (env.name("resumed"), env.name("stale"));
    for name in [&resumed, &stale] {
        kill_elsewhere(&env, run_elsewhere(&env, &held, name), name);
    }
    assert_eq!(listed(&env, &resumed)["state"], "foreign");
    let next = env.coordinator(["-w", "1", "-n", "10", "--delay", "0"]).run().expect(COMPLETE);
    let commands = format!("finish it: coordinator resume {resumed}; or remove it: coordinator remove {resumed}");
    assert!(next.stderr.contains("by a run of another PID namespace"), "{next:?}");
    assert!(next.stderr.contains(&commands) && next.stderr.contains(&stale), "{next:?}");
    let taken = env.coordinator(["create", &resumed]).run();
    assert_error(&taken, UNAVAILABLE, "it was left behind in another PID namespace (container)");
    let refused = env.worker(&resumed).run();
    assert_error(&refused, FOREIGN, "it was made in another PID namespace (container)");
    let commands = format!("take it over: coordinator resume {resumed}; or remove it: coordinator remove {resumed}");
    assert!(refused.stderr.contains(&commands), "{refused:?}");
    // Two resumers of two namespaces: one of them coordinates.
    let resumers = [&[][..], &ELSEWHERE].map(|words| {
        let resume = env.coordinator(["resume", &resumed]);
        if words.is_empty() { resume.start() } else { resume.with(wrapped(words)).start() }
    });
    until("one of them to be refused", || resumers.iter().any(Running::has_ended));
    held.release();
    let mut codes = resumers.map(|resumer| {
        let finished = resumer.finish();
        let is_complete = finished.stdout.ends_with("Final shared value: 4\n");
        assert_eq!(is_complete, finished.code == Some(COMPLETE.into()), "{finished:?}");
        finished.code
    });
    codes.sort_unstable();
    assert!([Some(UNAVAILABLE.into()), Some(FOREIGN.into())].contains(&codes[1]), "{codes:?}");
    assert_eq!(codes[0], Some(COMPLETE.into()));
    let swept = env.coordinator(["remove", "--stale"]).run().expect(COMPLETE);
    assert_eq!(swept.stderr, format!("removed {stale}\n"));
}

/// Faults 1 and 56: the owner of the lock died in the other namespace, between the two halves of its commit.
#[test]
fn a_resume_from_another_pid_namespace_recovers_the_lock_of_a_dead_owner() {
    if !secluded!(a_resume_from_another_pid_namespace_recovers_the_lock_of_a_dead_owner) {
        return;
    }
    let env = test_env!();
    if !can_go_elsewhere(&env, "a_resume_from_another_pid_namespace_recovers_the_lock_of_a_dead_owner") {
        return;
    }
    let name = env.name("owner");
    let injection = Injection { failpoint: Failpoint::Published, action: "stop", times: 1 };
    let run = env.coordinator(["--name", &name, "-w", "2", "-n", "10", "--delay", "0"]);
    let run = run.inject(injection).with(wrapped(&ELSEWHERE)).start();
    env.until_status(&name, |status| status["lock"]["held_by"]["process"] == "in another PID namespace");
    kill_elsewhere(&env, run, &name);
    let resumed = env.coordinator(["resume", &name, "--format", "json"]).run().expect(COMPLETE).json();
    assert_eq!((&resumed["value"], &resumed["recoveries"]), (&570.into(), &1.into()), "{resumed}");
}

/// Fault 56: what a coordinator has kept stays, and what nobody can join any more goes.
#[test]
fn remove_stale_clears_what_another_pid_namespace_left_but_not_what_it_kept() {
    if !secluded!(remove_stale_clears_what_another_pid_namespace_left_but_not_what_it_kept) {
        return;
    }
    let env = test_env!();
    if !can_go_elsewhere(&env, "remove_stale_clears_what_another_pid_namespace_left_but_not_what_it_kept") {
        return;
    }
    let (by_hand, kept) = (env.name("by-hand"), env.name("kept"));
    let elsewhere = |args: &[&str]| env.coordinator(args).with(wrapped(&ELSEWHERE)).run().expect(COMPLETE);
    let _ = elsewhere(&["create", &by_hand, "-n", "10"]);
    let _ = elsewhere(&["run", "--name", &kept, "--keep", "always", "-w", "1", "-n", "10", "--delay", "0"]);
    let refused = env.worker(&by_hand).run();
    assert_error(&refused, FOREIGN, "it was made in another PID namespace");
    assert!(refused.stderr.contains(&format!("remove it: coordinator remove {by_hand}")), "{refused:?}");
    assert_error(&env.coordinator(["resume", &by_hand]).run(), FOREIGN, "it was made in another PID namespace");
    let list = env.coordinator(["list"]).run().expect(COMPLETE).stdout;
    assert!(list.contains("foreign, finished"), "{list}");
    let swept = env.coordinator(["remove", "--stale"]).run().expect(COMPLETE);
    assert_eq!(swept.stderr, format!("removed {by_hand}\n"));
    env.remove(&kept);
}

/// Fault 56: a signal to the coordinator keeps the run; it goes on in the namespace of the next container.
#[test]
fn a_run_that_its_container_stopped_goes_on_in_the_next_one() {
    if !secluded!(a_run_that_its_container_stopped_goes_on_in_the_next_one) {
        return;
    }
    let env = test_env!();
    if !can_go_elsewhere(&env, "a_run_that_its_container_stopped_goes_on_in_the_next_one") {
        return;
    }
    let name = env.name("moved");
    let first = env.coordinator(["--name", &name, "-w", "2", "-n", "10", "--delay", "0", "--timeout", "1h"]);
    let injection = Injection { failpoint: Failpoint::Computed, action: "stop", times: 1 };
    let run = first.inject(injection).with(wrapped(&ELSEWHERE)).start();
    env.until_status(&name, |status| status["contributions"]["done"] == 1);
    // As a container does: to its first process, which is the coordinator, through the process that waits for it.
    run.signal_group(Signal::INT);
    let stopped = run.finish();
    assert!([Some(INTERRUPTED.into()), None].contains(&stopped.code), "{stopped:?}");
    env.until_status(&name, |status| status["in_use"] == false);
    let resumed = env.coordinator(["resume", &name]).run().expect(COMPLETE);
    assert!(resumed.stdout.ends_with("Final shared value: 570\n"), "{resumed:?}");
}
