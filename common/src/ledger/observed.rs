//! How far a ledger has come, for those who only look on.

use std::sync::atomic::Ordering::{Acquire, Relaxed};

use crate::segment::Observer;

/// The counters of a ledger, each read by itself. For everything else there is [`Snapshot`](crate::Snapshot).
#[derive(Clone, Copy)]
pub struct ObservedLedger<'a> {
    observer: &'a Observer,
}

impl<'a> ObservedLedger<'a> {
    /// The ledger of a segment that is attached or observed.
    #[must_use]
    pub fn of(segment: &'a impl AsRef<Observer>) -> Self {
        Self { observer: segment.as_ref() }
    }

    /// How many tickets are done.
    ///
    /// # Panics
    /// If another program truncated the segment.
    #[must_use]
    #[track_caller]
    pub fn done(self) -> u32 {
        // Acquire: the slots of the counted tickets are complete. Pairs with the Release of `done_count` in `redo`.
        let done = self.observer.view().header.redo.done_count.load(Acquire);
        self.observer.assert_whole();
        u32::try_from(done).unwrap_or(u32::MAX).min(self.observer.terms().slots)
    }

    /// The run's iterations below this one are given out in chunks.
    ///
    /// # Panics
    /// As [`Self::done`].
    #[must_use]
    #[track_caller]
    pub fn given_out(self) -> u64 {
        let given_out = self.observer.view().header.redo.given_out.load(Relaxed);
        self.observer.assert_whole();
        given_out
    }

    /// How many of the run's iterations are not given out.
    ///
    /// # Panics
    /// As [`Self::done`].
    #[must_use]
    #[track_caller]
    pub fn left(self) -> u64 {
        self.observer.terms().end().saturating_sub(self.given_out())
    }
}
