//! Folders that change while their shards are at work: removed, begun anew for another job, or filled by somebody else.

use std::fs;

use common::cli::exit_code::{COMPLETE, DISAGREE, INCOMPLETE};
use harness::{HeldRun, ResultsFolder, Running, secluded, test_env, until};
use rustix::process::Signal;
use serde_json::json;

/// A start of a shard whose only chunk waits for the release.
fn start(folder: &ResultsFolder<'_>, held: &HeldRun<'_>) -> Running {
    let command = format!("{}; echo 7 # {{start}}", held.wait());
    folder.run(&["-n", "100", "--chunk", "100", "-w", "1", "--exec", &command]).start()
}

/// The first start of it, and the name of its segment.
fn waiting(folder: &ResultsFolder<'_>, held: &HeldRun<'_>) -> (Running, String) {
    let run = start(folder, held);
    (run, folder.until_begun("0-100"))
}

/// A further start, which waits for the first.
fn second(folder: &ResultsFolder<'_>, held: &HeldRun<'_>) -> Running {
    let second = start(folder, held);
    until("the second to wait", || second.stderr().contains("waiting for it"));
    second
}

fn empty(folder: &ResultsFolder<'_>) {
    for name in folder.names() {
        fs::remove_file(folder.path().join(name)).expect("it is there");
    }
}

/// A result of the whole range, as another machine leaves it.
fn left_by_another(folder: &ResultsFolder<'_>, total: &str) {
    let result = json!({
        "schema": 1, "job": folder.json("job.json")["id"], "start": "0", "end": "100", "total": total, "host": "other",
        "pid": 1, "started": "2026-01-01T00:00:00Z", "finished": "2026-01-01T00:00:01Z", "elapsed_s": 1.0, "restarts": 0,
        "recoveries": 0,
    });
    folder.write("0-100.json", &result.to_string());
}

#[test]
fn a_straggler_of_an_earlier_job_moves_no_result_aside_and_its_work_goes_elsewhere() {
    let env = test_env!();
    let (folder, held) = (ResultsFolder::new(&env, "results"), HeldRun::new(&env));
    let (straggler, name) = waiting(&folder, &held);
    empty(&folder);
    let _ = folder.run(&["-n", "100", "--exec", "echo 5 # {start}", "--chunk", "100"]).run().expect(COMPLETE);
    held.release();
    let straggler = straggler.finish().expect(INCOMPLETE);
    assert!(straggler.stderr.contains("job.json is of another job by now"), "{straggler:?}");
    assert!(straggler.stderr.contains(&format!("coordinator resume {name} --results NEW-DIR")), "{straggler:?}");
    assert_eq!(folder.names(), ["0-100.json", "job.json"]);
    assert_eq!(folder.json("0-100.json")["total"], "5");
    assert!(
        straggler.stderr.contains(&format!("finish it: coordinator resume {name} --results DIR;")),
        "{straggler:?}"
    );
    held.hold_again();
    let other = ResultsFolder::new(&env, "other");
    fs::create_dir(other.path()).expect("it can be made");
    // It would wait for ever if it computed anything.
    let resumed = env.coordinator(["resume", &name, "--results"]).args([other.path()]).run().expect(COMPLETE);
    assert!(resumed.stderr.contains("is a folder of the segment's job now"), "{resumed:?}");
    let collected = env.coordinator(["collect"]).args([other.path()]).run().expect(COMPLETE);
    assert_eq!(collected.stdout, "Final shared value: 7\nExact total: 7\n");
}

#[test]
fn the_work_of_a_shard_whose_folder_was_removed_goes_into_a_new_one() {
    let env = test_env!();
    let (folder, held) = (ResultsFolder::new(&env, "results"), HeldRun::new(&env));
    let (run, name) = waiting(&folder, &held);
    fs::remove_dir_all(folder.path()).expect("it can be removed");
    held.release();
    let lost = run.finish().expect(INCOMPLETE);
    let path = folder.path().display();
    let hint = format!(
        "hint: mkdir -p {path}; coordinator resume {name} --results {path}\nkept segment {name}: 100 of 100 iterations are applied; finish it: coordinator resume {name} --results DIR;"
    );
    assert!(lost.stderr.contains(&hint), "{lost:?}");
    held.hold_again();
    fs::create_dir(folder.path()).expect("it can be made");
    let _ = env.coordinator(["resume", &name, "--results"]).args([folder.path()]).run().expect(COMPLETE);
    assert_eq!(folder.names(), ["0-100.json", "job.json"]);
    assert_eq!(folder.segment("0-100"), name, "it is the same job");
}

#[test]
fn a_start_that_waits_moves_nothing_of_another_job_aside() {
    if !secluded!(a_start_that_waits_moves_nothing_of_another_job_aside) {
        return;
    }
    let env = test_env!();
    let (folder, held) = (ResultsFolder::new(&env, "results"), HeldRun::new(&env));
    let (first, name) = waiting(&folder, &held);
    let second = second(&folder, &held);
    empty(&folder);
    let _ = folder.run(&["-n", "100", "--exec", "echo 5 # {start}", "--chunk", "100"]).run().expect(COMPLETE);
    first.signal_group(Signal::KILL);
    assert_eq!(first.finish().signal, Some(9));
    held.release();
    let second = second.finish().expect(INCOMPLETE);
    assert!(second.stderr.contains("job.json is of another job by now"), "{second:?}");
    assert_eq!(folder.names(), ["0-100.json", "job.json"]);
    assert_eq!(folder.json("0-100.json")["total"], "5");
    env.remove(&name);
}

/// A worker finishes it after its coordinator was killed, and somebody else leaves another result, while the start that waits is
/// stopped.
#[test]
fn complete_work_that_was_not_left_is_compared_with_the_result_that_is_there() {
    if !secluded!(complete_work_that_was_not_left_is_compared_with_the_result_that_is_there) {
        return;
    }
    let env = test_env!();
    let (folder, held) = (ResultsFolder::new(&env, "results"), HeldRun::new(&env));
    let (first, name) = waiting(&folder, &held);
    let second = second(&folder, &held);
    second.signal(Signal::STOP);
    first.signal(Signal::KILL);
    held.release();
    env.until_status(&name, |status| status["complete"] == true && status["state"] == "stale");
    // Only now: it ends what is left of its group.
    assert_eq!(first.finish().signal, Some(9));
    left_by_another(&folder, "9");
    second.signal(Signal::CONT);
    let second = second.finish().expect(DISAGREE);
    assert!(second.stderr.contains("0-100.json has 9, by other"), "{second:?}");
    assert_eq!(folder.names().len(), 3);
}

/// As from another machine.
#[test]
fn a_start_that_waits_finds_the_result_that_somebody_else_leaves() {
    let env = test_env!();
    let (folder, held) = (ResultsFolder::new(&env, "results"), HeldRun::new(&env));
    let (first, _) = waiting(&folder, &held);
    first.signal(Signal::STOP);
    let second = second(&folder, &held);
    left_by_another(&folder, "7");
    let second = second.finish().expect(COMPLETE);
    assert_eq!(second.stdout, "Final shared value: 7\n");
    first.signal(Signal::CONT);
    held.release();
    assert!(first.finish().expect(COMPLETE).stderr.contains("other has left the same result"));
}

#[test]
fn a_segment_that_was_kept_on_purpose_outlives_the_next_start() {
    let env = test_env!();
    let folder = ResultsFolder::new(&env, "results");
    let _ = folder.run(&["-n", "100", "--keep", "always"]).run().expect(COMPLETE);
    assert_eq!(folder.segments().len(), 1);
    let again = folder.run(&["-n", "100", "--timeline", "picture.svg"]).run().expect(COMPLETE);
    assert!(again.stderr.contains("note: no timeline is drawn: there was no run"), "{again:?}");
    assert_eq!(folder.segments().len(), 1);
    env.remove(&folder.segment("0-100"));
}

#[test]
fn a_longer_time_for_the_command_counts_when_a_shard_is_started_again_or_resumed() {
    let env = test_env!();
    for (label, is_resumed) in [("again", false), ("resumed", true)] {
        let folder = ResultsFolder::new(&env, label);
        let args = ["-n", "2", "--chunk", "1", "-w", "1", "--restarts", "0", "--exec"];
        let command = "[ {start} = 0 ] || sleep 3; echo 1";
        let start = |timeout: &str| folder.run(&args).args([command, "--exec-timeout", timeout]);
        let failed = start("2s").run().expect(INCOMPLETE);
        assert!(failed.stderr.contains("took longer than 2s"), "{failed:?}");
        assert!(failed.stderr.contains("--exec-timeout DUR"), "{failed:?}");
        let name = folder.segment("0-2");
        let resume = ["resume", &name, "--exec-timeout", "60s", "--results"];
        let finished = if is_resumed { env.coordinator(resume).args([folder.path()]) } else { start("60s") };
        assert!(finished.run().expect(COMPLETE).stdout.ends_with("Final shared value: 2\n"));
    }
}
