//! What a coordinator reads from the ledger while the run goes on, without the lock and in constant time.

use std::ops::Range;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

use super::commit::Committed;
use super::redo::range;
use super::snapshot::WorkerState;
use super::state::State;
use super::ticket::Phase;
use crate::error::Result;
use crate::segment::Segment;
use crate::value::{Cells, Number, Value};

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketState {
    /// No worker has taken it yet.
    Free,
    /// A live worker has it: this process.
    Held {
        /// Its process id.
        pid: u32,
    },
    /// Its worker died or left before the contribution.
    Abandoned,
    /// Its contribution is applied.
    Done,
}

/// A ticket as its worker left its words, each read by itself: for a display, which decides nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    /// The process that has the ticket, or had it last; 0 before the first.
    pub pid: u32,
    /// What that process has told that it does; never [`WorkerState::Died`], because the dead do not tell.
    pub state: WorkerState,
    /// How many workers had the ticket before.
    pub restarts: u32,
    /// Iterations done so far, of the chunk if it holds one.
    pub progress: u64,
    /// The chunk that it holds; empty if it holds none.
    pub chunk: Range<u64>,
    /// How many chunks were applied.
    pub chunks: u64,
    /// How many iterations these had.
    pub iterations: u64,
}

impl Segment {
    /// The commit with that index, counted from 0, if there were that many ([`Segment::done`]).
    #[must_use]
    pub fn committed(&self, index: u32) -> Option<Committed> {
        let view = self.view();
        if index >= self.done() {
            return None;
        }
        let ticket = view.log.get(usize::try_from(index).ok()?)?.load(Relaxed);
        Some(Committed::of(view, view.slot(ticket)?, ticket, self.terms().value_type))
    }

    /// All that was added under a ticket, and in how many chunks; nothing if there is no such ticket.
    #[must_use]
    pub fn added(&self, ticket: u32) -> Option<(Cells<Number>, u64)> {
        let slot = self.view().slot(ticket)?;
        let added = Committed::of(self.view(), slot, ticket, self.terms().value_type).contribution;
        Some((added, slot.chunks.load(Relaxed)))
    }

    /// Whether the ticket's last worker has given its chunk up.
    #[must_use]
    pub fn has_failed(&self, ticket: u32) -> bool {
        self.view().slot(ticket).is_some_and(|slot| slot.phase.load(Relaxed) == Phase::Failed as u32)
    }

    /// What the last worker with this ticket was doing when it was heard of last, and its process id.
    #[must_use]
    pub fn phase(&self, ticket: u32) -> Option<(u32, Phase)> {
        let slot = self.view().slot(ticket)?;
        Some((slot.pid.load(Relaxed), Phase::of(slot.phase.load(Relaxed))))
    }

    /// The shared value, or its first cell, as it stands at this moment.
    #[must_use]
    pub fn first_cell(&self) -> Value {
        self.terms().value_type.value(self.view().header.core.value.load(Relaxed))
    }

    /// Where a ticket stands; nothing if there is no such ticket.
    ///
    /// # Errors
    /// [`crate::Error::System`] if the kernel cannot be asked who lives.
    pub fn ticket(&self, ticket: u32) -> Result<Option<TicketState>> {
        let Some(slot) = self.view().slot(ticket) else { return Ok(None) };
        // Acquire pairs with the Release in `assign`.
        Ok(Some(match State::of(slot.claim.load(Acquire)) {
            State::Free => TicketState::Free,
            State::Done { .. } => TicketState::Done,
            State::Taken { .. } if self.has_worker(ticket)? => TicketState::Held { pid: slot.pid.load(Relaxed) },
            State::Taken { .. } => TicketState::Abandoned,
        }))
    }
    /// A look at a ticket that costs no more than reading a few words: the kernel is not asked whether its worker lives.
    ///
    /// Nothing if there is no such ticket.
    #[must_use]
    pub fn glance(&self, ticket: u32) -> Option<Glance> {
        let slot = self.view().slot(ticket)?;
        // Acquire pairs with the Release in `assign`: the process is the one of the claim, or of a later one.
        let state = match (State::of(slot.claim.load(Acquire)), slot.phase.load(Relaxed)) {
            (State::Free, _) => WorkerState::Pending,
            (State::Done { .. }, _) => WorkerState::Done,
            (State::Taken { .. }, phase) if phase == Phase::Failed as u32 => WorkerState::Failed,
            (State::Taken { .. }, phase) => WorkerState::in_phase(phase),
        };
        Some(Glance {
            pid: slot.pid.load(Relaxed),
            state,
            restarts: slot.launches.load(Relaxed).saturating_sub(1),
            progress: slot.progress.load(Relaxed),
            chunk: range(&slot.chunk),
            chunks: slot.chunks.load(Relaxed),
            iterations: slot.iterations.load(Relaxed),
        })
    }
}
