//! The audit of a snapshot, made before every report, and its totals.

use std::borrow::Cow;
use std::ops::Range;

use super::{Snapshot, WorkerSnapshot};
use crate::ledger::{
    Books, Completion, ExactSum, LoggedTickets, Rest, TicketEntry, Totals, Violation, WorkerState, audit,
};
use crate::terms::{Mode, Terms};
use crate::value::{Cells, Number, Value};

impl Snapshot {
    /// Checks the ledger's invariants, if the snapshot is consistent.
    ///
    /// # Errors
    /// The [`Violation`] that was found.
    pub fn check(&self) -> Result<(), Violation> {
        if self.is_consistent { audit(self).map(drop) } else { Ok(()) }
    }

    /// What a report says of the run as a whole.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let Terms { mode, value_type, .. } = self.terms;
        let (value, exact) = (self.value.clone(), self.exact_total());
        Totals { mode, value_type, value, exact, is_complete: self.is_complete() }
    }

    /// Whether every contribution that the run wants is applied.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let mut completion = Completion::default();
        self.workers.iter().for_each(|worker| completion.count(&self.terms, &worker.entry()));
        let is_set_aside = !self.set_aside.is_empty();
        let rest = Rest { given_out: self.given_out, is_set_aside, logged: self.done() };
        // An inconsistent copy may show a moving chunk in neither slot.
        (self.terms.mode != Mode::Split || self.is_consistent) && completion.is_complete(&self.terms, rest)
    }

    /// The sum of all contributions to each cell without wrapping; nothing for fractions or beyond 128 bits.
    #[must_use]
    pub fn exact_total(&self) -> Option<Cells<i128>> {
        let mut sum = ExactSum::new(&self.terms, self.value.as_slice().len());
        let contributions = self.workers.iter().filter_map(|worker| worker.contribution.as_ref());
        contributions.for_each(|contribution| sum.add(contribution));
        sum.total()
    }

    /// Whether the value, or one of its cells, has wrapped around or, for `f64`, is no longer finite.
    #[must_use]
    pub fn has_wrapped(&self) -> bool {
        self.totals().has_wrapped()
    }
}

impl WorkerSnapshot {
    fn entry(&self) -> TicketEntry<'_> {
        TicketEntry {
            ticket: self.ticket,
            is_done: self.state == WorkerState::Done,
            contribution: self.contribution.as_ref().map(Cow::Borrowed),
            iterations: self.iterations,
            chunk: self.chunk.clone(),
        }
    }
}

impl Books for Snapshot {
    fn terms(&self) -> &Terms {
        &self.terms
    }

    fn value(&self) -> Cells<Value> {
        self.value.clone()
    }

    fn log(&self) -> impl Iterator<Item = u32> {
        self.log.iter().copied()
    }

    fn entries<'a>(&'a self, _logged: &'a LoggedTickets) -> impl Iterator<Item = TicketEntry<'a>> {
        self.workers.iter().map(WorkerSnapshot::entry)
    }

    fn contribution(&self, ticket: u32) -> Option<Cow<'_, Cells<Number>>> {
        self.worker(ticket)?.contribution.as_ref().map(Cow::Borrowed)
    }

    fn given_out(&self) -> u64 {
        self.given_out
    }

    fn set_aside(&self) -> impl Iterator<Item = Range<u64>> {
        self.set_aside.iter().map(|missing| missing.range.clone())
    }
}
