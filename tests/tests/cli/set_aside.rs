//! Chunks that cannot be computed are set aside, the others are applied, and what is missing is named.

use std::fs;

use common::cli::exit_code::{COMPLETE, INCOMPLETE};
use common::{Cause, CommitError, Exit, Ledger, Mode, Origin, Segment, SegmentName, Snapshot, TakeOver, Terms, Then};
use harness::{Finished, test_env};
use serde_json::{Value, json};

/// A command that fails for some iterations, with exit code 3.
fn failing(iterations: &str) -> String {
    format!("case {{start}} in {iterations}) exit 3;; esac; echo 1 # {{end}}")
}

/// A command that kills its worker at an iteration.
fn deadly(iteration: u64) -> String {
    format!("if [ {{start}} = {iteration} ]; then kill -9 $PPID; sleep 1; fi; echo 1 # {{end}}")
}

/// An entry of `missing`.
fn missing(start: u64, end: u64, attempts: u32, why: &str) -> Value {
    json!({"start": start.to_string(), "end": end.to_string(), "attempts": attempts, "why": why})
}

/// A split run of chunks of one iteration, which is removed even if it is incomplete.
fn split<'a>(iterations: &'a str, more: &[&'a str], command: &'a str) -> Vec<&'a str> {
    let run = ["--split", "-n", iterations, "--chunk", "1", "--keep=never"];
    [&run, more, &["--exec", command]].concat()
}

fn says(finished: &Finished, what: &str) {
    assert!(finished.stderr.contains(what), "no {what:?} in {finished:?}");
}

/// Fault 33.
#[test]
fn bad_chunks_are_named_and_all_others_applied() {
    let env = test_env!();
    let command = failing("4|9|17");
    let args = split("30", &["-w", "2", "--restarts", "1"], &command);
    let finished = env.coordinator(&args).run().expect(INCOMPLETE);
    assert!(finished.stdout.ends_with("Final shared value: 27\n"), "{finished:?}");
    says(&finished, "27 of 30 iterations are applied");
    let why = "(exit code 3, 2 attempts)";
    says(&finished, &format!("missing: 4..5 {why}, 9..10 {why}, 17..18 {why}\n"));
    let report = env.coordinator(&args).args(["--format", "json"]).run().expect(INCOMPLETE).json();
    let bad = [4, 9, 17].map(|start| missing(start, start + 1, 2, "exit code 3"));
    assert_eq!((&report["missing"], &report["complete"]), (&json!(bad), &json!(false)));
}

/// Fault 33: built-in modes without chunks name nothing.
#[test]
fn a_run_without_chunks_has_no_missing_ranges() {
    let env = test_env!();
    let report = env.coordinator(["--delay", "0", "-n", "10", "--format", "json"]).run().expect(COMPLETE).json();
    assert_eq!(report["missing"], json!([]));
}

/// Fault 33: neighbours with the same cause are one range; the tenth range is the last one that is named.
#[test]
fn neighbours_are_one_range_and_many_ranges_are_counted() {
    let env = test_env!();
    let command = "case {start} in [13579]|1[13579]|2[13579]|[34]?) exit 3;; esac; echo 1 # {end}";
    let args = split("50", &["-w", "2", "--restarts", "0"], command);
    let finished = env.coordinator(&args).run().expect(INCOMPLETE);
    says(&finished, "missing: 1..2 (exit code 3, 1 attempt), 3..4 (");
    says(&finished, ", 19..20 (exit code 3, 1 attempt), and 5 more\n");
    let report = env.coordinator(&args).args(["--format", "json"]).run().expect(INCOMPLETE).json();
    let ranges = report["missing"].as_array().expect("a list");
    assert_eq!((ranges.len(), &ranges[14]), (15, &missing(29, 50, 1, "exit code 3")));
}

/// Fault 34.
#[test]
fn a_chunk_that_kills_its_workers_is_set_aside_and_nobody_else_is_charged() {
    let env = test_env!();
    let command = deadly(11);
    let args = split("20", &["-w", "3"], &command);
    let finished = env.coordinator(&args).run().expect(INCOMPLETE);
    assert!(finished.stdout.ends_with("Final shared value: 19\n"), "{finished:?}");
    says(&finished, "with chunk 11..12; launching it again (3 of 3)");
    says(&finished, "with chunk 11..12; 4 workers died with it, so it is set aside");
    says(&finished, "missing: 11..12 (killed 4 workers, last by SIGKILL)\n");
    assert_eq!(finished.stderr.matches("was killed by signal 9").count(), 4, "{finished:?}");
}

/// Fault 34: the count moves with the chunk from worker to worker by hand.
#[test]
fn deaths_are_counted_for_workers_by_hand() {
    let env = test_env!();
    let name = env.create("by-hand", &["--split", "-n", "4", "--chunk", "1", "--exec", &deadly(1)]);
    for _ in 0..4 {
        assert_eq!(env.worker(&name).run().signal, Some(9));
    }
    let last = env.worker(&name).run().expect(INCOMPLETE);
    says(&last, "error: 1 of its chunks failed and is set aside");
    let status = env.status(&name).expect("it is there");
    assert_eq!((&status["value"], &status["missing"]), (&json!(3), &json!([missing(1, 2, 4, "killed 4 workers")])));
    env.remove(&name);
}

/// Fault 33.
#[test]
fn a_mistyped_command_does_not_run_for_hours() {
    let env = test_env!();
    let args = split("1e9", &["-w", "2", "--restarts", "0"], "no-such {start} {end}");
    let finished = env.coordinator(&args).run().expect(INCOMPLETE);
    says(&finished, "many chunks were set aside and none was applied; is the kernel or command right?");
    says(&finished, "..1000000000 (not begun)\n");
}

/// Fault 33.
#[test]
fn fail_fast_gives_out_nothing_more_after_the_first_bad_chunk() {
    let env = test_env!();
    let command = failing("5");
    let args = split("1e9", &["-w", "2", "--restarts", "0", "--fail-fast"], &command);
    let finished = env.coordinator(&args).run().expect(INCOMPLETE);
    says(&finished, "--fail-fast");
    says(&finished, "missing: 5..6 (exit code 3, 1 attempt), ");
    says(&finished, "..1000000000 (not begun)\n");
}

/// Faults 33 and 35.
#[test]
fn resume_computes_just_what_is_missing_and_as_often_as_it_takes() {
    let env = test_env!();
    let (name, ran, good) = (env.name("again"), env.path().join("ran"), env.path().join("good"));
    let command = format!(
        "echo {{start}} >> {}; case {{start}} in 4|9|17) [ -e {}{{start}} ] || exit 3;; esac; echo 1 # {{end}}",
        ran.display(),
        good.display()
    );
    // No spare slots: each resume opens the same tickets.
    let args = ["--split", "--name", &name, "-n", "30", "--chunk", "1", "-w", "2", "--slots", "2", "--restarts", "0"];
    let _ = env.coordinator(args).args(["--keep", "--exec", &command]).run().expect(INCOMPLETE);
    for (repaired, left) in [("4", vec![9, 17]), ("17", vec![9])] {
        fs::write(env.path().join(format!("good{repaired}")), "").expect("it can be written");
        fs::write(&ran, "").expect("it can be written");
        let resumed = env.coordinator(["resume", &name, "--keep", "--format", "json"]).run().expect(INCOMPLETE).json();
        let bad: Vec<Value> = left.iter().map(|start| missing(*start, start + 1, 1, "exit code 3")).collect();
        assert_eq!(resumed["missing"], json!(bad));
        let mut tried: Vec<u64> =
            fs::read_to_string(&ran).expect("it ran").lines().map(|line| line.parse().expect("a number")).collect();
        tried.sort_unstable();
        let mut due = left.clone();
        due.push(repaired.parse().expect("a number"));
        due.sort_unstable();
        assert_eq!(tried, due, "just what was missing is computed");
    }
    fs::write(env.path().join("good9"), "").expect("it can be written");
    let whole = env.coordinator(["resume", &name]).run().expect(COMPLETE);
    assert!(whole.stdout.ends_with("Final shared value: 30\n"), "{whole:?}");
}

/// Fault 33: the table of ranges is full.
#[test]
fn a_chunk_for_which_there_is_no_room_stays_with_its_ticket_and_stops_the_run() {
    let env = test_env!();
    let name: SegmentName = env.name("full").parse().expect("the name is legal");
    let terms = Terms { mode: Mode::Split, iterations: 10_000, origin: Origin::Run, ..Terms::by_hand("none", 1) };
    let segment = Segment::create(&name, &terms).expect("the name is free");
    let worker = Segment::attach(&name).expect("it is there");
    let mut ledger = Ledger::of(&worker).lock(|_, _| {}).expect("nobody has it");
    let Ok(TakeOver::Taken(claim)) = ledger.take(1) else { panic!("nobody has the ticket") };
    let then = Then::Take { size: 1, orphan: None };
    let first = ledger.first_chunk(&claim, then).expect("the ledger is sound").expect("there is more");
    // Otherwise the run would stop after 16 chunks.
    let mut chunk = ledger.commit_chunk(&claim, &first, 1, then).expect("the chunk is its own");
    let error = loop {
        let held = chunk.expect("there is more");
        // Neighbours have different causes, so that none merge.
        let cause = Cause::Command(Exit::Code(u8::try_from(held.start % 2).expect("it is 0 or 1")));
        match ledger.set_aside(&claim, &held, cause, 1, then) {
            Ok(next) => chunk = next,
            Err(error) => break error,
        }
    };
    drop(ledger);
    drop(worker);
    assert!(matches!(error, CommitError::NoRoom { start: 4097, end: 4098 }), "{error}");
    assert_eq!(segment.stop_requested(), common::Stop::Drain);
    let snapshot = Snapshot::of(&segment).expect("it can be read");
    snapshot.check().expect("the ledger holds together");
    assert_eq!((snapshot.set_aside.len(), &snapshot.workers[0].chunk), (4096, &(4097..4098)));
    assert_eq!(snapshot.missing().last().map(|missing| missing.range.start), Some(4098));
    assert!(snapshot.missing().iter().any(|missing| missing.cause == Some(Cause::NoRoom)));
    drop(snapshot);
    has_room_again(&segment);
    common::unlink(&segment).expect("it can be removed");
}

/// A full table keeps no resume from what waits in it: a chunk that fails again takes the place of the next one.
fn has_room_again(segment: &Segment) {
    segment.open_as_coordinator();
    let mut ledger = Ledger::of(segment).lock(|_, _| {}).expect("nobody has it");
    let _ = ledger.reopen().expect("the ledger is sound");
    let claim = match ledger.take(1) {
        Ok(TakeOver::Taken(claim)) => claim,
        outcome => panic!("{outcome:?}"),
    };
    let then = Then::Take { size: 1, orphan: None };
    let held = ledger.first_chunk(&claim, then).expect("the ledger is sound").expect("it holds one");
    assert_eq!(held, 4097..4098);
    // It fails again, and the rest of the range, and all that waits, is given out all the same.
    let mut chunk = ledger.set_aside(&claim, &held, Cause::Failed, 1, then).expect("it takes the place of another one");
    let mut applied = 1;
    while let Some(held) = chunk {
        applied += held.end - held.start;
        chunk = ledger.commit_chunk(&claim, &held, 1, then).expect("the chunk is its own");
    }
    drop(ledger);
    let snapshot = Snapshot::of(segment).expect("it can be read");
    snapshot.check().expect("the ledger holds together");
    assert_eq!((applied, snapshot.set_aside.len(), snapshot.set_aside[0].range.clone()), (9_999, 1, 4097..4098));
}

/// Faults 34 and 37: who is asked to leave, and killed after the grace period, has not died of its chunk.
#[test]
fn a_worker_that_was_asked_to_leave_is_not_counted_as_a_death() {
    let env = test_env!();
    let (name, flag) = (env.name("asked"), env.path().join("flag"));
    let command = format!("[ -e {0} ] || {{ touch {0}; exec sleep 1h; }}; echo 1 # {{start}} {{end}}", flag.display());
    let args = ["--split", "--name", &name, "-n", "3", "--chunk", "1", "-w", "1", "--restarts", "0"];
    let running = env.coordinator(args).args(["--keep", "--grace", "0", "--exec", &command]).start();
    harness::until("the command to run", || flag.exists());
    let _ = env.coordinator(["stop", "--now", &name]).run().expect(COMPLETE);
    let stopped = running.finish().expect(INCOMPLETE);
    says(&stopped, "missing: 0..3 (not begun)\n");
    let resumed = env.coordinator(["resume", &name]).run().expect(COMPLETE);
    assert!(resumed.stdout.ends_with("Final shared value: 3\n"), "{resumed:?}");
}

/// Fault 33: a range that was joined from several chunks is divided again.
#[test]
fn what_was_set_aside_as_one_range_is_tried_again_chunk_by_chunk() {
    let env = test_env!();
    let (name, flag) = (env.name("divided"), env.path().join("flag"));
    let command = format!("[ {{start}} -lt 4 ] || [ -e {} ] || exit 3; echo 1 # {{end}}", flag.display());
    let args = ["--split", "--name", &name, "-n", "12", "--chunk", "2", "-w", "2", "--restarts", "0"];
    let failed = env.coordinator(args).args(["--exec", &command]).run().expect(INCOMPLETE);
    says(&failed, "missing: 4..12 (exit code 3, 1 attempt)\n");
    fs::write(&flag, "").expect("it can be written");
    let resumed = env.coordinator(["resume", &name, "--format", "json"]).run().expect(COMPLETE).json();
    assert_eq!((&resumed["split"]["chunks"], &resumed["exact_total"]), (&json!("6"), &json!("6")));
}

/// Faults 34 and 35: what a resume gives fresh attempts is not charged with the death before it, also if it is stolen.
#[test]
fn a_chunk_that_is_stolen_after_a_resume_has_fresh_attempts() {
    let env = test_env!();
    let (name, flag) = (env.name("fresh"), env.path().join("flag"));
    let command = format!("[ -e {} ] || exec sleep 1h; echo 1 # {{start}} {{end}}", flag.display());
    let args =
        ["--split", "--name", &name, "-n", "2", "--chunk", "1", "-w", "2", "--restarts", "0", "--exec", &command];
    let running = env.coordinator(args).start();
    env.until_status(&name, |status| status["split"]["given_out"] == "2");
    running.signal_group(rustix::process::Signal::KILL);
    let _ = running.finish();
    env.until_status(&name, |status| status["state"] == "stale");
    fs::write(&flag, "").expect("it can be written");
    let resumed = env.coordinator(["resume", &name, "--jobs", "1"]).run().expect(COMPLETE);
    assert!(resumed.stdout.ends_with("Final shared value: 2\n"), "{resumed:?}");
}

/// Fault 33: a segment by hand can be finished although its slots are used, and although it stopped itself.
#[test]
fn a_worker_by_hand_tries_again_also_without_a_free_slot() {
    let env = test_env!();
    for more in [&[] as &[&str], &["--fail-fast"]] {
        let flag = env.path().join(format!("flag{}", more.len()));
        let command = format!("[ {{start}} != 1 ] || [ -e {} ] || exit 3; echo 1 # {{end}}", flag.display());
        let args =
            [&["--split", "-n", "4", "--chunk", "1", "-w", "1", "--slots", "1", "--exec", &command], more].concat();
        let name = env.create(&format!("used{}", more.len()), &args);
        for _ in 0..2 {
            let failed = env.worker(&name).run().expect(INCOMPLETE);
            says(&failed, "error: 1 of its chunks failed and is set aside");
        }
        fs::write(&flag, "").expect("it can be written");
        let _ = env.worker(&name).run().expect(COMPLETE);
        let status = env.status(&name).expect("it is there");
        assert_eq!((&status["value"], &status["complete"]), (&json!(4), &json!(true)), "{status}");
        env.remove(&name);
    }
}
