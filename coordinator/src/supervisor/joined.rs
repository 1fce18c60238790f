//! Workers that joined by hand.

use std::time::Instant;

use common::{Mode, TicketState};

use super::Supervisor;
use super::workers::AdoptedWorker;
use crate::error::Result;

impl Supervisor<'_> {
    /// Whether a split range must stay open: a worker that joined by hand is at work and may die with its chunk, or has
    /// died, and its ticket is queued.
    pub(super) fn must_stay_open(&mut self) -> Result<bool> {
        if self.segment.terms().mode != Mode::Split || self.is_stopping() {
            return Ok(false);
        }
        self.adopt_joined()?;
        self.queue_leftovers()?;
        Ok(!self.workers.queue.is_empty() || !self.workers.adopted.is_empty())
    }

    /// Adopts the workers that joined by hand and have not contributed yet.
    pub(super) fn adopt_joined(&mut self) -> Result<()> {
        for (ticket, state) in self.joined()? {
            if let TicketState::Held { pid } = state
                && self.workers.adopted.iter().all(|known| known.ticket != ticket)
            {
                self.narrator.step(format_args!("waiting for Process-{ticket} (pid {pid}), which joined by hand"));
                self.workers.adopted.push(AdoptedWorker::new(self.ledger, ticket, Some(pid)));
            }
        }
        Ok(())
    }

    /// Queues the tickets of dead workers that joined by hand and left a chunk that nobody has taken over.
    fn queue_leftovers(&mut self) -> Result<()> {
        for (ticket, state) in self.joined()? {
            let is_left = state == TicketState::Abandoned && self.ledger.holds_chunk(ticket);
            if is_left && !self.workers.was_given_up(ticket) {
                self.narrator.step(format_args!("Process-{ticket}, which joined by hand, left a chunk"));
                self.workers.queue.push_back(ticket);
            }
        }
        if !self.workers.queue.is_empty() {
            self.deadlines.check = Some(Instant::now());
        }
        Ok(())
    }

    /// The tickets of workers that joined by hand.
    fn joined(&self) -> Result<Vec<(u32, TicketState)>> {
        let terms = self.segment.terms();
        let mut joined = Vec::new();
        for ticket in terms.reserved() + 1..=terms.slots {
            let state = self.ledger.ticket(ticket)?.filter(|state| *state != TicketState::Free);
            joined.extend(state.map(|state| (ticket, state)));
        }
        Ok(joined)
    }
}
