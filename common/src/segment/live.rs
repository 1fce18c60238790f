//! The words of a segment that change while a run lives: its lifecycle, requests to stop, notices.
//!
//! Each is one word, stored and loaded at once; none of them is part of a contribution.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

use rustix::thread::futex;

use super::Segment;
use crate::clock::Instant;

/// What a segment's life has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// Workers may take tickets.
    Open,
    /// Nobody joins any more; the result is being reported.
    Closed,
    /// The result was reported.
    Reported,
}

/// What the workers of a run are asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Nothing: go on.
    No,
    /// Finish what is begun, and begin nothing.
    Drain,
    /// Leave at once, without a contribution.
    Now,
}

impl Segment {
    /// What the workers are asked to do.
    #[must_use]
    pub fn stop_requested(&self) -> Stop {
        stop_from(self.view().header.live.stop.load(Relaxed))
    }

    /// Asks all workers to stop and wakes those that sleep; a stronger request is never weakened.
    pub fn request_stop(&self, stop: Stop) {
        let word = &self.view().header.live.stop;
        word.fetch_max(stop as u32, Relaxed);
        // An error would mean that nobody can sleep on the word either.
        let _ = futex::wake(word, futex::Flags::empty(), i32::MAX.unsigned_abs());
    }

    /// Sleeps for `duration`, or until all are asked to stop now; says whether the sleep was whole.
    #[must_use]
    pub fn sleep(&self, duration: Duration) -> bool {
        let began = Instant::now();
        loop {
            let stop = self.view().header.live.stop.load(Relaxed);
            let left = duration.saturating_sub(began.elapsed());
            if stop_from(stop) == Stop::Now {
                return false;
            }
            if left.is_zero() {
                return true;
            }
            self.wait_for_change(&self.view().header.live.stop, stop, left);
        }
    }

    /// The number of notices so far; to be read before looking at what notices tell of.
    #[must_use]
    pub fn notices(&self) -> u32 {
        // Acquire pairs with the Release in `notify`: what a notice tells of is seen by who sees the notice.
        self.view().header.live.notice.load(Acquire)
    }

    /// Waits until there are other than `seen` notices, at most for `patience`.
    pub fn wait_for_notice(&self, seen: u32, patience: Duration) {
        self.wait_for_change(&self.view().header.live.notice, seen, patience);
    }

    /// Wakes all who wait for news of the ledger.
    pub fn notify(&self) {
        let word = &self.view().header.live.notice;
        // Release pairs with the Acquire in `notices`.
        word.fetch_add(1, Release);
        let _ = futex::wake(word, futex::Flags::empty(), i32::MAX.unsigned_abs());
    }

    /// How many commits, in the order of the log, a coordinator has printed.
    #[must_use]
    pub fn told(&self) -> u32 {
        let told = self.view().header.live.told.load(Relaxed);
        u32::try_from(told).unwrap_or(u32::MAX).min(self.done())
    }

    /// Remembers, for a coordinator that takes over, how many commits were printed.
    pub fn remember_told(&self, commits: u32) {
        self.view().header.live.told.store(commits.into(), Relaxed);
    }

    /// Opens the segment, at first or again, as the coordinator that this process became.
    pub fn open_as_coordinator(&self) {
        let live = &self.view().header.live;
        live.coordinator_pid.store(std::process::id(), Relaxed);
        live.stop.store(Stop::No as u32, Relaxed);
        live.closed_at.store(0, Relaxed);
        live.lifecycle.store(Lifecycle::Open as u32, Relaxed);
    }

    /// Marks the result as reported, and wakes all who wait for news.
    pub fn mark_reported(&self) {
        self.view().header.live.lifecycle.store(Lifecycle::Reported as u32, Relaxed);
        self.notify();
    }

    /// What the segment's life has come to.
    #[must_use]
    pub fn lifecycle(&self) -> Lifecycle {
        lifecycle_from(self.view().header.live.lifecycle.load(Relaxed))
    }

    /// How many tickets are done, and with [`Self::committed`] which, in the order of their commits.
    #[must_use]
    pub fn done(&self) -> u32 {
        // Acquire pairs with the Release of `done_count` in the commit's last step: the slots of the tickets counted are
        // complete for who sees the count.
        let done = self.view().header.redo.done_count.load(Acquire);
        u32::try_from(done).unwrap_or(u32::MAX).min(self.terms.slots)
    }

    #[expect(clippy::unused_self, reason = "the word is one of this segment's, which the borrow keeps mapped")]
    fn wait_for_change(&self, word: &AtomicU32, seen: u32, patience: Duration) {
        // Longer than any run: a year. The kernel takes no more than i64 seconds.
        let patience = patience.min(Duration::from_secs(365 * 24 * 3600));
        let timeout = rustix::thread::Timespec::try_from(patience).ok();
        // Woken, changed, timed out or interrupted: the caller looks again in each case.
        let _ = futex::wait(word, futex::Flags::empty(), seen, timeout.as_ref());
    }
}

pub(crate) fn lifecycle_from(word: u32) -> Lifecycle {
    match word {
        0 => Lifecycle::Open,
        1 => Lifecycle::Closed,
        _ => Lifecycle::Reported,
    }
}

pub(crate) fn stop_from(word: u32) -> Stop {
    match word {
        0 => Stop::No,
        1 => Stop::Drain,
        // A damaged word stops the run rather than letting it go on.
        _ => Stop::Now,
    }
}
