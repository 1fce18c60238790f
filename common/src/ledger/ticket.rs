//! Tickets: the identity under which a worker contributes.
//!
//! Who takes a ticket holds the role `Role::Ticket` first, which the kernel gives to one live process at a time, and
//! changes the word under the lock. A worker that was superseded all the same finds another epoch at its commit.

use std::ops::RangeInclusive;
use std::sync::atomic::Ordering::{Relaxed, Release};

use super::orphan::{FEW, Left};
use super::state::State;
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::layout::{Slot, View};
use crate::lock::Guard;
use crate::plant::{self, Fault, Point};
use crate::process;
use crate::segment::{Lifecycle, Segment, Stop};
use crate::terms::Mode;

/// A worker's right to contribute under a ticket.
#[derive(Debug)]
pub struct Claim {
    pub(crate) ticket: u32,
    pub(crate) epoch: u64,
    /// Of the segment that the ticket is one of.
    pub(crate) nonce: u64,
}

impl Claim {
    /// The ticket's number: the K of `Process-K`, from 1.
    #[must_use]
    pub fn ticket(&self) -> u32 {
        self.ticket
    }
}

/// What taking a reserved ticket came to.
#[derive(Debug)]
pub enum TakeOver {
    /// The ticket is this worker's.
    Taken(Claim),
    /// An earlier worker has contributed under it already.
    AlreadyDone,
}

/// What a worker is doing, for those who look on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It has its ticket.
    Attached,
    /// It runs its kernel.
    Computing,
    /// It sleeps its delay.
    Sleeping,
    /// It waits for the lock.
    Waiting,
    /// It has given its chunk up, and left.
    Failed,
}

impl Phase {
    /// The phase of that word; what is none counts as the last one before a commit.
    pub(super) fn of(word: u32) -> Self {
        let phases = [Self::Attached, Self::Computing, Self::Sleeping, Self::Waiting, Self::Failed];
        phases.into_iter().find(|phase| *phase as u32 == word).unwrap_or(Self::Waiting)
    }
}

impl Guard<'_> {
    /// Takes the ticket that a coordinator gave out.
    ///
    /// # Errors
    /// [`Error::TicketHeld`] if a live worker has it, [`Error::NoFreeSlot`] if there is no such ticket,
    /// [`Error::NothingLeft`] if the run is over.
    pub fn take(&mut self, ticket: u32) -> Result<TakeOver> {
        let segment = self.segment();
        let Some(slot) = segment.view().slot(ticket) else { return Err(no_free_slot(segment)) };
        let state = State::of(slot.claim.load(Relaxed));
        if matches!(state, State::Done { .. }) {
            return Ok(TakeOver::AlreadyDone);
        }
        must_be_open(segment)?;
        if !segment.try_take_ticket(ticket)? && !plant::has(Fault::NoRoles) {
            return Err(Error::TicketHeld { name: segment.name().clone(), ticket });
        }
        Ok(TakeOver::Taken(assign(segment, slot, ticket, state)))
    }

    /// Takes a ticket for a worker started by hand: one that a dead worker left behind, or else a fresh one.
    ///
    /// # Errors
    /// [`Error::NoFreeSlot`] if there is none, [`Error::NothingLeft`] if the run is over or its range is given out.
    pub fn join(&mut self) -> Result<Claim> {
        let segment = self.segment();
        must_be_open(segment)?;
        match segment.left_to_joiners()? {
            Left::Something => {}
            Left::GivenUp(ticket) => {
                segment.forget_failure(ticket);
                if let Some(claim) = self.join_one_of(ticket..=ticket, true)? {
                    return Ok(claim);
                }
            }
            Left::Nothing => {
                return Err(Error::NothingLeft { name: segment.name().clone(), why: "all of its range is given out" });
            }
        }
        let (reserved, slots) = (segment.terms().reserved(), segment.terms().slots);
        let first_open = segment.view().header.live.first_open.load(Relaxed);
        // The hint saves a walk over tickets that are done; damaged, it must not hide those that are free.
        let hinted = if (reserved + 1..=slots).contains(&first_open) { first_open } else { reserved + 1 };
        let (behind, before) = (hinted..=slots, reserved + 1..=hinted - 1);
        // At last closely: of a process that is gone another one may have the id, or nobody has waited for it yet.
        for (tickets, looks_closely) in [(behind.clone(), false), (behind, true), (before, true)] {
            if let Some(claim) = self.join_one_of(tickets, looks_closely)? {
                return Ok(claim);
            }
        }
        Err(no_free_slot(segment))
    }

    /// Takes the first of the tickets that is free or was left by a dead worker.
    ///
    /// Behind the first [`FEW`] that workers have, one counts as left only if `looks_closely` or its process is gone.
    fn join_one_of(&mut self, tickets: RangeInclusive<u32>, looks_closely: bool) -> Result<Option<Claim>> {
        let segment = self.segment();
        let (mut all_done, mut asked) = (true, 0);
        for ticket in tickets {
            let Some(slot) = segment.view().slot(ticket) else { break };
            let state = State::of(slot.claim.load(Relaxed));
            let is_free = match state {
                State::Free => true,
                // What was given up of a range is left until all the rest of it is done.
                State::Taken { .. } if segment.has_failed(ticket) && segment.terms().mode == Mode::Split => false,
                State::Taken { .. } => {
                    asked += 1;
                    let looks = looks_closely || asked <= FEW;
                    let may_be_left = || looks || !process::exists(slot.pid.load(Relaxed));
                    !segment.has_taken(ticket) && may_be_left() && !segment.has_worker(ticket)?
                }
                State::Done { .. } => false,
            };
            all_done &= matches!(state, State::Done { .. });
            if all_done {
                segment.view().header.live.first_open.store(ticket + 1, Relaxed);
            }
            if is_free && segment.try_take_ticket(ticket)? {
                return Ok(Some(assign(segment, slot, ticket, state)));
            }
        }
        Ok(None)
    }

    /// Closes the segment: from now on nobody takes a ticket.
    pub fn close(&mut self) {
        let live = &self.segment().view().header.live;
        live.closed_at.store(Instant::now().0, Relaxed);
        live.lifecycle.store(Lifecycle::Closed as u32, Relaxed);
    }
}

impl Segment {
    /// Tells those who look on what the worker with this claim does.
    pub fn enter(&self, claim: &Claim, phase: Phase) {
        if let Some(slot) = self.view().slot(claim.ticket) {
            slot.phase.store(phase as u32, Relaxed);
        }
    }

    /// Tells those who look on how many iterations are done.
    pub fn progress(&self, claim: &Claim, iterations: u64) {
        if let Some(slot) = self.view().slot(claim.ticket) {
            slot.progress.store(iterations, Relaxed);
        }
    }

    /// Tells those who look on how long computing, sleeping and waiting for the lock took, in nanoseconds.
    pub fn record_times(&self, claim: &Claim, computed: u64, slept: u64, lock_wait: u64) {
        if let Some(slot) = self.view().slot(claim.ticket) {
            slot.computed_ns.store(computed, Relaxed);
            slot.slept_ns.store(slept, Relaxed);
            slot.lock_wait_ns.store(lock_wait, Relaxed);
            slot.committed_at.store(Instant::now().0, Relaxed);
        }
    }
}

/// Gives the ticket to this process. The claim's word is stored last: before it, nothing has happened.
fn assign(segment: &Segment, slot: &Slot, ticket: u32, state: State) -> Claim {
    let epoch = state.epoch() + 1;
    slot.pid.store(std::process::id(), Relaxed);
    slot.phase.store(Phase::Attached as u32, Relaxed);
    slot.attached_at.store(Instant::now().0, Relaxed);
    slot.progress.store(0, Relaxed);
    slot.launches.store(u32::try_from(epoch).unwrap_or(u32::MAX), Relaxed);
    // Release pairs with the Acquire in `Segment::ticket` and in `glance`: who sees the claim sees whose it is.
    slot.claim.store(State::Taken { epoch }.word(), Release);
    plant::at(Point::Taken);
    Claim { ticket, epoch, nonce: segment.nonce() }
}

fn must_be_open(segment: &Segment) -> Result<()> {
    if segment.terms().mode == Mode::Shared {
        return Err(Error::NothingLeft {
            name: segment.name().clone(),
            why: "programs share its value, without tickets",
        });
    }
    let View { header, .. } = segment.view();
    let why = if header.live.lifecycle.load(Relaxed) != Lifecycle::Open as u32 {
        "its run is over"
    } else if segment.stop_requested() != Stop::No {
        "its workers were asked to stop"
    } else {
        return Ok(());
    };
    Err(Error::NothingLeft { name: segment.name().clone(), why })
}

fn no_free_slot(segment: &Segment) -> Error {
    Error::NoFreeSlot { name: segment.name().clone(), slots: segment.terms().slots }
}
