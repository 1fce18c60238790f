//! What a coordinator reads from the ledger while the run goes on, without the lock and in constant time.

use std::sync::atomic::Ordering::{Acquire, Relaxed};

use super::commit::Committed;
use super::state::State;
use crate::error::Result;
use crate::layout::whole;
use crate::segment::Segment;

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

impl Segment {
    /// The commit with that index, counted from 0, if there were that many ([`Segment::done`]).
    #[must_use]
    pub fn committed(&self, index: u32) -> Option<Committed> {
        let view = self.view();
        if index >= self.done() {
            return None;
        }
        let ticket = view.log.get(usize::try_from(index).ok()?)?.load(Relaxed);
        let slot = view.slot(ticket)?;
        Some(Committed {
            ticket,
            contribution: whole(slot.contribution.each_ref().map(|half| half.load(Relaxed))),
            value: self.terms().value_type.value(slot.value_after.load(Relaxed)),
        })
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
}
