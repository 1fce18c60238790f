//! Storms: processes killed at random instants, replaced at once, and a watcher that must get the lock all along.

use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::plant::Point;
use common::{Segment, SegmentName};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// How long the lock may take to be had: the promise is one second, but a loaded machine may let a process wait longer.
pub const BOUND: Duration = Duration::from_secs(10);

/// A process that ends with the test at the latest.
pub struct Victim(Child);

impl Victim {
    /// Starts it.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("a victim can be started"))
    }

    /// Kills it, if it still lives, and waits until it is gone.
    ///
    /// # Panics
    /// If it cannot be waited for.
    #[must_use]
    pub fn kill(mut self) -> ExitStatus {
        self.0.kill().expect("it can be killed until it is reaped");
        self.0.wait().expect("a child can be waited for")
    }

    /// Its end, if it has come.
    ///
    /// # Panics
    /// If it cannot be waited for.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("a child can be waited for")
    }

    /// Whether it waits for the lock.
    #[must_use]
    pub fn waits(&self) -> bool {
        waits_for_lock(self.0.id())
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether the thread sleeps in a wait for a lock: `/proc/PID/syscall` (proc(5)) begins with the number of the call.
#[must_use]
pub fn waits_for_lock(thread: u32) -> bool {
    let call = fs::read_to_string(format!("/proc/{thread}/syscall")).unwrap_or_default();
    call.starts_with(&format!("{} ", libc::SYS_futex))
}

/// What a storm came to.
#[derive(Debug, Default)]
pub struct Havoc {
    /// Victims killed at a random instant.
    pub kills: u32,
    /// Victims that died by themselves between two steps of a commit.
    pub in_a_commit: u32,
    /// Victims that died by themselves in a recovery.
    pub in_a_recovery: u32,
    /// Victims that ended because nothing was left for them.
    pub left: u32,
    /// The longest wait for the lock.
    pub longest: Duration,
}

/// Kills victims on that segment at random instants, for as long as it `goes_on`.
///
/// Of the five alive one dies by itself between two steps of a commit, which random kills hardly ever meet, and one in
/// a recovery: `start` is told where.
///
/// # Panics
/// If a victim fails, or the lock is not to be had.
pub fn storm(
    name: &SegmentName,
    dice: &mut StdRng,
    mut start: impl FnMut(Option<Point>) -> Victim,
    mut goes_on: impl FnMut(&mut StdRng) -> bool,
) -> Havoc {
    let mut steps = [Point::Recorded, Point::Published, Point::HalfApplied].into_iter().cycle();
    let mut start = |index: usize| {
        start(match index {
            0 => steps.next(),
            1 => Some(Point::Recovering),
            _ => None,
        })
    };
    let mut alive: Vec<Victim> = (0..5).map(&mut start).collect();
    let mut havoc = Havoc::default();
    let over = AtomicBool::new(false);
    havoc.longest = thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(name, &over));
        let end = Over(&over);
        while goes_on(dice) && !watcher.is_finished() {
            thread::sleep(Duration::from_micros(dice.random_range(0..15_000)));
            let unlucky = dice.random_range(0..alive.len());
            for (index, victim) in alive.iter_mut().enumerate() {
                let ended = victim.ended();
                match (ended, index) {
                    (Some(status), _) if status.success() => havoc.left += 1,
                    (Some(_), 0) => havoc.in_a_commit += 1,
                    (Some(_), _) => havoc.in_a_recovery += 1,
                    (None, _) if index == unlucky => havoc.kills += 1,
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
    havoc
}

/// Set when it is dropped, so that the watcher ends with a test that fails too.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Takes the lock every few milliseconds until the storm is `over`; the longest wait.
fn watch(name: &SegmentName, over: &AtomicBool) -> Duration {
    let segment = Segment::attach(name).expect("it is there");
    let mut longest = Duration::ZERO;
    while !over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(3));
        let began = Instant::now();
        drop(segment.lock_within(BOUND).expect("the lock is always to be had"));
        longest = longest.max(began.elapsed());
    }
    longest
}

/// Tells of a test that passes too, which only the standard error itself does.
pub fn report(text: &str) {
    let _ = std::io::stderr().write_all(format!("storm: {text}\n").as_bytes());
}

/// Numbers drawn from a seed that is told.
#[must_use]
pub fn dice(label: &str) -> StdRng {
    let seed = rand::random();
    report(&format!("{label}: seed {seed}"));
    StdRng::seed_from_u64(seed)
}
