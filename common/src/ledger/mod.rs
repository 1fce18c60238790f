//! The ledger: which ticket contributed what, and the commit.
//!
//! [`Ledger`] reads and announces without the lock; [`LockedLedger`] changes the ledger under it.
//!
//! Invariants, whichever process is killed at whichever instruction, once the lock has been acquired again:
//! - the value equals the wrapped sum of the contributions;
//! - a ticket is done at most once, and stays done until a resume opens it again;
//! - each iteration of a split run is applied once, or part of one ticket's chunk, or set aside, or not given out;
//! - the log names the tickets that are done, once each, in the order of their commits.

mod applied;
mod audit;
mod cause;
mod chunk;
mod commit;
mod error;
mod observed;
mod orphan;
mod phase;
mod set_aside;
mod slot_view;
mod ticket;

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

pub use applied::Applied;
pub(crate) use audit::{Books, Completion, ExactSum, LoggedTickets, Rest, TicketEntry, audit};
pub use audit::{Totals, Violation};
pub use cause::{Cause, Exit};
pub use chunk::Then;
pub use commit::Committed;
pub(crate) use commit::has_contributed;
pub use error::{CommitError, TicketError};
pub use observed::ObservedLedger;
use orphan::is_used;
pub use phase::{Phase, WorkerState};
pub(crate) use set_aside::HOPELESS;
pub(crate) use slot_view::restarts;
pub use slot_view::{SlotView, TicketState};
pub use ticket::{Claim, TakeOver};

use crate::lock::{Guard, LockError, LockOutcome, LockOwner};
use crate::segment::Segment;
use crate::value::{Cells, Number};

/// The ledger of a segment, without its lock: each word is read or stored by itself.
///
/// If another program truncates the segment, the methods that return a value or a count of contributions panic rather than
/// make one up.
#[derive(Clone, Copy)]
pub struct Ledger<'a> {
    segment: &'a Segment,
}

/// The ledger of a segment, with its lock held. Dropping it releases the lock.
pub struct LockedLedger<'a> {
    guard: Guard<&'a Segment>,
}

impl<'a> Ledger<'a> {
    /// The ledger of `segment`.
    #[must_use]
    pub fn of(segment: &'a Segment) -> Self {
        Self { segment }
    }

    /// Acquires the lock, however long it takes. Calls `waiting` each second with the owner and the time waited so far.
    ///
    /// # Errors
    /// [`LockError::Damaged`] if the lock or the ledger is damaged beyond what a crash can do; [`LockError::Deadlock`] if
    /// this thread owns the lock; [`LockError::Forked`] in a forked child of the process that attached.
    pub fn lock(self, waiting: impl FnMut(Option<LockOwner>, Duration)) -> Result<LockedLedger<'a>, LockError> {
        Ok(LockedLedger { guard: Guard::acquire(self.segment, waiting)? })
    }

    /// Acquires the lock if nobody holds it, this thread included.
    ///
    /// # Errors
    /// As [`Self::lock`], except for [`LockError::Deadlock`].
    #[inline]
    pub fn try_lock(self) -> Result<Option<LockedLedger<'a>>, LockError> {
        let guard = Guard::try_acquire(self.segment).map_err(|error| *error)?;
        Ok(guard.map(|guard| LockedLedger { guard }))
    }

    /// Acquires the lock, or gives up when `patience` has passed on the monotonic clock.
    ///
    /// # Errors
    /// [`LockError::Busy`] with the owner when patience has passed; the others as [`Self::lock`].
    #[inline]
    pub fn lock_within(self, patience: Duration) -> Result<LockedLedger<'a>, LockError> {
        Ok(LockedLedger { guard: Guard::acquire_within(self.segment, patience)? })
    }

    /// How many tickets are done.
    #[must_use]
    pub fn done(self) -> u32 {
        ObservedLedger::of(self.segment).done()
    }

    /// The commit with that index in the log, counted from 0; nothing if [`Self::done`] is not larger.
    #[must_use]
    pub fn committed(self, index: u32) -> Option<Committed> {
        let view = self.segment.view();
        if index >= self.done() {
            return None;
        }
        let ticket = view.log.get(usize::try_from(index).ok()?)?.load(Relaxed);
        let committed = Committed::of(view, view.slot(ticket)?, ticket, self.segment.terms().value_type);
        self.segment.assert_whole();
        Some(committed)
    }

    /// The sum and the number of the chunks that were added under a ticket; nothing if there is no such ticket.
    #[must_use]
    pub fn added(self, ticket: u32) -> Option<(Cells<Number>, u64)> {
        let view = self.segment.view();
        let slot = view.slot(ticket)?;
        let added = Committed::of(view, slot, ticket, self.segment.terms().value_type).contribution;
        let chunks = slot.chunks.load(Relaxed);
        self.segment.assert_whole();
        Some((added, chunks))
    }

    /// How many commits, in the order of the log, a coordinator has printed.
    #[must_use]
    pub fn reported(self) -> u32 {
        let reported = self.segment.view().header.live.reported.load(Relaxed);
        u32::try_from(reported).unwrap_or(u32::MAX).min(self.done())
    }

    /// Stores how many commits are printed, for a coordinator that takes over. A forked child changes nothing.
    pub fn set_reported(self, commits: u32) {
        if self.segment.is_inherited() {
            return;
        }
        self.segment.view().header.live.reported.store(commits.into(), Relaxed);
    }
}

impl<'a> LockedLedger<'a> {
    /// How the lock was acquired.
    #[must_use]
    pub fn outcome(&self) -> LockOutcome {
        self.guard.outcome()
    }

    /// Closes the segment: from now on nobody takes a ticket. Does nothing if the parent of this forked process acquired the
    /// lock.
    pub fn close(&mut self) {
        if self.guard.is_own() {
            self.segment().close();
        }
    }

    /// The segment.
    #[must_use]
    pub fn segment(&self) -> &'a Segment {
        self.guard.locked()
    }

    /// The operations that need no lock.
    #[must_use]
    pub fn ledger(&self) -> Ledger<'a> {
        Ledger::of(self.segment())
    }
}
