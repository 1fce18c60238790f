//! One range divided among workers in chunks: the total is exact, whoever dies, joins, stops or takes over.

use common::cli::exit_code::{COMPLETE, INCOMPLETE, NOTHING_TO_DO, OVERFLOW, USAGE};
use common::failpoint::Failpoint;
use common::{SegmentName, Snapshot};
use harness::{Finished, Injection, assert_error, test_env, until};
use rustix::process::{Pid, Signal, kill_process};

/// 0² + 1² + … below `n`.
fn squares(n: i128) -> i128 {
    n * (n - 1) * (2 * n - 1) / 6
}

/// The sum and the number of chunks in each worker's line.
fn parts(finished: &Finished) -> Vec<(i128, u64)> {
    let lines = finished.lines();
    let (last, lines) = lines.split_last().expect("there is a last line");
    assert!(last.starts_with("Final shared value: "), "{finished:?}");
    let part = |line: &&str| {
        let words: Vec<&str> = line.split(' ').collect();
        let ["Process", _, "added", sum, "in", chunks, "chunk" | "chunks"] = words[..] else { panic!("{line}") };
        (sum.parse().expect("a sum"), chunks.parse().expect("a number of chunks"))
    };
    lines.iter().map(part).collect()
}

/// A slow split run: 200 chunks of some milliseconds.
fn slow<'a>(name: &'a str, args: &[&'a str]) -> Vec<&'a str> {
    let slow = ["--split", "--name", name, "-n", "1000", "--chunk", "5", "--delay", "10ms", "--type", "i64"];
    [&slow, args].concat()
}

/// Waits until some chunks are applied. It starts no process, which a loaded machine might delay.
fn until_begun(name: &str) -> Snapshot {
    let name: SegmentName = name.parse().expect("the name is legal");
    let mut begun = None;
    until("the run to have begun", || {
        begun = common::inspect(&name).ok().map(|(snapshot, _)| snapshot);
        begun.as_ref().is_some_and(|snapshot| snapshot.iterations_done() > 25)
    });
    begun.expect("it has begun")
}

fn ends_with_all(finished: &Finished) {
    assert!(finished.stdout.ends_with("Final shared value: 332833500\n"), "{finished:?}");
    assert_eq!(parts(finished).iter().map(|(sum, _)| sum).sum::<i128>(), squares(1000), "{finished:?}");
    assert_eq!(parts(finished).iter().map(|(_, chunks)| chunks).sum::<u64>(), 200, "{finished:?}");
}

#[test]
fn any_number_of_workers_and_any_chunk_give_the_same_total() {
    let env = test_env!();
    for workers in ["1", "2", "7"] {
        for chunk in ["1", "99", "100000", "auto"] {
            let args = ["--split", "-w", workers, "--chunk", chunk, "-n", "5000", "--type", "i64"];
            let finished = env.coordinator(args).run().expect(COMPLETE);
            let parts = parts(&finished);
            assert_eq!(parts.len(), workers.parse::<usize>().expect("a number"));
            assert_eq!(parts.iter().map(|(sum, _)| sum).sum::<i128>(), squares(5000));
            assert!(finished.stdout.ends_with("Final shared value: 41654167500\n"), "{finished:?}");
            if let Ok(chunk) = chunk.parse::<u64>() {
                assert_eq!(parts.iter().map(|(_, chunks)| chunks).sum::<u64>(), 5000_u64.div_ceil(chunk));
            }
        }
    }
}

/// Known value of the prime-counting function (<https://oeis.org/A006880>).
#[test]
fn primes_are_counted_by_workers_that_are_killed() {
    let env = test_env!();
    for failpoint in
        [Failpoint::Computed, Failpoint::Recorded, Failpoint::Published, Failpoint::HalfApplied, Failpoint::Committed]
    {
        let injection = Injection { failpoint, action: "kill", times: 5 };
        let args = ["--split", "--kernel", "prime-count", "-n", "1e6", "--chunk", "10k", "-w", "3", "--restarts", "9"];
        let finished = env.coordinator(args).inject(injection).run().expect(COMPLETE);
        assert!(finished.stdout.ends_with("Final shared value: 78498\n"), "{failpoint:?}: {finished:?}");
        assert_eq!(finished.stderr.matches("was killed by signal 9").count(), 5, "{failpoint:?}: {finished:?}");
    }
}

#[test]
fn an_empty_range_is_complete_and_adds_nothing() {
    let env = test_env!();
    let finished = env.coordinator(["--split", "-n", "0", "-w", "2"]).run().expect(COMPLETE);
    assert_eq!(parts(&finished), [(0, 0), (0, 0)]);
}

#[test]
fn without_restarts_the_chunk_of_a_worker_that_dies_is_set_aside_and_the_others_go_on() {
    let env = test_env!();
    let name = env.name("over");
    let running = env.coordinator(slow(&name, &["-w", "3", "--restarts", "0", "--keep=never"])).start();
    until("all to be at work", || {
        let snapshot = common::inspect(&name.parse().expect("the name is legal"));
        snapshot.is_ok_and(|(snapshot, _)| snapshot.workers.iter().all(|worker| worker.alive))
    });
    let pid = until_begun(&name).worker(2).and_then(|worker| Pid::from_raw(worker.pid.cast_signed()));
    let pid = pid.expect("it has a process");
    kill_process(pid, Signal::KILL).expect("it lives");
    let finished = running.finish().expect(INCOMPLETE);
    assert_eq!(parts(&finished).iter().map(|(_, chunks)| chunks).sum::<u64>(), 199, "{finished:?}");
    assert!(finished.stderr.contains("1 worker died with it, so it is set aside"), "{finished:?}");
    assert!(finished.stderr.contains("(killed 1 worker, last by SIGKILL)\n"), "{finished:?}");
}

#[test]
fn a_worker_that_joins_by_hand_helps_with_the_chunks() {
    let env = test_env!();
    let name = env.name("join");
    let running = env.coordinator(slow(&name, &["-w", "1"])).start();
    until_begun(&name);
    let joined = env.worker(&name).run().expect(COMPLETE);
    let finished = running.finish().expect(COMPLETE);
    ends_with_all(&finished);
    let lines = finished.lines();
    assert_eq!(joined.lines(), [lines[1]], "its own line, and the same in the report");
    assert!(parts(&finished)[1].1 > 0, "{finished:?}");
}

/// Nobody restarts a worker started by hand, but the run finishes its chunk.
#[test]
fn what_a_dead_worker_by_hand_held_is_done_by_the_run() {
    let env = test_env!();
    let name = env.name("dead");
    let running = env.coordinator(slow(&name, &["-w", "1"])).start();
    until_begun(&name);
    let killed = env.worker(&name).inject(Injection { failpoint: Failpoint::Computed, action: "kill", times: 1 }).run();
    assert_eq!(killed.signal, Some(9));
    ends_with_all(&running.finish().expect(COMPLETE));
}

/// Also when all other workers are gone.
#[test]
fn what_a_worker_by_hand_left_last_of_all_is_launched_again() {
    let env = test_env!();
    let name = env.name("last");
    let running = env.coordinator(slow(&name, &["-w", "1"])).start();
    until_begun(&name);
    let joined = env.worker(&name).args(["--delay", "1h"]).start();
    env.until_status(&name, |status| status["workers"][0]["state"] == "done");
    joined.signal(Signal::KILL);
    let finished = running.finish().expect(COMPLETE);
    ends_with_all(&finished);
    assert_eq!(parts(&finished).len(), 2, "{finished:?}");
    assert_eq!(joined.finish().signal, Some(9));
}

/// Fault 11.
#[test]
fn workers_leave_after_their_chunk_when_the_coordinator_dies_and_the_run_is_resumed() {
    let env = test_env!();
    let name = env.name("orphans");
    let running = env.coordinator(slow(&name, &["-w", "3"])).start();
    until_begun(&name);
    running.signal(Signal::KILL);
    let status = env.until_status(&name, |status| status["state"] == "stale");
    assert!(harness::whole(&status["split"]["given_out"]) < 1000, "{status}");
    assert_eq!(status["split"]["given_out"], status["split"]["iterations_done"], "nobody left with a chunk");
    ends_with_all(&env.coordinator(["resume", &name]).run().expect(COMPLETE));
    assert_eq!(running.finish().signal, Some(9));
}

/// Fault 11.
#[test]
fn a_worker_whose_chunks_fail_leaves_as_well_when_the_coordinator_dies() {
    let env = test_env!();
    let name = env.name("failing");
    let command = "case {start} in 0) echo 1;; *) sleep 0.05; exit 1;; esac # {end}";
    let args = ["--split", "-n", "1000", "--chunk", "1", "-w", "1", "--restarts", "0", "--exec", command];
    let running = env.coordinator(["--name", &name]).args(args).start();
    env.until_status(&name, |status| harness::whole(&status["split"]["given_out"]) > 3);
    running.signal(Signal::KILL);
    let status = env.until_status(&name, |status| status["state"] == "stale");
    assert!(harness::whole(&status["split"]["given_out"]) < 1000, "{status}");
    assert_eq!(running.finish().signal, Some(9));
    let _ = env.coordinator(["remove", &name]).run().expect(COMPLETE);
}

/// Fault 12.
#[test]
fn a_run_of_which_everyone_was_killed_is_resumed_with_the_chunks_that_they_held() {
    let env = test_env!();
    let name = env.name("all");
    let running = env.coordinator(slow(&name, &["-w", "3"])).start();
    until_begun(&name);
    running.signal_group(Signal::KILL);
    assert_eq!(running.finish().signal, Some(9));
    let status = env.until_status(&name, |status| status["state"] == "stale");
    assert_ne!(status["split"]["given_out"], status["split"]["iterations_done"], "they held chunks: {status}");
    ends_with_all(&env.coordinator(["resume", &name]).run().expect(COMPLETE));
}

#[test]
fn a_stopped_run_reports_what_is_applied_and_is_finished_later() {
    let env = test_env!();
    let name = env.name("stop");
    let running = env.coordinator(slow(&name, &["-w", "2"])).start();
    until_begun(&name);
    let _ = env.coordinator(["stop", &name]).run().expect(COMPLETE);
    let stopped = running.finish().expect(INCOMPLETE);
    let (sums, chunks): (Vec<i128>, Vec<u64>) = parts(&stopped).into_iter().unzip();
    let (sum, chunks) = (sums.iter().sum::<i128>(), chunks.iter().sum::<u64>());
    assert_eq!(sum, squares(i128::from(chunks) * 5), "what was begun is finished, in order: {stopped:?}");
    assert!(stopped.stdout.ends_with(&format!("Final shared value: {sum}\n")), "{stopped:?}");
    assert!(stopped.stderr.contains(&format!("{} of 1000 iterations are applied", chunks * 5)), "{stopped:?}");
    ends_with_all(&env.coordinator(["resume", &name]).run().expect(COMPLETE));
}

#[test]
fn a_range_without_a_coordinator_is_shared_out_among_workers_by_hand() {
    let env = test_env!();
    let name = env.create("hand", &["--split", "--chunk", "3"]);
    let killed = env.worker(&name).inject(Injection { failpoint: Failpoint::Computed, action: "kill", times: 1 }).run();
    assert_eq!(killed.signal, Some(9));
    // It continues the dead worker's ticket, with the chunk that the dead worker held.
    let finished = env.worker(&name).run().expect(COMPLETE);
    assert_eq!(finished.stdout, "Process Process-1 added 285 in 4 chunks\n");
    assert_error(&env.worker(&name).run(), NOTHING_TO_DO, "all of its range is given out");
    let _ = env.coordinator(["wait", &name, "--timeout", "1min"]).run().expect(COMPLETE);
    let status = env.status(&name).expect("it is there");
    assert_eq!((&status["value"], &status["complete"]), (&285.into(), &true.into()), "{status}");
    env.remove(&name);
}

#[test]
fn a_live_worker_by_hand_takes_over_what_a_dead_one_held() {
    let env = test_env!();
    let name = env.create("rob", &["--split", "--chunk", "3", "-w", "2"]);
    let killed = env.worker(&name).args(["--delay", "1h"]).start();
    env.until_status(&name, |status| status["workers"][0]["state"] == "sleeping");
    let other = env.worker(&name).args(["--delay", "1s"]).start();
    env.until_status(&name, |status| status["workers"][1]["state"] == "sleeping");
    killed.signal(Signal::KILL);
    assert_eq!(killed.finish().signal, Some(9));
    let finished = other.finish().expect(COMPLETE);
    assert_eq!(finished.stdout, "Process Process-2 added 285 in 4 chunks\n");
    env.remove(&name);
}

/// Fault 32.
#[test]
fn a_chunk_that_does_not_fit_is_refused_and_the_value_stays_in_its_type() {
    let env = test_env!();
    let args = ["--split", "-n", "5000", "--chunk", "100", "-w", "2", "--overflow", "error", "--keep=never"];
    let refused = env.coordinator(args).run().expect(OVERFLOW);
    let sum: i128 = parts(&refused).iter().map(|(sum, _)| sum).sum();
    assert!(sum <= i32::MAX.into() && refused.stdout.ends_with(&format!("Final shared value: {sum}\n")), "{refused:?}");
}

#[test]
fn json_tells_how_far_the_range_has_got() {
    let env = test_env!();
    let args = ["--split", "-n", "1000", "--chunk", "30", "-w", "2", "--format", "json"];
    let report = env.coordinator(args).run().expect(COMPLETE).json();
    assert_eq!(report["mode"], "split");
    let split = serde_json::json!({"chunk": "30", "chunks": "34", "given_out": "1000", "iterations_done": "1000"});
    assert_eq!(report["split"], split);
    let workers = report["workers"].as_array().expect("a list");
    assert_eq!(workers.iter().map(|worker| harness::whole(&worker["chunks"])).sum::<u64>(), 34);
    assert_eq!(report["exact_total"], squares(1000).to_string());
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let env = test_env!();
    for (args, what) in [
        (&["--chunk", "5"] as &[&str], "--split"),
        (&["--split", "--chunk", "0"], "at least 1 iteration"),
        (&["--split", "--chunk", "-1"], "not a count"),
        (&["--split", "--independent"], "--independent"),
        (&["--cells", "0"], "--cells is 0"),
        (&["--cells", "3"], "fills 1"),
    ] {
        assert_error(&env.coordinator(args).run(), USAGE, what);
    }
    let name = env.create("whole", &["--split"]);
    assert_error(&env.worker(&name).args(["-n", "5"]).run(), USAGE, "-n cannot be changed for one worker");
    env.remove(&name);
}

/// A request to stop while all workers sleep.
#[test]
fn a_signal_ends_a_split_run_at_once_and_what_is_applied_is_reported() {
    let env = test_env!();
    let name = env.name("signal");
    let args = ["--split", "--name", &name, "-n", "1000", "--chunk", "10", "--delay", "1h", "-w", "2"];
    let running = env.coordinator(args).start();
    until("both to hold a chunk", || env.status(&name).is_some_and(|status| status["split"]["given_out"] == "20"));
    running.signal(Signal::INT);
    let finished = running.finish().expect(common::cli::exit_code::INTERRUPTED);
    assert_eq!(parts(&finished), [(0, 0), (0, 0)], "{finished:?}");
}
