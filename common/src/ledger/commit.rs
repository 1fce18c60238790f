//! The commit: one store decides.
//!
//! 1. Under the lock, check that the ticket is still this worker's and not done.
//! 2. Write the state after the commit, absolute, into the redo record.
//! 3. Publish: store the commit's number. **This store is the commit.** Killed before it, nothing has happened; killed
//!    after it, everything has.
//! 4. Apply the record, mark it applied.
//!
//! A process is killed between two of its instructions, so what matters is that the compiler keeps the order of the
//! stores; who sees them next has taken the lock, or been given it by the kernel, after them.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::news::shares;
use super::redo::{self, After, apply, publish, record};
use super::state::State;
use super::ticket::Claim;
use crate::error::{Error, Result};
use crate::layout::{Entry, Slot};
use crate::lock::Guard;
use crate::plant::{self, Fault, Point};
use crate::terms::Mode;
use crate::value::{Cells, Number, Value};

/// A contribution that was applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Committed {
    /// The ticket.
    pub ticket: u32,
    /// What was contributed, in full.
    pub contribution: Cells<Number>,
    /// The shared value right after it.
    pub value: Cells<Value>,
}

impl<'a> Guard<'a> {
    /// Adds `contribution` to the shared value, all cells at once and exactly once, and finishes the ticket.
    ///
    /// # Errors
    /// [`Error::Superseded`] if the ticket is another worker's by now; [`Error::Overflow`] if a sum does not fit and that
    /// is an error; [`Error::Unfit`] if the contribution has another number of cells than the value, or a fraction where
    /// only integers can be; [`Error::OtherType`] if the range is shared out in chunks. Nothing is changed then.
    pub fn commit(&mut self, claim: &Claim, contribution: impl Into<Cells<Number>>) -> Result<Committed> {
        self.finish(claim, &contribution.into())
    }

    fn finish(&mut self, claim: &Claim, contribution: &Cells<Number>) -> Result<Committed> {
        plant::at(Point::Locked);
        let slot = self.own(claim)?;
        let terms = self.segment().terms();
        if terms.mode != Mode::Independent {
            self.must_be_in(Mode::Repeat)?;
        }
        self.must_have_room()?;
        self.record_cells(slot, claim, contribution, |_, contribution| Some(contribution))?;
        let view = self.segment().view();
        if plant::has(Fault::ValueBeforeCommit) {
            view.header.core.value.store(view.header.redo.entry.value.load(Relaxed), Relaxed);
        }
        #[cfg(feature = "plant")]
        let makes_so = !plant::has(Fault::AddBeforeMark) || super::faulty::add_then_mark(view, slot, claim);
        #[cfg(not(feature = "plant"))]
        let makes_so = true;
        if makes_so {
            self.make_so(&After { ticket: claim.ticket, claim: State::Done { epoch: claim.epoch }, chunk: None })?;
        }
        let (contribution, value) = shares(view, slot, claim.ticket, terms.value_type);
        Ok(Committed { ticket: claim.ticket, contribution, value })
    }

    /// Whether the segment is one for that kind of commit.
    pub(super) fn must_be_in(&self, mode: Mode) -> Result<()> {
        if self.segment().terms().mode == mode { Ok(()) } else { Err(self.in_other_mode(mode)) }
    }

    /// The slot of the claim's ticket, if the ticket is still its own.
    pub(super) fn own(&self, claim: &Claim) -> Result<&'a Slot> {
        let own = self.segment().view().slot(claim.ticket).filter(|slot| {
            claim.nonce == self.segment().nonce()
                && slot.claim.load(Relaxed) == (State::Taken { epoch: claim.epoch }).word()
                || plant::has(Fault::NoRecheck)
        });
        own.ok_or(Error::Superseded { ticket: claim.ticket })
    }

    /// Writes into the record what `contribution` makes of each cell, and what the ticket has contributed to it: `all`,
    /// of what it has by now and this contribution. If an error ends it, there is no record.
    pub(super) fn record_cells(
        &self,
        slot: &'a Slot,
        claim: &Claim,
        contribution: &Cells<Number>,
        all: impl Fn(Number, Number) -> Option<Number>,
    ) -> Result<()> {
        let (view, terms) = (self.segment().view(), self.segment().terms());
        let record_cell = |cell: &AtomicU64, redo: &Entry, own: &Entry, number: Number| {
            let number = terms.value_type.admit(number).ok_or_else(|| self.unfit(contribution))?;
            let before = terms.value_type.value(cell.load(Relaxed));
            let value = match terms.mode {
                Mode::Independent => before,
                _ => before.add(number, terms.overflow).ok_or_else(|| overflow(number, before))?,
            };
            let own = own.contribution(terms.value_type);
            let all = all(own, number).ok_or_else(|| too_much(own, number))?;
            redo::record_cell(redo, value, all);
            Ok(())
        };
        let (cells, redo, own) = (view.cells(), view.redo_entries(), view.entries(slot, claim.ticket));
        let Some((first, further)) = contribution.as_slice().split_first() else {
            return Err(self.unfit(contribution));
        };
        if further.len() != cells.further.len() {
            return Err(self.unfit(contribution));
        }
        redo::begin();
        record_cell(cells.first, redo.first, own.first, *first)?;
        for (((cell, redo), own), number) in cells.further.iter().zip(redo.further).zip(own.further).zip(further) {
            record_cell(cell, redo, own, *number)?;
        }
        Ok(())
    }

    /// Whether the log has room for one more ticket, as it must.
    pub(super) fn must_have_room(&self) -> Result<()> {
        let done = self.segment().view().header.redo.done_count.load(Relaxed);
        let slots = self.segment().terms().slots;
        if done < u64::from(slots) {
            return Ok(());
        }
        Err(too_many(done, slots))
    }

    /// Records the rest of the state after the commit, publishes it, applies it.
    pub(super) fn make_so(&mut self, after: &After) -> Result<()> {
        let view = self.segment().view();
        record(view, after);
        if plant::has(Fault::AppliedBeforePublished) {
            apply(view)?;
        }
        plant::at(Point::Recorded);
        publish(view);
        plant::at(Point::Published);
        apply(view)
    }
}

/// What goes wrong, apart from what goes right at every commit.
impl Guard<'_> {
    #[cold]
    fn in_other_mode(&self, mode: Mode) -> Error {
        let found = format!("a run of mode {}", self.segment().terms().mode.name());
        Error::OtherType { name: self.segment().name().clone(), found, wanted: format!("one of mode {}", mode.name()) }
    }

    #[cold]
    fn unfit(&self, contribution: &Cells<Number>) -> Error {
        let terms = self.segment().terms();
        Error::Unfit { contribution: contribution.to_string(), kind: terms.value_type.name(), cells: terms.cells }
    }
}

#[cold]
fn overflow(contribution: Number, before: Value) -> Error {
    Error::Overflow { contribution, value: before.number(), kind: before.kind().name() }
}

#[cold]
fn too_much(value: Number, contribution: Number) -> Error {
    Error::Overflow { contribution, value, kind: "128 bits" }
}

#[cold]
fn too_many(done: u64, slots: u32) -> Error {
    Error::Damaged { what: format!("it counts {done} contributions and has {slots} tickets") }
}
