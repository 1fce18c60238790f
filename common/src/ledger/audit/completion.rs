//! Whether a run has all that it wants.

use super::TicketEntry;
use crate::terms::{Mode, Terms};

/// What of a ledger decides whether it is complete, besides its tickets.
#[derive(Clone, Copy)]
pub struct Rest {
    /// The run's iterations below this one are given out.
    pub given_out: u64,
    /// Whether a range is set aside.
    pub is_set_aside: bool,
    /// The length of the log.
    pub logged: usize,
}

/// The tickets that a run still waits for.
#[derive(Default)]
pub struct Completion {
    is_reserved_undone: bool,
    is_chunk_held: bool,
}

impl Completion {
    /// Counts a ticket.
    pub fn count(&mut self, terms: &Terms, entry: &TicketEntry<'_>) {
        self.is_reserved_undone |= entry.ticket <= terms.reserved() && !entry.is_done;
        self.is_chunk_held |= !entry.chunk.is_empty();
    }

    /// Whether nothing is left to wait for.
    pub fn is_complete(&self, terms: &Terms, rest: Rest) -> bool {
        match (terms.mode, terms.reserved()) {
            (Mode::Split, _) => rest.given_out >= terms.end() && !rest.is_set_aside && !self.is_chunk_held,
            (_, 0) => rest.logged >= terms.workers as usize,
            _ => !self.is_reserved_undone,
        }
    }
}
