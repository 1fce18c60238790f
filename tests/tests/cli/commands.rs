//! The commands that go with workers started by hand: `status`, `list`, `wait`, `remove`.

use common::cli::exit_code;
use common::failpoint::Failpoint;
use harness::{Injection, assert_error, secluded, test_env, until};
use rustix::process::Signal;

#[test]
fn status_shows_a_published_commit_whose_worker_was_killed() {
    let env = test_env!();
    let name = env.create("half", &[]);
    let killed =
        env.worker(&name).inject(Injection { failpoint: Failpoint::Published, action: "kill", times: 1 }).run();
    assert_eq!(killed.signal, Some(9));
    for _ in 0..2 {
        let status = env.status(&name).expect("it is there");
        assert_eq!((&status["value"], &status["contributions"]["done"]), (&285.into(), &1.into()));
        assert_eq!(status["recoveries"], 0, "looking changes nothing");
    }
    let finished = env.worker(&name).run().expect(0);
    assert_eq!(finished.stdout, "Process Process-2 updated shared value to 570\n");
    env.remove(&name);
}

#[test]
fn status_and_list_answer_while_the_lock_is_held() {
    let env = test_env!();
    let name = env.create("held", &[]);
    let worker = env.worker(&name).inject(Injection { failpoint: Failpoint::Locked, action: "stop", times: 1 }).start();
    let status = env.until_status(&name, |status| status["lock"]["held_by"]["process"] == "stopped");
    assert_eq!(status["lock"]["held_by"]["worker"], 1);
    assert_eq!(status["lock"]["held_by"]["pid"], worker.pid());
    let text = env.coordinator(["status", &name]).run().expect(0).stdout;
    let holder = format!("lock: held by Process-1, pid {}, stopped", worker.pid());
    assert!(text.contains(&holder), "{text}");
    let list = env.coordinator(["list"]).run().expect(0).stdout;
    assert!(list.contains(&name), "{list}");
    // Another worker reports which process it waits for.
    let waiting = env.worker(&name).start();
    harness::until("the waiting worker to complain", || waiting.stderr().contains("held by Process-1"));
    worker.signal(Signal::CONT);
    let _ = worker.finish().expect(0);
    let _ = waiting.finish().expect(0);
    env.remove(&name);
}

#[test]
fn status_is_a_table_that_says_what_to_do_next() {
    let env = test_env!();
    let name = env.create("table", &[]);
    let _ = env.worker(&name).run().expect(0);
    let text = env.coordinator(["status", &name]).run().expect(0).stdout;
    for part in ["open", "sum-of-squares", "1 of 4 contributions", "value: 285", "lock: free", "Process-1", "next:"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    env.remove(&name);
}

#[test]
fn list_tells_names_states_and_contributions() {
    let env = test_env!();
    let name = env.create("list", &[]);
    let json = env.coordinator(["list", "--format", "json"]).run().expect(0).json();
    assert_eq!(json["schema"], 2);
    let segments = json["segments"].as_array().expect("segments are an array");
    let segment = segments.iter().find(|segment| segment["name"] == name).expect("it is listed");
    assert_eq!((&segment["state"], &segment["contributions"]["total"]), (&"open".into(), &4.into()));
    env.remove(&name);
}

/// As many as the run then wants.
#[test]
fn list_counts_the_contributions_of_workers_that_joined_by_hand() {
    let env = test_env!();
    let name = env.name("joined");
    let args = ["--name", &name, "-w", "2", "-n", "10", "--delay", "1h"];
    let running = env.coordinator(args).start();
    env.until_status(&name, |status| status["workers"][1]["state"] == "sleeping");
    let _ = env.worker(&name).args(["--delay", "0"]).run().expect(exit_code::COMPLETE);
    let text = env.coordinator(["list"]).run().expect(exit_code::COMPLETE).stdout;
    let line = text.lines().find(|line| line.starts_with(&name)).expect("it is listed");
    assert!(line.contains("1 of 3"), "{line}");
    running.signal(Signal::TERM);
    let _ = running.finish().expect(exit_code::TERMINATED);
    env.remove(&name);
}

#[test]
fn list_prints_the_names_alone_for_other_commands() {
    if !secluded!(list_prints_the_names_alone_for_other_commands) {
        return;
    }
    let env = test_env!();
    assert_eq!(env.coordinator(["list", "-q"]).run().expect(exit_code::COMPLETE).stdout, "");
    let names = ["a", "b"].map(|label| env.create(label, &[]));
    assert_eq!(env.coordinator(["list", "--quiet"]).run().expect(exit_code::COMPLETE).lines(), names);
    assert_error(&env.coordinator(["list", "-q", "--format", "json"]).run(), exit_code::USAGE, "cannot be used with");
    for name in &names {
        env.remove(name);
    }
}

/// A chunk that a worker holds is given out and not applied.
#[test]
fn list_and_wait_tell_how_much_of_a_range_is_applied() {
    let env = test_env!();
    let name = env.create("half", &["--split", "-n", "10", "--chunk", "5"]);
    let worker = env.worker(&name).args(["--delay", "1h"]).start();
    env.until_status(&name, |status| status["workers"][0]["state"] == "sleeping");
    let applied = |share: &str| {
        let list = env.coordinator(["list"]).run().expect(exit_code::COMPLETE).stdout;
        assert!(list.lines().any(|line| line.starts_with(&name) && line.contains(share)), "{list}");
    };
    applied(" 0% applied");
    let late = env.coordinator(["wait", &name, "--timeout", "50ms"]).run().expect(exit_code::TIMEOUT);
    assert!(late.stderr.contains("timeout: 0 of 10 iterations are applied in segment"), "{late:?}");
    drop(worker);
    let _ = env.worker(&name).run().expect(exit_code::COMPLETE);
    applied(" 100% applied");
    let status = env.coordinator(["status", &name]).run().expect(exit_code::COMPLETE).stdout;
    assert!(status.contains("100% in 2 chunks; complete; "), "{status}");
    env.remove(&name);
}

#[test]
fn wait_takes_several_names_and_goes_on_after_a_failure() {
    let env = test_env!();
    let names = ["a", "b"].map(|label| env.create(label, &["-w", "1"]));
    let missing = env.name("missing");
    let waiting = env.coordinator(["wait", &names[0], &missing, &names[1]]).start();
    for name in &names {
        let _ = env.worker(name).run().expect(exit_code::COMPLETE);
    }
    assert_error(&waiting.finish(), exit_code::UNAVAILABLE, "no segment");
    let _ = env.coordinator(["wait", &names[0], &names[1]]).run().expect(exit_code::COMPLETE);
    let late = env.coordinator(["wait", &names[0], &names[1], "--contributions", "9", "--timeout", "0.05"]).run();
    assert_eq!((late.code, late.stderr.matches("error: timeout").count()), (Some(5), 2), "{late:?}");
    for name in &names {
        env.remove(name);
    }
}

#[test]
fn wait_ends_with_the_contributions() {
    let env = test_env!();
    let name = env.create("wait", &["-w", "2"]);
    let all = env.coordinator(["wait", &name]).start();
    let one = env.coordinator(["wait", &name, "--contributions", "1"]).start();
    let _ = env.worker(&name).run().expect(0);
    let _ = one.finish().expect(0);
    assert!(!all.has_ended());
    let _ = env.worker(&name).run().expect(0);
    let _ = all.finish().expect(0);
    env.remove(&name);
}

#[test]
fn wait_gives_up_after_its_timeout() {
    let env = test_env!();
    let name = env.create("patience", &[]);
    let finished = env.coordinator(["wait", &name, "--timeout", "50ms"]).run().expect(exit_code::TIMEOUT);
    assert!(finished.stderr.contains("0 of 4 contributions"), "{}", finished.stderr);
    env.remove(&name);
}

/// Nobody is at work, and nobody can contribute any more.
#[test]
fn wait_does_not_wait_for_what_cannot_come() {
    let env = test_env!();
    let name = env.create("vain", &["--slots", "4"]);
    let too_many = env.coordinator(["wait", &name, "--contributions", "5"]).run().expect(exit_code::USAGE);
    assert!(too_many.stderr.contains("has 4 slots"), "{}", too_many.stderr);
    let waiting = env.coordinator(["wait", &name]).start();
    let _ = env.coordinator(["stop", &name]).run().expect(0);
    let forsaken = waiting.finish().expect(exit_code::INCOMPLETE);
    assert!(forsaken.stderr.contains("asked to stop"), "{}", forsaken.stderr);
    env.remove(&name);
}

/// Fault 39.
#[test]
fn wait_ends_when_a_divided_range_leaves_no_contribution_to_come() {
    let env = test_env!();
    let name = env.create("divided", &["--split", "-n", "4"]);
    let _ = env.worker(&name).run().expect(exit_code::COMPLETE);
    let _ = env.coordinator(["wait", &name]).run().expect(exit_code::COMPLETE);
    let waited = env.coordinator(["wait", &name, "--contributions", "3"]).run().expect(exit_code::INCOMPLETE);
    assert!(waited.stderr.contains("1 of 3 contributions are applied, and all of its range is applied"), "{waited:?}");
    let status = env.coordinator(["status", &name]).run().expect(exit_code::COMPLETE).stdout;
    assert!(status.ends_with(&format!("next: coordinator remove {name}\n")), "{status}");
    env.remove(&name);
}

#[test]
fn wait_says_that_nobody_is_at_work_and_what_is_missing_and_goes_on() {
    let env = test_env!();
    let flag = env.path().join("flag");
    let command = format!("case {{start}} in 4|5|9) [ -e '{}' ] || exit 3;; esac; echo 1 # {{end}}", flag.display());
    let name = env.create("idle", &["--split", "-n", "12", "--chunk", "1", "--exec", &command]);
    let waiting = env.coordinator(["wait", &name]).start();
    let missing = format!("note: nobody is at work in segment {name}; missing: 0..12 (not begun); start a worker: ");
    until("the wait to say that nobody has begun", || waiting.stderr().contains(&missing));
    let worker = env.worker(&name).args(["--delay", "1h"]).start();
    env.until_status(&name, |status| status["workers"][0]["state"] == "sleeping");
    worker.signal(Signal::KILL);
    let pid = worker.pid();
    assert_eq!(worker.finish().signal, Some(9));
    until("the wait to say who died", || {
        waiting.stderr().contains(&format!(": Process-1 (pid {pid}) died; missing: 0..12 (not begun)"))
    });
    let _ = env.worker(&name).run().expect(exit_code::INCOMPLETE);
    let failed = "; missing: 4..6 (exit code 3, 4 attempts), 9..10 (exit code 3, 4 attempts); start a worker: ";
    until("the wait to say what failed", || waiting.stderr().contains(failed));
    assert_eq!(waiting.stderr().lines().count(), 3, "each is said once: {}", waiting.stderr());
    std::fs::write(&flag, "").expect("the flag can be set");
    // A worker that finds nothing else tries again what was set aside.
    until("all of it to be done", || {
        let _ = env.worker(&name).run();
        waiting.has_ended()
    });
    let _ = waiting.finish().expect(exit_code::COMPLETE);
    env.remove(&name);
}

/// Fault 39.
#[test]
fn wait_says_how_many_contributions_are_missing_and_nothing_while_somebody_is_at_work() {
    let env = test_env!();
    let name = env.create("whole", &["-w", "3"]);
    let _ = env.worker(&name).run().expect(0);
    let waited = env.coordinator(["wait", &name, "--timeout", "1500ms"]).run().expect(exit_code::TIMEOUT);
    assert!(
        waited
            .stderr
            .starts_with(&format!("note: nobody is at work in segment {name}; missing: 2 of 3 contributions; "))
    );
    env.remove(&name);
    let name = env.name("coordinated");
    let running = env.sleeping_run(&name, "1h", &["-w", "1"]);
    let waited = env.coordinator(["wait", &name, "--timeout", "1500ms"]).run().expect(exit_code::TIMEOUT);
    assert!(!waited.stderr.contains("nobody"), "{waited:?}");
    running.signal(Signal::INT);
    let _ = running.finish();
}

#[test]
fn who_waits_keeps_nobody_from_removing() {
    let env = test_env!();
    let name = env.create("watched", &[]);
    let waiting = env.coordinator(["wait", &name]).start();
    env.remove(&name);
    let _ = waiting.finish().expect(exit_code::UNAVAILABLE);
}

#[test]
fn a_missing_segment_is_named_with_those_that_there_are() {
    let env = test_env!();
    let (name, missing) = (env.create("here", &[]), env.name("missing"));
    let finished = env.worker(&missing).run().expect(exit_code::UNAVAILABLE);
    assert!(finished.stderr.starts_with(&format!("error: no segment \"{missing}\"\nhint: ")), "{}", finished.stderr);
    assert!(finished.stderr.contains(&name), "{}", finished.stderr);
    for command in ["status", "wait", "stop", "remove", "resume"] {
        let _ = env.coordinator([command, &missing]).run().expect(exit_code::UNAVAILABLE);
    }
    env.remove(&name);
}

#[test]
fn remove_refuses_while_a_worker_is_attached_unless_forced() {
    let env = test_env!();
    let name = env.create("used", &["--delay", "1h"]);
    let worker = env.worker(&name).start();
    env.until_status(&name, |status| status["workers"][0]["state"] == "sleeping");
    let refused = env.coordinator(["remove", &name]).run().expect(exit_code::UNAVAILABLE);
    assert!(refused.stderr.contains(&format!("Process-1 (pid {})", worker.pid())), "{}", refused.stderr);
    let _ = env.coordinator(["remove", "--force", &name]).run().expect(0);
    assert!(env.segments().is_empty());
}

#[test]
fn remove_takes_several_names_and_goes_on_after_a_failure() {
    let env = test_env!();
    let (one, two) = (env.create("one", &[]), env.create("two", &[]));
    let finished = env.coordinator(["remove", &one, &env.name("none"), &two]).run();
    let finished = finished.expect(exit_code::UNAVAILABLE);
    assert!(finished.stderr.contains("no segment"), "{}", finished.stderr);
    assert!(env.segments().is_empty());
}
