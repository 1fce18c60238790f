//! The audit of a ledger in its segment: the lock makes it of one moment, so nothing is copied.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

use super::{Books, LoggedTickets, TicketEntry, Totals, Violation, audit};
use crate::layout::Slot;
use crate::ledger::{Committed, Ledger, LockedLedger, has_contributed, is_used};
use crate::redo::{ClaimState, load_range};
use crate::terms::Terms;
use crate::value::{Cells, Number, Value};

impl LockedLedger<'_> {
    /// Checks the ledger's invariants and adds it up, in memory of one bit a ticket; nothing if the ledger cannot be read: the
    /// segment was overwritten or truncated, or the parent of this forked process acquired the lock.
    ///
    /// # Errors
    /// The [`Violation`] that was found.
    pub fn totals(&self) -> Result<Option<Totals>, Violation> {
        let ledger = self.ledger();
        if !self.guard.is_own() || !ledger.is_intact() {
            return Ok(None);
        }
        let totals = audit(&LockedBooks { ledger });
        // After the loads: what lies on a page that the file has lost proves nothing.
        if ledger.is_intact() { totals.map(Some) } else { Ok(None) }
    }
}

/// A ledger whose lock is held.
struct LockedBooks<'a> {
    ledger: Ledger<'a>,
}

impl LockedBooks<'_> {
    fn entry(&self, slot: &Slot, ticket: u32, is_logged: bool) -> TicketEntry<'static> {
        let segment = self.ledger.segment;
        let is_done = is_logged && matches!(ClaimState::of(slot.claim.load(Relaxed)), ClaimState::Done { .. });
        let contribution = has_contributed(slot, is_done)
            .then(|| Committed::of(segment.view(), slot, ticket, segment.terms().value_type).contribution);
        TicketEntry {
            ticket,
            is_done,
            contribution: contribution.map(Cow::Owned),
            iterations: slot.iterations.load(Relaxed),
            chunk: load_range(&slot.chunk),
        }
    }
}

impl Books for LockedBooks<'_> {
    fn terms(&self) -> &Terms {
        self.ledger.segment.terms()
    }

    fn value(&self) -> Cells<Value> {
        let kind = self.terms().value_type;
        self.ledger.segment.view().cells.iter(Relaxed).map(|bits| kind.value(bits)).collect()
    }

    fn log(&self) -> impl Iterator<Item = u32> {
        let view = self.ledger.segment.view();
        let done = usize::try_from(view.header.redo.done_count.load(Relaxed)).unwrap_or(usize::MAX);
        view.log.iter().take(done).zip(1..).map(|(ticket, count)| {
            // The caller may look up each ticket, which maps its slot.
            self.ledger.segment.release_pages_behind(count);
            ticket.load(Relaxed)
        })
    }

    fn entries<'a>(&'a self, logged: &'a LoggedTickets) -> impl Iterator<Item = TicketEntry<'a>> {
        self.ledger.used_slots().map(|(slot, ticket)| {
            self.ledger.segment.release_pages_behind(ticket);
            self.entry(slot, ticket, logged.contains(ticket))
        })
    }

    fn contribution(&self, ticket: u32) -> Option<Cow<'_, Cells<Number>>> {
        let slot = self.ledger.segment.view().slot(ticket)?;
        let is_used = is_used(self.terms(), slot, ticket);
        is_used.then(|| self.entry(slot, ticket, true).contribution).flatten()
    }

    fn given_out(&self) -> u64 {
        self.ledger.segment.view().header.redo.given_out.load(Relaxed)
    }

    fn set_aside(&self) -> impl Iterator<Item = Range<u64>> {
        let places = self.ledger.segment.view().used_set_aside().iter();
        places.map(|place| load_range(&place.range)).filter(|range| range.start != range.end)
    }
}
