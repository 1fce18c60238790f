//! Orphans: chunks whose worker died, and what is left of a split run for the workers that come.
//!
//! What is found without the lock is a hint. A worker that steals a chunk checks again under the lock.

use std::sync::atomic::Ordering::Relaxed;

use super::{Ledger, ObservedLedger, Phase};
use crate::layout::Slot;
use crate::process;
use crate::redo::{ClaimState, load_range};
use crate::system_error::SystemError;
use crate::terms::{Mode, Origin, Terms};

/// Up to 64, ask the kernel about each holder; beyond, until one is alive, and about those whose PID is gone.
///
/// To answer, the kernel walks through the roles of all live processes.
pub(super) const FEW: usize = 64;

/// What is left of a run for one more worker.
pub(super) enum Left {
    /// Iterations that nobody has computed, or an orphaned chunk.
    Something,
    /// The chunk that the last worker of this ticket gave up.
    GivenUp(u32),
    /// Ranges that are set aside.
    SetAside,
    Nothing,
}

impl<'a> Ledger<'a> {
    /// The run's iterations below this one are given out in chunks.
    #[must_use]
    pub fn given_out(self) -> u64 {
        ObservedLedger::of(self.segment).given_out()
    }

    /// How many of the run's iterations are not given out.
    #[must_use]
    pub fn left(self) -> u64 {
        ObservedLedger::of(self.segment).left()
    }

    /// Whether the ticket holds a chunk.
    #[must_use]
    pub fn holds_chunk(self, ticket: u32) -> bool {
        self.segment.view().slot(ticket).is_some_and(|slot| !load_range(&slot.chunk).is_empty())
    }

    /// Whether the ticket's last worker gave up its chunk.
    #[must_use]
    pub fn has_failed(self, ticket: u32) -> bool {
        self.segment.view().slot(ticket).is_some_and(|slot| Phase::is_failed(slot.phase.load(Relaxed)))
    }

    /// Whether a chunk was given up because its contribution does not fit.
    #[must_use]
    pub fn has_overflow(self) -> bool {
        let overflowed = |(slot, _): (&Slot, u32)| {
            slot.phase.load(Relaxed) == Phase::Overflowed as u32 && !load_range(&slot.chunk).is_empty()
        };
        self.segment.terms().mode == Mode::Split && self.used_slots().any(overflowed)
    }

    /// Forgets that the ticket's last worker gave up its chunk: the next one tries again.
    pub fn forget_failure(self, ticket: u32) {
        if let Some(slot) = self.segment.view().slot(ticket).filter(|_| self.has_failed(ticket)) {
            slot.phase.store(Phase::Attached as u32, Relaxed);
        }
    }

    /// Offers the chunk of a dead worker's ticket to the workers.
    pub fn offer_orphan(self, ticket: u32) {
        if self.holds_chunk(ticket) {
            self.segment.view().header.live.orphan.store(ticket, Relaxed);
        }
    }

    /// A ticket whose chunk seems to be orphaned: the offered one, or any once the whole range is given out.
    ///
    /// A hint for [`Then::Take`](super::Then::Take), which checks again under the lock.
    ///
    /// # Errors
    /// [`SystemError`] if the kernel cannot be asked which processes live.
    pub fn orphan(self) -> Result<Option<u32>, SystemError> {
        let offer = &self.segment.view().header.live.orphan;
        if offer.load(Relaxed) != 0 {
            // The first reader takes the offer. If it dies or already has a chunk, the orphan is found at the end.
            return Ok(Some(offer.swap(0, Relaxed)).filter(|ticket| *ticket != 0));
        }
        if self.left() > 0 { Ok(None) } else { self.find_orphan() }
    }

    /// What a worker that joins by hand finds of a run.
    pub(super) fn left_to_joiners(self) -> Result<Left, SystemError> {
        let terms = self.segment.terms();
        if terms.origin == Origin::ByHand && self.has_stopped_itself() {
            return Ok(Left::SetAside);
        }
        let is_given_out = terms.mode == Mode::Split && self.left() == 0;
        if !is_given_out || self.find_orphan()?.is_some() || self.first_waiting().is_some() {
            return Ok(Left::Something);
        }
        for (slot, ticket) in self.used_slots().filter(|(_, ticket)| *ticket > terms.reserved()) {
            if !load_range(&slot.chunk).is_empty() && !self.segment.is_ticket_held(ticket)? {
                return Ok(Left::GivenUp(ticket));
            }
        }
        let may_retry = terms.origin == Origin::ByHand && self.has_set_aside();
        Ok(if may_retry { Left::SetAside } else { Left::Nothing })
    }

    /// Any ticket with an orphaned chunk that its worker did not give up.
    ///
    /// Of more than [`FEW`] holders it may miss one whose PID still exists, but only if it has found a live one. That one
    /// looks itself when its chunk is done; so whoever is the last to look asks about each.
    pub(super) fn find_orphan(self) -> Result<Option<u32>, SystemError> {
        let may_be_orphan = |(slot, _): &(&Slot, u32)| {
            !load_range(&slot.chunk).is_empty() && !Phase::is_failed(slot.phase.load(Relaxed))
        };
        let is_others = |(_, ticket): &(&Slot, u32)| !self.segment.has_taken(*ticket);
        let holders: Vec<(&Slot, u32)> = self.used_slots().filter(may_be_orphan).filter(is_others).collect();
        let mut asks_all = true;
        for (slot, ticket) in &holders {
            if asks_all || !process::exists(slot.pid.load(Relaxed)) {
                if !self.segment.is_ticket_held(*ticket)? {
                    return Ok(Some(*ticket));
                }
                asks_all = holders.len() <= FEW;
            }
        }
        Ok(None)
    }

    /// The reserved tickets, and the others that a worker ever had.
    pub(super) fn used_slots(self) -> impl Iterator<Item = (&'a Slot, u32)> {
        let slots = self.segment.view().slots.iter().zip(1..);
        slots.filter(move |(slot, ticket)| is_used(self.segment.terms(), slot, *ticket))
    }
}

/// Whether the ticket is reserved, or a worker ever had it.
pub(super) fn is_used(terms: &Terms, slot: &Slot, ticket: u32) -> bool {
    ticket <= terms.reserved() || ClaimState::of(slot.claim.load(Relaxed)) != ClaimState::Free
}
