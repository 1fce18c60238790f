//! Tickets: the identity under which a worker contributes.
//!
//! A worker takes the role `Role::Ticket` first, which the kernel gives to one live process at a time, and then changes the
//! claim under the lock. A worker that is superseded all the same finds another epoch at its commit.

use std::ops::RangeInclusive;
use std::sync::atomic::Ordering::{Relaxed, Release};

use super::orphan::{FEW, Left};
use super::{CommitError, LockedLedger, Phase, TicketError};
use crate::clock::BootTime;
use crate::failpoint::{Failpoint, Mutant};
use crate::layout::Slot;
use crate::process;
use crate::redo::{ClaimState, Damage};
use crate::segment::{Lifecycle, Segment, Stop};
use crate::terms::Mode;

/// A worker's right to contribute under a ticket.
#[derive(Debug)]
pub struct Claim {
    pub(super) ticket: u32,
    pub(super) epoch: u64,
    /// The nonce of the ticket's segment.
    pub(super) nonce: u64,
}

impl Claim {
    /// The ticket's number: the K of `Process-K`, from 1.
    #[must_use]
    pub fn ticket(&self) -> u32 {
        self.ticket
    }
}

/// The result of taking a reserved ticket.
#[derive(Debug)]
pub enum TakeOver {
    /// The ticket is this worker's.
    Taken(Claim),
    /// An earlier worker's contribution under it is applied.
    AlreadyDone,
}

impl LockedLedger<'_> {
    /// Takes a ticket that the coordinator gave to this worker.
    ///
    /// # Errors
    /// [`TicketError::Held`] if a live worker has it; [`TicketError::NoFreeSlot`] if there is no such ticket;
    /// [`TicketError::NothingLeft`] if the run is over; [`TicketError::Forked`] if the parent of this forked process
    /// acquired the lock; [`TicketError::System`] if the kernel cannot be asked.
    pub fn take(&mut self, ticket: u32) -> Result<TakeOver, TicketError> {
        self.guard.must_be_own()?;
        let segment = self.segment();
        let Some(slot) = segment.view().slot(ticket) else { return Err(no_free_slot(segment)) };
        let claim = ClaimState::of(slot.claim.load(Relaxed));
        if matches!(claim, ClaimState::Done { .. }) {
            return Ok(TakeOver::AlreadyDone);
        }
        must_be_open(segment)?;
        if !segment.try_take_ticket(ticket)? && !Mutant::NoRoles.is_planted() {
            return Err(TicketError::Held { name: segment.name().clone(), ticket });
        }
        Ok(TakeOver::Taken(assign(segment, slot, ticket, claim)))
    }

    /// Takes a ticket for a worker started by hand: one that a dead worker left behind, else a fresh one.
    ///
    /// # Errors
    /// [`TicketError::NoFreeSlot`] if all are taken; [`TicketError::NothingLeft`] if the run is over or its whole range is
    /// given out; [`TicketError::Forked`] as in [`Self::take`]; [`TicketError::System`] if the kernel cannot be asked.
    pub fn join(&mut self) -> Result<Claim, TicketError> {
        self.guard.must_be_own()?;
        let segment = self.segment();
        must_be_open(segment)?;
        match self.ledger().left_to_joiners()? {
            Left::Something => {}
            Left::SetAside => return self.join_again(),
            Left::GivenUp(ticket) => {
                self.ledger().forget_failure(ticket);
                if let Some(claim) = self.join_one_of(ticket..=ticket, true)? {
                    return Ok(claim);
                }
            }
            Left::Nothing => {
                let why = "all of its range is given out";
                return Err(TicketError::NothingLeft { name: segment.name().clone(), why });
            }
        }
        self.join_any()?.ok_or_else(|| no_free_slot(segment))
    }

    /// Takes a ticket for a worker that tries again what is set aside: a free one, else one that is done.
    fn join_again(&mut self) -> Result<Claim, TicketError> {
        let mut claim = self.join_any()?;
        if claim.is_none() && self.done_count() > 0 {
            let ticket = self.open_last_ticket().map_err(|error| damaged(*error))?;
            claim = self.join_one_of(ticket..=ticket, true)?;
        }
        let claim = claim.ok_or_else(|| no_free_slot(self.segment()))?;
        // Last: without a worker the reasons stay.
        self.retry_set_aside();
        Ok(claim)
    }

    /// Takes a ticket that a dead worker left behind, else a fresh one.
    fn join_any(&mut self) -> Result<Option<Claim>, TicketError> {
        let segment = self.segment();
        let (reserved, slots) = (segment.terms().reserved(), segment.terms().slots);
        let first_open = segment.view().header.live.first_open.load(Relaxed);
        // The hint skips tickets that are done. A damaged hint must not hide free ones.
        let hinted = if (reserved + 1..=slots).contains(&first_open) { first_open } else { reserved + 1 };
        let (behind, before) = (hinted..=slots, reserved + 1..=hinted - 1);
        // The last passes ask the kernel: the PID may be reused or a zombie.
        for (tickets, asks_kernel) in [(behind.clone(), false), (behind, true), (before, true)] {
            if let Some(claim) = self.join_one_of(tickets, asks_kernel)? {
                return Ok(Some(claim));
            }
        }
        Ok(None)
    }

    /// Takes the first ticket that is free or was left by a dead worker.
    ///
    /// Asks the kernel about the first [`FEW`] taken ones, and about the others if `asks_kernel` or their PID is gone.
    fn join_one_of(&mut self, tickets: RangeInclusive<u32>, asks_kernel: bool) -> Result<Option<Claim>, TicketError> {
        let segment = self.segment();
        let (mut all_done, mut asked) = (true, 0);
        for ticket in tickets {
            let Some(slot) = segment.view().slot(ticket) else { break };
            let claim = ClaimState::of(slot.claim.load(Relaxed));
            let is_free = match claim {
                ClaimState::Free => true,
                // A chunk that was given up waits until the rest of the range is done.
                ClaimState::Taken { .. } if self.ledger().has_failed(ticket) && segment.terms().mode == Mode::Split => {
                    false
                }
                ClaimState::Taken { .. } => {
                    asked += 1;
                    let may_be_left = || asks_kernel || asked <= FEW || !process::exists(slot.pid.load(Relaxed));
                    !segment.has_taken(ticket) && may_be_left() && !segment.is_ticket_held(ticket)?
                }
                ClaimState::Done { .. } => false,
            };
            all_done &= matches!(claim, ClaimState::Done { .. });
            if all_done {
                segment.view().header.live.first_open.store(ticket + 1, Relaxed);
            }
            if is_free && segment.try_take_ticket(ticket)? {
                return Ok(Some(assign(segment, slot, ticket, claim)));
            }
        }
        Ok(None)
    }
}

/// Gives the ticket to this process. The claim is stored last: before it, nothing has happened.
fn assign(segment: &Segment, slot: &Slot, ticket: u32, before: ClaimState) -> Claim {
    let epoch = before.epoch() + 1;
    slot.pid.store(std::process::id(), Relaxed);
    slot.phase.store(Phase::Attached as u32, Relaxed);
    slot.attached_at.store(BootTime::now().0, Relaxed);
    slot.progress.store(0, Relaxed);
    // Release: whoever sees the claim sees its process. Pairs with the Acquire in `Ledger::ticket` and `Ledger::slot`.
    slot.claim.store(ClaimState::Taken { epoch }.word(), Release);
    Failpoint::Taken.reach();
    Claim { ticket, epoch, nonce: segment.nonce() }
}

/// Why the last ticket cannot be opened again.
fn damaged(error: CommitError) -> TicketError {
    match error {
        CommitError::Damaged(damage) => TicketError::Damaged(damage),
        error => TicketError::Damaged(*Damage::new(error.to_string())),
    }
}

fn must_be_open(segment: &Segment) -> Result<(), TicketError> {
    let why = if segment.terms().mode == Mode::Shared {
        "programs share its value, without tickets"
    } else if segment.lifecycle() != Lifecycle::Open {
        "its run is over"
    } else if segment.stop_requested() != Stop::No {
        "its workers were asked to stop"
    } else {
        return Ok(());
    };
    Err(TicketError::NothingLeft { name: segment.name().clone(), why })
}

fn no_free_slot(segment: &Segment) -> TicketError {
    TicketError::NoFreeSlot { name: segment.name().clone(), slots: segment.terms().slots }
}
