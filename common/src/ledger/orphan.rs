//! Orphans: chunks whose worker is gone, and what else is left of a range for those who come.
//!
//! What is found without the lock is a hint: who takes a chunk over looks once more under it.

use std::sync::atomic::Ordering::Relaxed;

use super::redo::range;
use super::state::State;
use super::ticket::Phase;
use crate::error::Result;
use crate::layout::Slot;
use crate::process;
use crate::segment::Segment;
use crate::terms::Mode;

/// Up to that many holders of tickets or chunks the kernel is asked about each; of more only about those without a process.
///
/// To answer, it goes through the roles of all who live, one after the other.
pub(super) const FEW: usize = 64;

/// What is left of a range for one more worker.
pub(super) enum Left {
    /// Iterations that nobody has computed, or what a dead worker held.
    Something,
    /// What the last worker of this ticket gave up.
    GivenUp(u32),
    Nothing,
}

impl Segment {
    /// Up to where the range is given out in chunks.
    #[must_use]
    pub fn given_out(&self) -> u64 {
        self.view().header.redo.given_out.load(Relaxed)
    }

    /// Whether the ticket holds a chunk.
    #[must_use]
    pub fn holds_chunk(&self, ticket: u32) -> bool {
        self.view().slot(ticket).is_some_and(|slot| !range(&slot.chunk).is_empty())
    }

    /// Says to those at work that the worker of this ticket is gone and its chunk is to be taken over.
    pub fn offer_orphan(&self, ticket: u32) {
        if self.holds_chunk(ticket) {
            self.view().header.live.orphan.store(ticket, Relaxed);
        }
    }

    /// A ticket whose chunk seems to be orphaned: the one that was offered, or, once the range is given out, any.
    ///
    /// Only a hint for [`Then::Take`](super::Then::Take), which looks again under the lock.
    ///
    /// # Errors
    /// [`crate::Error::System`] if the kernel cannot be asked who lives.
    pub fn orphan(&self) -> Result<Option<u32>> {
        let offer = &self.view().header.live.orphan;
        if offer.load(Relaxed) != 0 {
            // Whoever reads it first answers for it; should that one die, or have a chunk already, it is found once the
            // range is given out.
            return Ok(Some(offer.swap(0, Relaxed)).filter(|ticket| *ticket != 0));
        }
        if self.given_out() < self.terms().iterations { Ok(None) } else { self.find_orphan() }
    }

    /// Forgets that the ticket's last worker has given its chunk up: the next one is to try again.
    pub fn forget_failure(&self, ticket: u32) {
        if let Some(slot) = self.view().slot(ticket).filter(|_| self.has_failed(ticket)) {
            slot.phase.store(Phase::Attached as u32, Relaxed);
        }
    }

    /// What a worker that joins by hand finds of a range that is shared out.
    pub(super) fn left_to_joiners(&self) -> Result<Left> {
        let is_at_end = self.terms().mode == Mode::Split && self.given_out() >= self.terms().iterations;
        if !is_at_end || self.find_orphan()?.is_some() {
            return Ok(Left::Something);
        }
        for (slot, ticket) in self.used_slots().filter(|(_, ticket)| *ticket > self.terms().reserved()) {
            if !range(&slot.chunk).is_empty() && !self.has_worker(ticket)? {
                return Ok(Left::GivenUp(ticket));
            }
        }
        Ok(Left::Nothing)
    }

    /// The tickets that a worker ever had, and those that a coordinator gives out.
    fn used_slots(&self) -> impl Iterator<Item = (&Slot, u32)> {
        let is_used = |(slot, ticket): &(&Slot, u32)| {
            *ticket <= self.terms().reserved() || State::of(slot.claim.load(Relaxed)) != State::Free
        };
        self.view().slots.iter().zip(1..).filter(is_used)
    }

    pub(super) fn find_orphan(&self) -> Result<Option<u32>> {
        // Where a command failed it is left to the coordinator what becomes of the chunk.
        let is_orphan = |(slot, _): &(&Slot, u32)| {
            !range(&slot.chunk).is_empty() && slot.phase.load(Relaxed) != Phase::Failed as u32
        };
        let holders: Vec<(&Slot, u32)> = self.used_slots().filter(is_orphan).collect();
        let are_few = holders.len() <= FEW;
        for (slot, ticket) in holders {
            if (are_few || !process::exists(slot.pid.load(Relaxed))) && !self.has_worker(ticket)? {
                return Ok(Some(ticket));
            }
        }
        Ok(None)
    }
}
