//! Storms: thousands of kills while the lock is nearly always held, also of waiters and recoverers.
//!
//! At the end the ledger is compared with the record that the victims keep in a file (`victims/storm.rs`). So a
//! contribution that the ledger lost or invented is found.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use common::failpoint::Failpoint;
use common::{Ledger, LockOutcome, Segment, Snapshot};
use harness::storm::{self, BOUND, RecordedSegment, Victim, dice, waits_for_lock};
use harness::{report, test_env, until};
use rand::RngExt;

/// How long a victim of the storm holds the lock for each contribution.
const HOLD: Duration = Duration::from_micros(100);

/// Kills workers at random times, for that long; returns the number of kills.
fn storm(label: &str, duration: Duration, slots: u32) -> u32 {
    let env = test_env!();
    let segment = RecordedSegment::new(&env, label, slots);
    let start = |failpoint: Option<Failpoint>| {
        let mut victim = segment.victim(u32::MAX, HOLD);
        victim.envs(failpoint.map(|failpoint| ("KILLPROOF_FAILPOINT", format!("{failpoint:?}=kill"))));
        Victim::start(&mut victim)
    };
    let began = Instant::now();
    let outcome = storm::storm(&segment.name, &mut dice(label), start, |_| began.elapsed() < duration);
    let snapshot = segment.finish();
    let (done, recoveries) = (snapshot.done(), snapshot.recoveries);
    report(&format!("{label}: {outcome:.1?}; {recoveries} recoveries, {done} contributions"));
    let (commits, recoverers) = (outcome.in_a_commit, outcome.in_a_recovery);
    assert!(recoveries > 0 && commits > 0 && recoverers > 0 && done > 0 && outcome.left == 0, "it was no storm");
    outcome.kills
}

/// Fault 8.
#[test]
fn a_storm_of_kills_loses_nothing_doubles_nothing_and_stalls_nobody() {
    storm("storm", Duration::from_secs(5), 100_000);
}

/// Fault 8, the long form: `cargo test -p tests --test crash -- --ignored a_storm_of_a_thousand_kills`
#[test]
#[ignore = "takes a minute and all processors; the command stands above, and in tests/README.md"]
fn a_storm_of_a_thousand_kills() {
    assert!(storm("minute", Duration::from_secs(60), 1_000_000) >= 1000);
}

/// Lets that many workers die with the lock, one after another, under the same ticket.
fn die_with_the_lock(label: &str, deaths: u32) {
    let env = test_env!();
    let segment = RecordedSegment::new(&env, label, 2);
    let path = env.segment(segment.name.as_str());
    let extent = || fs::metadata(&path).map(|file| (file.len(), file.blocks())).expect("it is there");
    let before = extent();
    let points = [Failpoint::Taken, Failpoint::Locked, Failpoint::Recorded];
    for (_, failpoint) in (0..deaths).zip(points.iter().cycle()) {
        let mut victim = segment.victim(1, Duration::ZERO);
        let status = victim.env("KILLPROOF_FAILPOINT", format!("{failpoint:?}=kill")).status();
        assert_eq!(status.expect("a victim can be started").signal(), Some(9));
    }
    assert_eq!(segment.lock().outcome(), LockOutcome::OwnerDied);
    let snapshot = Snapshot::of(&segment.segment).expect("it can be read");
    assert_eq!((snapshot.recoveries, snapshot.done(), extent()), (deaths.into(), 0, before));
    assert_eq!(snapshot.workers.iter().map(|worker| worker.restarts).collect::<Vec<_>>(), [deaths - 1]);
    let last = segment.victim(1, Duration::ZERO).status().expect("a victim can be started");
    assert!(last.success(), "the ticket is still to be had");
    assert_eq!(segment.finish().log, [1]);
    report(&format!("{label}: {deaths} owners died, {} recoveries", snapshot.recoveries));
}

/// Fault 9.
#[test]
fn a_thousand_owners_die_on_one_segment_and_leave_no_debris() {
    die_with_the_lock("owners", 1000);
}

/// Fault 9, the long form: `cargo test -p tests --test crash -- --ignored a_hundred_thousand_owners_die`
#[test]
#[ignore = "takes minutes; the command stands above, and in tests/README.md"]
fn a_hundred_thousand_owners_die() {
    die_with_the_lock("many-owners", 100_000);
}

/// Fault 10.
#[test]
fn a_waiter_killed_while_it_waits_or_just_woken_leaves_the_others_their_turn() {
    const ROUNDS: usize = 250;
    let env = test_env!();
    let segment = RecordedSegment::new(&env, "waiters", 5000);
    let mut dice = dice("waiters");
    let mut longest = Duration::ZERO;
    for round in 0..ROUNDS {
        let guard = segment.lock();
        let mut waiters = vec![Victim::start(&mut segment.victim(1, HOLD / 2))];
        until("the first to wait for the lock", || waiters[0].waits());
        waiters.extend((0..4).map(|_| Victim::start(&mut segment.victim(1, HOLD / 2))));
        until("all to wait for the lock", || waiters.iter().all(Victim::waits));
        assert_eq!(waiters.swap_remove(dice.random_range(1..5)).kill().signal(), Some(9), "it waited");
        // In every second round the woken one: a futex wakes the longest waiter.
        let unlucky = if round % 2 == 0 { 0 } else { dice.random_range(0..4) };
        // From the wake to a little after the end of the contribution.
        let instant = Duration::from_micros(dice.random_range(0..300));
        let began = Instant::now();
        drop(guard);
        while began.elapsed() < instant {
            std::hint::spin_loop();
        }
        drop(waiters.swap_remove(unlucky));
        for mut waiter in waiters {
            let mut ended = None;
            while ended.is_none() {
                assert!(began.elapsed() < BOUND, "round {round}: the others get the lock");
                thread::sleep(Duration::from_micros(500));
                ended = waiter.ended();
            }
            assert_eq!(ended.and_then(|status| status.code()), Some(0), "round {round}");
        }
        longest = longest.max(began.elapsed());
    }
    let snapshot = segment.finish();
    let (done, recoveries) = (snapshot.done(), snapshot.recoveries);
    report(&format!(
        "waiters: {ROUNDS} rounds, {done} contributions, {recoveries} recoveries, longest turn {longest:.1?}"
    ));
    assert!(done >= ROUNDS * 3);
}

/// Fault 10: another process takes the lock before the woken one runs, and releases it after that one is dead.
#[test]
fn a_lock_is_had_although_the_one_that_was_woken_for_it_is_dead() {
    let env = test_env!();
    let segment = RecordedSegment::new(&env, "woken", 100);
    for round in 0..20 {
        let guard = segment.lock();
        let woken = Victim::start(&mut segment.victim(1, Duration::ZERO));
        until("the first to wait for the lock", || woken.waits());
        let (tell, told) = channel();
        let outcome = thread::scope(|scope| {
            let next = scope.spawn(|| {
                let segment = Segment::attach(&segment.name).expect("it is there");
                tell.send(rustix::thread::gettid()).expect("the test listens");
                Ledger::of(&segment).lock_within(Duration::from_secs(3)).map(drop)
            });
            let thread = told.recv().expect("the thread runs").as_raw_nonzero().get().unsigned_abs();
            until("the next to wait for the lock", || waits_for_lock(thread));
            drop(guard);
            let barging = Ledger::of(&segment.segment).lock_within(Duration::ZERO);
            drop(woken);
            drop(barging);
            next.join().expect("no panic")
        });
        assert!(outcome.is_ok(), "round {round}: {outcome:?}");
    }
    segment.finish();
}
