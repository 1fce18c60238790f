//! Storms: processes are killed at random times and replaced at once, while a watcher keeps taking the lock.

mod recorded_segment;
mod victim;

use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::failpoint::Failpoint;
use common::{Ledger, Segment, SegmentName};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::report::report;

pub use recorded_segment::RecordedSegment;
pub use victim::{Victim, waits_for_lock};

/// How long taking the lock may take. The promise is one second; a loaded machine may make a process wait longer.
pub const BOUND: Duration = Duration::from_secs(10);

/// The outcome of a storm.
#[derive(Debug, Default)]
pub struct StormOutcome {
    /// Victims killed at a random time.
    pub kills: u32,
    /// Victims that died at a failpoint between two steps of a commit.
    pub in_a_commit: u32,
    /// Victims that died at a failpoint in a recovery.
    pub in_a_recovery: u32,
    /// Victims that ended because nothing was left for them.
    pub left: u32,
    /// The longest wait for the lock.
    pub longest: Duration,
}

/// Kills victims on that segment at random times while `goes_on` returns true.
///
/// Random kills rarely hit a commit. So the first of the five victims dies at a failpoint between two steps of a
/// commit, and the second one in a recovery; `start` gets the failpoint.
pub fn storm(
    name: &SegmentName,
    dice: &mut StdRng,
    mut start: impl FnMut(Option<Failpoint>) -> Victim,
    mut goes_on: impl FnMut(&mut StdRng) -> bool,
) -> StormOutcome {
    let mut steps = [Failpoint::Recorded, Failpoint::Published, Failpoint::HalfApplied].into_iter().cycle();
    let mut start = |index: usize| {
        start(match index {
            0 => steps.next(),
            1 => Some(Failpoint::Recovering),
            _ => None,
        })
    };
    let mut alive: Vec<Victim> = (0..5).map(&mut start).collect();
    let mut outcome = StormOutcome::default();
    let over = AtomicBool::new(false);
    outcome.longest = thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(name, &over));
        let end = Over(&over);
        while goes_on(dice) && !watcher.is_finished() {
            thread::sleep(Duration::from_micros(dice.random_range(0..15_000)));
            let unlucky = dice.random_range(0..alive.len());
            for (index, victim) in alive.iter_mut().enumerate() {
                let ended = victim.ended();
                match (ended, index) {
                    (Some(status), _) if status.success() => outcome.left += 1,
                    (Some(_), 0) => outcome.in_a_commit += 1,
                    (Some(_), _) => outcome.in_a_recovery += 1,
                    (None, _) if index == unlucky => outcome.kills += 1,
                    _ => continue,
                }
                let dead = std::mem::replace(victim, start(index));
                let status = ended.unwrap_or_else(|| dead.kill());
                assert!(status.success() || status.signal() == Some(9), "no victim fails: {status}");
                assert!(index < 2 || status.success() || ended.is_none(), "one died by itself: {status}");
            }
        }
        drop(end);
        watcher.join().expect("the lock is always to be had")
    });
    outcome
}

/// Sets the flag when dropped, so that the watcher also ends when the test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Takes the lock every few milliseconds until the storm is `over`; returns the longest wait.
fn watch(name: &SegmentName, over: &AtomicBool) -> Duration {
    let segment = Segment::attach(name).expect("it is there");
    let mut longest = Duration::ZERO;
    while !over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(3));
        let began = Instant::now();
        drop(Ledger::of(&segment).lock_within(BOUND).expect("the lock is always to be had"));
        longest = longest.max(began.elapsed());
    }
    longest
}

/// A random generator; reports its seed.
#[must_use]
pub fn dice(label: &str) -> StdRng {
    let seed = rand::random();
    report(&format!("{label}: seed {seed}"));
    StdRng::seed_from_u64(seed)
}
