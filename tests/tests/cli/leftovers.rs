//! Segments that outlive their creators, and names that several processes want.

use std::fs;
use std::sync::{Arc, Barrier};
use std::thread;

use common::cli::exit_code;
use common::failpoint::Failpoint;
use common::{CreateError, Origin, Removal, Segment, SegmentName, Terms};
use harness::{Finished, HeldRun, Injection, Running, TestEnv, secluded, test_env, until};
use rustix::process::{Pid, Signal};

/// A run whose processes are all dead.
fn stale_run(env: &TestEnv, label: &str) -> String {
    let name = env.name(label);
    let running = env.sleeping_run(&name, "1h", &["-w", "2"]);
    running.signal_group(Signal::KILL);
    assert_eq!(running.finish().signal, Some(9));
    env.until_status(&name, |status| status["state"] == "stale");
    name
}

fn terms() -> Terms {
    Terms {
        origin: Origin::Run,
        iterations: 10,
        slots: 8,
        worker: "/bin/false".into(),
        ..Terms::by_hand("sum-of-squares", 1)
    }
}

/// Fault 12.
#[test]
fn the_next_run_names_what_a_killed_one_left_and_what_to_do() {
    let env = test_env!();
    let name = stale_run(&env, "left");
    let next = env.coordinator(["--delay", "0", "-n", "10", "-w", "1"]).run().expect(exit_code::COMPLETE);
    for part in [&name, "coordinator resume", "coordinator remove", "0 of 2 contributions"] {
        assert!(next.stderr.contains(part), "{part}: {}", next.stderr);
    }
    let same = env.coordinator(["--name", &name]).run().expect(exit_code::UNAVAILABLE);
    assert!(same.stderr.contains("exists already: it was left behind"), "{}", same.stderr);
    assert!(same.stderr.contains(&format!("coordinator resume {name}")), "{}", same.stderr);
    let _ = env.coordinator(["remove", &name]).run().expect(exit_code::COMPLETE);
}

/// Fault 12.
#[test]
fn a_run_that_was_left_behind_has_nobody_to_stop() {
    let env = test_env!();
    let name = stale_run(&env, "left");
    for options in [&["stop"][..], &["stop", "--now"]] {
        let stopped = env.coordinator(options.iter().chain([&&*name])).run().expect(exit_code::NOTHING_TO_DO);
        assert!(stopped.stderr.contains("nobody is at work in segment"), "{}", stopped.stderr);
        assert!(stopped.stderr.contains(&format!("coordinator resume {name}")), "{}", stopped.stderr);
    }
    let status = env.status(&name).expect("it is there");
    assert_eq!(status["stop"], "no", "a run that is resumed goes on");
    let _ = env.coordinator(["remove", &name]).run().expect(exit_code::COMPLETE);
}

/// Fault 12: finished workers say nothing about how far a divided range is.
#[test]
fn of_a_divided_range_it_is_told_how_much_is_applied() {
    let env = test_env!();
    let name = env.name("range");
    let args = ["--split", "--name", &name, "-n", "10", "--chunk", "5", "-w", "1", "--delay", "0"];
    let running = env.coordinator(args).args(["--exec", "[ {start} = 0 ] || exec sleep 60; echo 1"]).start();
    env.until_status(&name, |status| status["split"]["iterations_done"] == "5");
    running.signal_group(Signal::KILL);
    assert_eq!(running.finish().signal, Some(9));
    env.until_status(&name, |status| status["state"] == "stale");
    let next = env.coordinator(["--delay", "0", "-n", "10", "-w", "1"]).run().expect(exit_code::COMPLETE);
    assert!(next.stderr.contains(&format!("segment \"{name}\" was left behind")), "{next:?}");
    assert!(next.stderr.contains("with 50% of its range applied"), "{next:?}");
    let waited = env.coordinator(["wait", &name]).run().expect(exit_code::INCOMPLETE);
    assert!(waited.stderr.contains("5 of 10 iterations are applied, and its coordinator is dead"), "{waited:?}");
    let _ = env.coordinator(["remove", &name]).run().expect(exit_code::COMPLETE);
}

/// Fault 12.
#[test]
fn remove_stale_removes_what_is_stale_and_nothing_else() {
    if !secluded!(remove_stale_removes_what_is_stale_and_nothing_else) {
        return;
    }
    let env = test_env!();
    let stale = [stale_run(&env, "one"), stale_run(&env, "two")];
    let (open, running) = (env.name("open"), env.name("running"));
    let _ = env.coordinator(["create", &open]).run().expect(exit_code::COMPLETE);
    let alive = env.sleeping_run(&running, "1h", &["-w", "2"]);
    let finished = env.coordinator(["remove", "--stale"]).run().expect(exit_code::COMPLETE);
    assert!(stale.iter().all(|name| finished.stderr.contains(name)), "{}", finished.stderr);
    let mut left = env.segments();
    left.sort();
    assert_eq!(left, [env.segment(&open), env.segment(&running)]);
    alive.signal(Signal::INT);
    let _ = alive.finish().expect(exit_code::INTERRUPTED);
    let _ = env.coordinator(["remove", &open]).run().expect(exit_code::COMPLETE);
}

/// Fault 3, at the failpoint: the name does not exist before the segment is complete.
#[test]
fn a_creator_killed_before_it_publishes_leaves_no_name_and_remove_stale_clears_the_rest() {
    if !secluded!(a_creator_killed_before_it_publishes_leaves_no_name_and_remove_stale_clears_the_rest) {
        return;
    }
    let env = test_env!();
    let name = env.name("half");
    let injection = Injection { failpoint: Failpoint::Created, action: "kill", times: 1 };
    let killed = env.coordinator(["create", &name]).inject(injection).run();
    assert_eq!(killed.signal, Some(9));
    assert!(env.segments().is_empty());
    let _ = env.worker(&name).run().expect(exit_code::UNAVAILABLE);
    let finished = env.coordinator(["remove", "--stale"]).run().expect(exit_code::COMPLETE);
    assert!(finished.stderr.contains("removed 1 unfinished"), "{}", finished.stderr);
    let _ = env.coordinator(["create", &name]).run().expect(exit_code::COMPLETE);
    let _ = env.coordinator(["remove", &name]).run().expect(exit_code::COMPLETE);
}

/// Fault 16: a restarted worker must not join a new segment of the same name.
#[test]
fn a_relaunch_never_goes_to_another_segment_of_the_same_name() {
    let env = test_env!();
    let name = env.name("stranger");
    let old = env.sleeping_run(&name, "1h", &["-w", "2"]);
    let pid = env.status(&name).expect("it is there")["workers"][1]["pid"].as_u64().expect("it has a pid");
    fs::remove_file(env.segment(&name)).expect("a third party can unlink it");
    let new = env.sleeping_run(&name, "3s", &["-w", "2"]);
    let pid = Pid::from_raw(i32::try_from(pid).expect("it is a pid")).expect("it is positive");
    rustix::process::kill_process(pid, Signal::KILL).expect("the worker lives");
    until("the old run to give the worker up", || old.stderr().contains("launching it again"));
    let finished = new.finish().expect(exit_code::COMPLETE);
    assert!(finished.stdout.ends_with("Final shared value: 570\n"), "{finished:?}");
    assert!(!finished.stderr.contains("error"), "{}", finished.stderr);
    old.signal(Signal::INT);
    let _ = old.finish().expect(exit_code::INTERRUPTED);
}

/// Fault 16: who is there does the chunk of a worker that cannot be launched again.
#[test]
fn the_chunk_of_a_worker_that_is_not_launched_again_goes_to_a_live_one() {
    let env = test_env!();
    let (held, name) = (HeldRun::new(&env), env.name("unlinked"));
    let command = format!("{}; echo 1 # {{start}}", held.wait());
    let args = ["--split", "--name", &name, "-n", "10", "--chunk", "5", "-w", "2", "-v", "--exec", &command];
    let running = env.coordinator(args).start();
    let status = env.until_status(&name, |status| status["split"]["given_out"] == "10");
    fs::remove_file(env.segment(&name)).expect("a third party can unlink it");
    let pid = status["workers"][1]["pid"].as_i64().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    rustix::process::kill_process(pid.expect("it has one"), Signal::KILL).expect("it lives");
    until("the worker to be given up", || running.stderr().contains("was not launched"));
    held.release();
    let finished = running.finish().expect(exit_code::COMPLETE);
    assert!(finished.stdout.ends_with("Final shared value: 2\n"), "{finished:?}");
}

/// Fault 15, by executables.
#[test]
fn of_two_coordinators_with_one_name_one_wins_and_the_other_says_why() {
    let env = test_env!();
    let name = env.name("race");
    let args = ["--name", &name, "--delay", "2s", "-n", "10"];
    let racers = [env.coordinator(args).start(), env.coordinator(args).start()];
    let mut finished = racers.map(Running::finish);
    finished.sort_by_key(|finished| finished.code);
    let [won, lost] = finished;
    let won = won.expect(exit_code::COMPLETE);
    assert!(won.stdout.ends_with("Final shared value: 1140\n"), "{won:?}");
    let lost = lost.expect(exit_code::UNAVAILABLE);
    assert!(lost.stderr.contains("exists already"), "{}", lost.stderr);
}

/// Fault 15, a thousand times.
#[test]
fn of_many_creators_of_one_name_exactly_one_wins_every_time() {
    let env = test_env!();
    let name: SegmentName = env.name("thousand").parse().expect("the name is legal");
    for round in 0..1000 {
        let all_have_tried = Arc::new(Barrier::new(3));
        let creators = [(); 3].map(|()| {
            let (name, all_have_tried) = (name.clone(), Arc::clone(&all_have_tried));
            thread::spawn(move || {
                let outcome = Segment::create(&name, &terms());
                all_have_tried.wait();
                match outcome {
                    Ok(segment) => Ok(Some(common::unlink(&segment)? == Removal::Removed)),
                    Err(CreateError::Exists { .. }) => Ok(None),
                    Err(error) => Err(common::Error::from(error)),
                }
            })
        });
        let outcomes = creators.map(|creator| creator.join().expect("no panic").expect("it wins or loses"));
        let won: Vec<bool> = outcomes.into_iter().flatten().collect();
        assert_eq!(won, [true], "round {round}");
    }
}

/// Fault 16.
#[test]
fn the_old_owner_of_a_name_leaves_the_new_segment_alone() {
    let env = test_env!();
    let name = env.name("renewed");
    let old = env.sleeping_run(&name, "1h", &["-w", "2"]);
    fs::remove_file(env.segment(&name)).expect("a third party can unlink it");
    let _ = env.coordinator(["create", &name, "-n", "10", "--delay", "0"]).run().expect(exit_code::COMPLETE);
    old.signal(Signal::INT);
    let _ = old.finish().expect(exit_code::INTERRUPTED);
    let joined = env.worker(&name).run().expect(exit_code::COMPLETE);
    assert_eq!(joined.stdout, "Process Process-1 updated shared value to 285\n");
    let _ = env.coordinator(["remove", &name]).run().expect(exit_code::COMPLETE);
}

/// Faults 4 and 16: doing it again is harmless.
#[test]
fn unlinking_twice_removes_one_segment_once() {
    let env = test_env!();
    let name: SegmentName = env.name("again").parse().expect("the name is legal");
    let first = Segment::create(&name, &terms()).expect("the name is free");
    assert_eq!(common::unlink(&first).expect("it can be removed"), Removal::Removed);
    let second = Segment::create(&name, &terms()).expect("the name is free again");
    assert_eq!(common::unlink(&first).expect("nothing is done"), Removal::NotOurs);
    assert_eq!(common::unlink(&second).expect("it can be removed"), Removal::Removed);
}

/// Fault 59: a stopped remover is named, whoever wants to remove the segment, too.
#[test]
fn a_removal_that_does_not_come_to_its_end_is_an_error_that_names_the_remover() {
    let env = test_env!();
    let stopped = || Injection { failpoint: Failpoint::Removing, action: "stop", times: 1 };
    let has_remover_of = |name: &str, remover: &Running| {
        until("the remover to stop", || {
            let stat = fs::read_to_string(format!("/proc/{}/stat", remover.pid())).unwrap_or_default();
            stat.contains(") T ")
        });
        assert!(env.segment(name).exists());
    };
    let names_it = |finished: &Finished, name: &str, remover: &Running| {
        let error = format!(
            "error: segment \"{name}\" is still there: it is being removed by pid {}, stopped\nhint: ",
            remover.pid()
        );
        assert!(finished.stderr.contains(&error), "{finished:?}");
        assert_eq!(finished.code, Some(exit_code::UNAVAILABLE.into()), "{finished:?}");
    };
    let name = env.create("twice", &[]);
    let remover = env.coordinator(["remove", &name]).inject(stopped()).start();
    has_remover_of(&name, &remover);
    names_it(&env.coordinator(["remove", "--force", &name]).run(), &name, &remover);
    remover.signal(Signal::CONT);
    let _ = remover.finish().expect(exit_code::COMPLETE);
    assert!(env.segments().is_empty());
    // The owner of a run, at its end.
    let name = env.name("owned");
    let held = HeldRun::new(&env);
    let run = held.command("1", &["--name", &name]).start();
    env.until_status(&name, |status| status["workers"][0]["state"] == "computing");
    let remover = env.coordinator(["remove", "--force", &name]).inject(stopped()).start();
    has_remover_of(&name, &remover);
    held.release();
    let finished = run.finish();
    assert!(finished.stdout.ends_with("Final shared value: 1\n"), "{finished:?}");
    names_it(&finished, &name, &remover);
    remover.signal(Signal::KILL);
    let _ = remover.finish();
    // It is marked as to be removed.
    let _ = env.coordinator(["create", &env.name("next")]).run().expect(exit_code::COMPLETE);
    assert!(!env.segment(&name).exists());
    env.remove(&env.name("next"));
}
