//! Segments that outlive their makers, and names that several want.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use common::plant::Point;
use common::{DelayRange, Mode, Origin, Overflow, Removal, Segment, SegmentName, Terms, ValueType, exit_code};
use harness::{Plant, Running, Scene, scene, until};
use rustix::process::{Pid, Signal};

/// A run whose two workers sleep, all of them attached and asleep.
fn sleeping_run(scene: &Scene, name: &str, delay: &str) -> Running {
    let args = ["--name", name, "--delay", delay, "-n", "10", "-w", "2"];
    let running = scene.coordinator(args).start();
    scene.until_status(name, |status| {
        status["workers"].as_array().expect("an array").iter().all(|worker| worker["state"] == "sleeping")
    });
    running
}

/// A run of which nobody is left.
fn stale_run(scene: &Scene, label: &str) -> String {
    let name = scene.name(label);
    let running = sleeping_run(scene, &name, "1h");
    running.signal_group(Signal::KILL);
    assert_eq!(running.finish().signal, Some(9));
    scene.until_status(&name, |status| status["state"] == "stale");
    name
}

fn terms() -> Terms {
    Terms {
        mode: Mode::Repeat,
        origin: Origin::Run,
        kernel: "sum-of-squares".to_owned(),
        iterations: 10,
        delay: DelayRange::NONE,
        seed: None,
        value_type: ValueType::I32,
        overflow: Overflow::Wrap,
        workers: 1,
        slots: 8,
        jobs: 1,
        restarts: 0,
        grace: Duration::ZERO,
        timeout: None,
        worker: "/bin/false".into(),
    }
}

/// Fault 12.
#[test]
fn the_next_run_names_what_a_killed_one_left_and_what_to_do() {
    let scene = scene!();
    let name = stale_run(&scene, "left");
    let next = scene.coordinator(["--delay", "0", "-n", "10", "-w", "1"]).run().expect(exit_code::COMPLETE);
    for part in [&name, "coordinator resume", "coordinator remove", "0 of 2 contributions"] {
        assert!(next.stderr.contains(part), "{part}: {}", next.stderr);
    }
    let same = scene.coordinator(["--name", &name]).run().expect(exit_code::UNAVAILABLE);
    assert!(same.stderr.contains("exists already: it was left behind"), "{}", same.stderr);
    assert!(same.stderr.contains(&format!("coordinator resume {name}")), "{}", same.stderr);
    let _ = scene.coordinator(["remove", &name]).run().expect(exit_code::COMPLETE);
}

/// Fault 12.
#[test]
fn remove_stale_removes_what_is_stale_and_nothing_else() {
    let scene = scene!(alone);
    let stale = [stale_run(&scene, "one"), stale_run(&scene, "two")];
    let (open, running) = (scene.name("open"), scene.name("running"));
    let _ = scene.coordinator(["create", &open]).run().expect(exit_code::COMPLETE);
    let alive = sleeping_run(&scene, &running, "1h");
    let finished = scene.coordinator(["remove", "--stale"]).run().expect(exit_code::COMPLETE);
    assert!(stale.iter().all(|name| finished.stderr.contains(name)), "{}", finished.stderr);
    let mut left = scene.segments();
    left.sort();
    assert_eq!(left, [scene.segment(&open), scene.segment(&running)]);
    alive.signal(Signal::INT);
    let _ = alive.finish().expect(exit_code::INTERRUPTED);
    let _ = scene.coordinator(["remove", &open]).run().expect(exit_code::COMPLETE);
}

/// Fault 3, at the planted point: the name does not exist before the segment is whole.
#[test]
fn a_creator_killed_before_it_publishes_leaves_no_name_and_remove_stale_clears_the_rest() {
    let scene = scene!(alone);
    let name = scene.name("half");
    let plant = Plant { point: Point::Created, action: "kill", times: 1 };
    let killed = scene.coordinator(["create", &name]).plant(plant).run();
    assert_eq!(killed.signal, Some(9));
    assert!(scene.segments().is_empty());
    let _ = scene.worker(&name).run().expect(exit_code::UNAVAILABLE);
    let finished = scene.coordinator(["remove", "--stale"]).run().expect(exit_code::COMPLETE);
    assert!(finished.stderr.contains("removed 1 unfinished"), "{}", finished.stderr);
    let _ = scene.coordinator(["create", &name]).run().expect(exit_code::COMPLETE);
    let _ = scene.coordinator(["remove", &name]).run().expect(exit_code::COMPLETE);
}

/// Fault 11.
#[test]
fn workers_outlive_their_coordinator_finish_and_the_run_is_resumed() {
    let scene = scene!();
    let name = scene.name("orphans");
    let running = sleeping_run(&scene, &name, "300ms");
    running.signal(Signal::KILL);
    assert_eq!(scene.status(&name).expect("it is there")["state"], "orphaned");
    scene.until_status(&name, |status| status["state"] == "stale" && status["contributions"]["done"] == 2);
    let resumed = scene.coordinator(["resume", &name]).run().expect(exit_code::COMPLETE);
    assert_eq!(resumed.stdout, "Final shared value: 570\n");
    assert_eq!(running.finish().signal, Some(9));
}

/// Fault 12.
#[test]
fn resume_finishes_a_run_of_which_everyone_was_killed() {
    let scene = scene!();
    let name = scene.name("all");
    let plant = Plant { point: Point::Published, action: "stop", times: 1 };
    let args = ["--name", &name, "--delay", "0", "-n", "10", "-w", "3", "--jobs", "1"];
    let running = scene.coordinator(args).plant(plant).start();
    scene.until_status(&name, |status| status["lock"]["held_by"]["process"] == "stopped");
    running.signal_group(Signal::KILL);
    assert_eq!(running.finish().signal, Some(9));
    scene.until_status(&name, |status| status["state"] == "stale");
    let resumed = scene.coordinator(["resume", &name]).run().expect(exit_code::COMPLETE);
    // The first worker was killed after its commit point: it counts, and its coordinator never printed it.
    let last_lines = resumed.lines()[resumed.lines().len() - 2..].to_owned();
    assert_eq!(last_lines, ["Process Process-3 updated shared value to 855", "Final shared value: 855"]);
}

/// Fault 11.
#[test]
fn resume_leaves_live_workers_their_tickets() {
    let scene = scene!();
    let name = scene.name("adopted");
    let running = sleeping_run(&scene, &name, "700ms");
    running.signal(Signal::KILL);
    until("the coordinator to be dead", || {
        scene.status(&name).is_some_and(|status| status["coordinator"]["alive"] == false)
    });
    let resumed = scene.coordinator(["resume", &name, "--format", "json"]).run().expect(exit_code::COMPLETE).json();
    assert_eq!((&resumed["value"], &resumed["restarts"]), (&570.into(), &0.into()));
    assert_eq!(running.finish().signal, Some(9));
}

/// Fault 11: killed after the last contribution and before the report.
#[test]
fn a_coordinator_killed_before_its_report_leaves_a_run_to_resume() {
    let scene = scene!();
    let name = scene.name("unreported");
    let plant = Plant { point: Point::Supervised, action: "kill", times: 1 };
    let killed = scene.coordinator(["--name", &name, "--delay", "0", "-n", "10"]).plant(plant).run();
    assert_eq!(killed.signal, Some(9));
    assert_eq!(scene.status(&name).expect("it is there")["state"], "stale");
    let resumed = scene.coordinator(["resume", &name]).run().expect(exit_code::COMPLETE);
    assert_eq!(resumed.stdout, "Final shared value: 1140\n");
}

/// Fault 11: the orphan attaches only after the run is resumed, and the new coordinator launches for its ticket too.
#[test]
fn resume_waits_for_an_orphan_that_is_late() {
    let scene = scene!();
    let name = scene.name("late");
    // A worker that has been launched and has not attached: a script that waits for a file.
    let (gate, worker) = (scene.path().join("gate"), scene.path().join("worker"));
    let script = scene.path().join("slow");
    let text = format!(
        "#!/bin/sh\nwhile ! [ -e {0} ]; do sleep 0.01; done\nexec {1} \"$@\" --delay 700ms\n",
        gate.display(),
        worker.display()
    );
    fs::write(&script, text).expect("the script can be written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it can be made executable");
    let args = ["--name", &name, "-w", "1", "-n", "10", "--delay", "0", "-v", "--worker"];
    let running = scene.coordinator(args).args([&script]).start();
    until("the worker to be launched", || running.stderr().contains("launched Process-1"));
    running.signal(Signal::KILL);
    until("the run to have no coordinator", || {
        scene.status(&name).is_some_and(|status| status["coordinator"]["alive"] == false)
    });
    // The orphan gets going first and takes the ticket while the resumed run's worker is still at the gate.
    let resumed = scene.coordinator(["resume", &name, "-v"]).start();
    until("the second worker to be launched", || resumed.stderr().contains("launched Process-1"));
    fs::write(&gate, "").expect("the gate can be opened");
    let finished = resumed.finish().expect(exit_code::COMPLETE);
    assert!(finished.stdout.ends_with("Final shared value: 285\n"), "{finished:?}");
    assert_eq!(running.finish().signal, Some(9));
}

/// Fault 16: a worker that is launched again must not join the segment that has the name by then.
#[test]
fn a_relaunch_never_goes_to_another_segment_of_the_same_name() {
    let scene = scene!();
    let name = scene.name("stranger");
    let old = sleeping_run(&scene, &name, "1h");
    let pid = scene.status(&name).expect("it is there")["workers"][1]["pid"].as_u64().expect("it has a pid");
    fs::remove_file(scene.segment(&name)).expect("a third party can unlink it");
    let new = sleeping_run(&scene, &name, "500ms");
    let pid = Pid::from_raw(i32::try_from(pid).expect("it is a pid")).expect("it is positive");
    rustix::process::kill_process(pid, Signal::KILL).expect("the worker lives");
    until("the old run to give the worker up", || old.stderr().contains("launching it again"));
    let finished = new.finish().expect(exit_code::COMPLETE);
    assert!(finished.stdout.ends_with("Final shared value: 570\n"), "{finished:?}");
    assert!(!finished.stderr.contains("error"), "{}", finished.stderr);
    old.signal(Signal::INT);
    let _ = old.finish().expect(exit_code::INTERRUPTED);
}

/// Fault 11.
#[test]
fn a_live_coordinator_is_not_taken_over_from() {
    let scene = scene!();
    let name = scene.name("alive");
    let running = sleeping_run(&scene, &name, "1h");
    let refused = scene.coordinator(["resume", &name]).run().expect(exit_code::UNAVAILABLE);
    assert!(refused.stderr.contains(&format!("live coordinator (pid {})", running.pid())), "{}", refused.stderr);
    running.signal(Signal::INT);
    let _ = running.finish().expect(exit_code::INTERRUPTED);
}

#[test]
fn what_was_made_for_workers_by_hand_has_no_run_to_resume() {
    let scene = scene!();
    let name = scene.name("hand");
    let _ = scene.coordinator(["create", &name]).run().expect(exit_code::COMPLETE);
    let refused = scene.coordinator(["resume", &name]).run().expect(exit_code::NOTHING_TO_DO);
    assert!(refused.stderr.contains("worker --name"), "{}", refused.stderr);
    let _ = scene.coordinator(["remove", &name]).run().expect(exit_code::COMPLETE);
}

/// Fault 15, by executables.
#[test]
fn of_two_coordinators_with_one_name_one_wins_and_the_other_says_why() {
    let scene = scene!();
    let name = scene.name("race");
    let args = ["--name", &name, "--delay", "200ms", "-n", "10"];
    let racers = [scene.coordinator(args).start(), scene.coordinator(args).start()];
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
    let scene = scene!();
    let name: SegmentName = scene.name("thousand").parse().expect("the name is legal");
    for round in 0..1000 {
        let all_have_tried = Arc::new(Barrier::new(3));
        let creators = [(); 3].map(|()| {
            let (name, all_have_tried) = (name.clone(), Arc::clone(&all_have_tried));
            thread::spawn(move || {
                let outcome = Segment::create(&name, &terms());
                all_have_tried.wait();
                match outcome {
                    Ok(segment) => segment.unlink().map(|removal| Some(removal == Removal::Removed)),
                    Err(common::Error::Exists { .. }) => Ok(None),
                    Err(error) => Err(error),
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
    let scene = scene!();
    let name = scene.name("renewed");
    let old = sleeping_run(&scene, &name, "1h");
    fs::remove_file(scene.segment(&name)).expect("a third party can unlink it");
    let _ = scene.coordinator(["create", &name, "-n", "10", "--delay", "0"]).run().expect(exit_code::COMPLETE);
    old.signal(Signal::INT);
    let _ = old.finish().expect(exit_code::INTERRUPTED);
    let joined = scene.worker(&name).run().expect(exit_code::COMPLETE);
    assert_eq!(joined.stdout, "Process Process-1 updated shared value to 285\n");
    let _ = scene.coordinator(["remove", &name]).run().expect(exit_code::COMPLETE);
}

/// Faults 4 and 16: doing it again is harmless.
#[test]
fn unlinking_twice_removes_one_segment_once() {
    let scene = scene!();
    let name: SegmentName = scene.name("again").parse().expect("the name is legal");
    let first = Segment::create(&name, &terms()).expect("the name is free");
    assert_eq!(first.unlink().expect("it can be removed"), Removal::Removed);
    let second = Segment::create(&name, &terms()).expect("the name is free again");
    assert_eq!(first.unlink().expect("nothing is done"), Removal::NotOurs);
    assert_eq!(second.unlink().expect("it can be removed"), Removal::Removed);
}
