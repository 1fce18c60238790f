//! Workers started by hand.

use common::cli::exit_code;
use common::failpoint::Failpoint;
use harness::{HeldRun, Injection, test_env};

#[test]
fn workers_one_after_the_other_each_contribute_once_and_print_their_line() {
    let env = test_env!();
    let name = env.create("sequence", &[]);
    for k in 1..=6 {
        let finished = env.worker(&name).run().expect(exit_code::COMPLETE);
        assert_eq!(finished.stdout, format!("Process Process-{k} updated shared value to {}\n", 285 * k));
    }
    let status = env.status(&name).expect("it is there");
    assert_eq!((&status["value"], &status["state"]), (&(285 * 6).into(), &"open".into()));
    assert_eq!(status["contributions"]["done"], 6);
    env.remove(&name);
}

#[test]
fn workers_at_once_each_contribute_once() {
    let env = test_env!();
    let name = env.create("parallel", &[]);
    let workers: Vec<_> = (0..12).map(|_| env.worker(&name).args(["--delay", "1ms..20ms"]).start()).collect();
    let mut lines: Vec<String> = workers.into_iter().map(|worker| worker.finish().expect(0).stdout).collect();
    lines.sort_by_key(|line| line.rsplit_once(' ').and_then(|(_, value)| value.trim().parse::<i32>().ok()));
    let values: Vec<&str> = lines.iter().filter_map(|line| line.trim().rsplit_once(' ')).map(|(_, v)| v).collect();
    assert_eq!(values, (1..=12).map(|k| (285 * k).to_string()).collect::<Vec<_>>());
    env.remove(&name);
}

#[test]
fn a_worker_may_differ_from_the_segments_terms() {
    let env = test_env!();
    let name = env.create("override", &["--delay", "1h"]);
    let finished = env.worker(&name).args(["-n", "1k", "--delay", "0", "--seed", "7"]).run().expect(0);
    assert_eq!(finished.stdout, "Process Process-1 updated shared value to 332833500\n");
    let quiet = env.worker(&name).args(["-n", "10", "--delay", "0", "-q"]).run().expect(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    env.remove(&name);
}

#[test]
fn an_independent_segment_prints_results() {
    let env = test_env!();
    let name = env.create("independent", &["--independent"]);
    let finished = env.worker(&name).run().expect(0);
    assert_eq!(finished.stdout, "Process Process-1, Result: 285\n");
    env.remove(&name);
}

#[test]
fn a_worker_joins_a_running_run_and_counts() {
    let env = test_env!();
    let name = env.name("join");
    let running = env.coordinator(["--name", &name, "-w", "1", "-n", "10", "--delay", "3s"]).start();
    env.until_status(&name, |status| status["workers"][0]["state"] == "sleeping");
    let joined = env.worker(&name).args(["--delay", "0"]).run().expect(0);
    assert_eq!(joined.stdout, "Process Process-2 updated shared value to 285\n");
    let finished = running.finish().expect(0);
    let lines = "Process Process-2 updated shared value to 285\nProcess Process-1 updated shared value to 570\n\
                 Final shared value: 570\n";
    assert_eq!(finished.stdout, lines);
}

#[test]
fn a_run_waits_for_a_worker_that_joined_and_closes_to_others() {
    let env = test_env!();
    let name = env.name("late");
    let running = env.coordinator(["--name", &name, "-w", "1", "-n", "10", "--delay", "3s", "-v"]).start();
    env.until_status(&name, |status| status["workers"][0]["state"] == "sleeping");
    let joined = env.worker(&name).args(["--delay", "6s"]).start();
    harness::until("the run to be closed", || running.stderr().contains("waiting for Process-2"));
    let late = env.worker(&name).run().expect(exit_code::NOTHING_TO_DO);
    assert!(late.stderr.contains("nothing left to do"), "{}", late.stderr);
    let finished = running.finish().expect(0);
    assert!(finished.stdout.ends_with("Final shared value: 570\n"), "{finished:?}");
    let _ = joined.finish().expect(0);
}

#[test]
fn the_ticket_of_a_dead_worker_goes_to_the_next_one() {
    let env = test_env!();
    let name = env.create("takeover", &[]);
    for failpoint in [Failpoint::Taken, Failpoint::Locked] {
        let killed = env.worker(&name).inject(Injection { failpoint, action: "kill", times: 1 }).run();
        assert_eq!(killed.signal, Some(9));
    }
    assert_eq!(env.status(&name).expect("it is there")["workers"][0]["state"], "died");
    let finished = env.worker(&name).run().expect(0);
    assert_eq!(finished.stdout, "Process Process-1 updated shared value to 285\n");
    let status = env.status(&name).expect("it is there");
    assert_eq!((&status["workers"][0]["restarts"], &status["recoveries"]), (&2.into(), &2.into()));
    env.remove(&name);
}

#[test]
fn a_contribution_by_hand_does_not_stand_in_for_one_that_failed() {
    let env = test_env!();
    let name = env.name("stand-in");
    let injection = Injection { failpoint: Failpoint::Taken, action: "kill", times: 1 };
    let args = ["--name", &name, "-w", "2", "--jobs", "1", "--restarts", "0", "-n", "10", "--delay", "3s"];
    let running = env.coordinator(args).inject(injection).start();
    env.until_status(&name, |status| status["workers"][1]["state"] == "sleeping");
    let _ = env.worker(&name).args(["--delay", "0"]).run().expect(0);
    let finished = running.finish().expect(exit_code::INCOMPLETE);
    assert!(finished.stderr.contains("2 of 3 contributions"), "{}", finished.stderr);
    env.remove(&name);
}

#[test]
fn a_full_segment_has_no_free_slot() {
    let env = test_env!();
    let name = env.create("full", &["-w", "2", "--slots", "2"]);
    for _ in 0..2 {
        let _ = env.worker(&name).run().expect(0);
    }
    let finished = env.worker(&name).run().expect(exit_code::NOTHING_TO_DO);
    assert!(finished.stderr.contains("no free slot"), "{}", finished.stderr);
    assert!(finished.stderr.contains("hint: "), "{}", finished.stderr);
    env.remove(&name);
}

/// The only ticket is held, and a chunk that is set aside waits for somebody who tries it again.
#[test]
fn a_full_segment_has_no_free_slot_for_what_is_set_aside() {
    let env = test_env!();
    let held = HeldRun::new(&env);
    let command = format!("[ {{start}} != 0 ] || exit 3; {}; echo 1", held.wait());
    let name =
        env.create("busy", &["--split", "-n", "2", "--chunk", "1", "--slots", "1", "-w", "1", "--exec", &command]);
    let worker = env.worker(&name).args(["--restarts", "0"]).start();
    env.until_status(&name, |status| status["split"]["given_out"] == "2");
    let second = env.worker(&name).run().expect(exit_code::NOTHING_TO_DO);
    assert!(second.stderr.contains("no free slot"), "{}", second.stderr);
    held.release();
    let _ = worker.finish().expect(exit_code::INCOMPLETE);
    env.remove(&name);
}

#[test]
fn a_stopped_segment_takes_no_more_workers() {
    let env = test_env!();
    let name = env.create("stopped", &["--delay", "1h"]);
    let worker = env.worker(&name).start();
    env.until_status(&name, |status| status["workers"][0]["state"] == "sleeping");
    let _ = env.coordinator(["stop", "--now", &name]).run().expect(0);
    let finished = worker.finish().expect(exit_code::INCOMPLETE);
    assert!(finished.stderr.contains("asked to stop"), "{}", finished.stderr);
    let _ = env.worker(&name).run().expect(exit_code::NOTHING_TO_DO);
    env.remove(&name);
}

/// Fault 21, for a leaked guard: the mapping stays, and the next lock is safe.
#[test]
fn a_leaked_guard_leaks_the_mapping() {
    let env = test_env!();
    let name = env.create("leaked", &[]);
    let parsed = name.parse().expect("the name is legal");
    let segment = common::Segment::attach(&parsed).expect("it is there");
    std::mem::forget(common::Ledger::of(&segment).lock_within(std::time::Duration::ZERO).expect("nobody holds it"));
    drop(segment);
    let other = env.create("other", &[]);
    let segment = common::Segment::attach(&other.parse().expect("the name is legal")).expect("it is there");
    for _ in 0..3 {
        drop(common::Ledger::of(&segment).lock_within(std::time::Duration::ZERO).expect("nobody holds it"));
    }
    drop(segment);
    env.remove(&other);
    // This process still holds the lock, so it counts as attached.
    let _ = env.coordinator(["remove", &name]).run().expect(exit_code::UNAVAILABLE);
    let _ = env.coordinator(["remove", "--force", &name]).run().expect(exit_code::COMPLETE);
}

/// Fault 24: the mutex word names a thread that does not exist, while others are attached.
#[test]
fn a_lock_held_by_nobody_ends_the_run_instead_of_hanging_it() {
    use std::os::unix::fs::FileExt;
    let env = test_env!();
    let name = env.name("nobody");
    let running = env.coordinator(["--name", &name, "-w", "1", "-n", "10", "--delay", "3s"]).start();
    env.until_status(&name, |status| status["workers"][0]["state"] == "sleeping");
    let file = std::fs::File::options().write(true).open(env.segment(&name)).expect("it is there");
    // The highest thread id that Linux can ever give is 2^22 (proc_sys_kernel(5), pid_max).
    file.write_all_at(&0x3fff_fffe_u32.to_ne_bytes(), 320).expect("it can be damaged");
    let finished = running.finish().expect(exit_code::FOREIGN);
    assert!(finished.stderr.contains("does not exist"), "{}", finished.stderr);
}
