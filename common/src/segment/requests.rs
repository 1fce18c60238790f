//! The words that change while a run lives: its lifecycle, requests to stop, notices.
//!
//! Each is one word with one store or load. None is part of a contribution.

use std::sync::atomic::Ordering::{Relaxed, Release};
use std::time::Duration;

use rustix::thread::futex;

use super::Segment;
use crate::clock::BootTime;

/// How long to sleep at most before looking again. A wake-up may be lost, so nothing rests on one alone.
const SLOW_LOOK: Duration = Duration::from_secs(3);

/// How far the life of a segment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lifecycle {
    /// Workers may take tickets.
    Open,
    /// Nobody can join; the coordinator reports the result.
    Closed,
    /// The run is over, its result is reported, and the segment is kept.
    Reported,
    /// The run is over, its result is not reported, and its coordinator has kept the segment.
    Kept,
    /// The run is over, and nobody needs the segment any more: its coordinator removes it. This is final.
    ToBeRemoved,
}

/// What the workers of a run are asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Go on.
    No,
    /// Finish the current work and start nothing new.
    Drain,
    /// Leave at once, without a contribution.
    Now,
}

impl Segment {
    /// What the workers are asked to do.
    #[must_use]
    pub fn stop_requested(&self) -> Stop {
        self.observer.stop_requested()
    }

    /// Asks all workers to stop and wakes those that sleep. A later, weaker request changes nothing.
    pub fn request_stop(&self, stop: Stop) {
        let word = &self.view().header.live.stop;
        word.fetch_max(stop as u32, Relaxed);
        // On an error nobody can sleep on the word either.
        let _ = futex::wake(word, futex::Flags::empty(), i32::MAX.unsigned_abs());
    }

    /// Sleeps for `duration`, or until [`Stop::Now`] is requested. Returns whether it slept for the whole time.
    #[must_use]
    pub fn sleep(&self, duration: Duration) -> bool {
        let began = BootTime::now();
        loop {
            let stop = self.view().header.live.stop.load(Relaxed);
            let left = duration.saturating_sub(began.elapsed());
            if Stop::of(stop) == Stop::Now {
                return false;
            }
            if left.is_zero() {
                return true;
            }
            self.observer.wait_for_change(&self.view().header.live.stop, stop, left.min(SLOW_LOOK));
        }
    }

    /// The number of notices so far. Read it before the state that the notices announce.
    #[must_use]
    pub fn notices(&self) -> u32 {
        self.observer.notices()
    }

    /// Waits until the number of notices differs from `seen`, at most for `patience`.
    pub fn wait_for_notice(&self, seen: u32, patience: Duration) {
        self.observer.wait_for_notice(seen, patience);
    }

    /// Adds a notice and wakes all waiters.
    pub fn notify(&self) {
        let word = &self.view().header.live.notice;
        // Release: pairs with the Acquire in `notices`.
        word.fetch_add(1, Release);
        let _ = futex::wake(word, futex::Flags::empty(), i32::MAX.unsigned_abs());
    }

    /// Opens the segment for workers, for the first time or again. This process is its coordinator; a forked child changes
    /// nothing.
    pub fn open_as_coordinator(&self) {
        if self.is_inherited() {
            return;
        }
        let live = &self.view().header.live;
        live.coordinator_pid.store(std::process::id(), Relaxed);
        live.stop.store(Stop::No as u32, Relaxed);
        live.closed_at.store(0, Relaxed);
        live.lifecycle.store(Lifecycle::Open as u32, Relaxed);
    }

    /// Closes the segment: from now on nobody takes a ticket. The caller holds the lock.
    pub(crate) fn close(&self) {
        let live = &self.view().header.live;
        live.closed_at.store(BootTime::now().0, Relaxed);
        // Release: behind every commit so far. Pairs with the Acquire in `Observer::lifecycle` and `RunState::read`.
        live.lifecycle.store(Lifecycle::Closed as u32, Release);
    }

    /// Marks the end of the run: how its coordinator leaves the segment. Wakes all waiters. A forked child changes nothing.
    pub fn mark_over(&self, how: Lifecycle) {
        if self.is_inherited() {
            return;
        }
        debug_assert!(how.is_over(), "{how:?} is no end");
        // Release: as in `close`.
        self.view().header.live.lifecycle.store(how as u32, Release);
        self.notify();
    }

    /// How far the life of the segment has come.
    #[must_use]
    pub fn lifecycle(&self) -> Lifecycle {
        self.observer.lifecycle()
    }
}

impl Lifecycle {
    pub(crate) fn of(word: u32) -> Self {
        match word {
            0 => Self::Open,
            1 => Self::Closed,
            3 => Self::Kept,
            4 => Self::ToBeRemoved,
            _ => Self::Reported,
        }
    }

    /// Whether the run is over: its coordinator has left the segment, or is about to.
    #[must_use]
    pub fn is_over(self) -> bool {
        self >= Self::Reported
    }
}

impl Stop {
    pub(crate) fn of(word: u32) -> Self {
        match word {
            0 => Self::No,
            1 => Self::Drain,
            // A damaged word stops the run.
            _ => Self::Now,
        }
    }
}
