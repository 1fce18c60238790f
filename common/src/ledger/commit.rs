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
#![expect(clippy::unnecessary_box_returns, reason = "errors as `Step` has them")]

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::redo::{self, After, apply, publish, record};
use super::state::State;
use super::step::Step;
use super::ticket::Claim;
use crate::error::{Error, Result};
use crate::layout::{Entry, Slot, View};
use crate::lock::Guard;
use crate::plant::{self, Fault, Point};
use crate::terms::Mode;
use crate::value::{Cells, Number, Value, ValueType};

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

impl Committed {
    /// What the ticket's slot tells of its commit.
    #[inline]
    pub(super) fn of(view: &View<'_>, slot: &Slot, ticket: u32, kind: ValueType) -> Self {
        let (contribution, value) = if view.further_cells.is_empty() {
            let bits = slot.entry.value.load(Relaxed);
            (Cells::One(slot.entry.contribution(kind)), Cells::One(kind.value(bits)))
        } else {
            let (contributions, values) = shares(view, slot, ticket, kind);
            (Cells::Many(contributions), Cells::Many(values))
        };
        Self { ticket, contribution, value }
    }
}

/// For each cell of an array what a ticket contributed, and the value after its last commit.
///
/// Apart, so that of a commit to a single value nothing but registers is left to who made it.
#[cold]
fn shares(view: &View<'_>, slot: &Slot, ticket: u32, kind: ValueType) -> (Vec<Number>, Vec<Value>) {
    let entries = view.entries(slot, ticket);
    let value = |entry: &Entry| kind.value(entry.value.load(Relaxed));
    (entries.iter().map(|entry| entry.contribution(kind)).collect(), entries.iter().map(value).collect())
}

impl<'a> Guard<'a> {
    /// Adds `contribution` to the shared value, all cells at once and exactly once, and finishes the ticket.
    ///
    /// # Errors
    /// [`Error::Superseded`] if the ticket is another worker's by now; [`Error::Overflow`] if a sum does not fit and that
    /// is an error; [`Error::Unfit`] if the contribution has another number of cells than the value, or a fraction where
    /// only integers can be; [`Error::OtherType`] if the range is shared out in chunks. Nothing is changed then.
    pub fn commit(&mut self, claim: &Claim, contribution: impl Into<Cells<Number>>) -> Result<Committed> {
        let slot = self.finish(claim, &contribution.into())?;
        Ok(Committed::of(self.segment().view(), slot, claim.ticket, self.segment().terms().value_type))
    }

    /// Gives the ticket's slot, which then tells of the commit.
    fn finish(&mut self, claim: &Claim, contribution: &Cells<Number>) -> Step<&'a Slot> {
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
        Ok(slot)
    }

    /// Whether the segment is one for that kind of commit.
    pub(super) fn must_be_in(&self, mode: Mode) -> Step<()> {
        if self.segment().terms().mode == mode { Ok(()) } else { Err(self.in_other_mode(mode)) }
    }

    /// The slot of the claim's ticket, if the ticket is still its own.
    #[inline]
    pub(super) fn own(&self, claim: &Claim) -> Step<&'a Slot> {
        let own = self.segment().view().slot(claim.ticket).filter(|slot| {
            claim.nonce == self.segment().nonce()
                && slot.claim.load(Relaxed) == (State::Taken { epoch: claim.epoch }).word()
                || plant::has(Fault::NoRecheck)
        });
        own.ok_or_else(|| superseded(claim))
    }

    /// Writes into the record what `contributions` make of each cell, and what the ticket has contributed to it: `all`,
    /// of what it has by now and its contribution. If an error ends it, there is no record.
    #[inline]
    pub(super) fn record_cells(
        &self,
        slot: &'a Slot,
        claim: &Claim,
        contributions: &Cells<Number>,
        all: impl Fn(Number, Number) -> Option<Number>,
    ) -> Step<()> {
        let view = self.segment().view();
        let (cells, redo, own) = (view.cells(), view.redo_entries(), view.entries(slot, claim.ticket));
        let Some((first, further)) = contributions.as_slice().split_first() else {
            return Err(self.unfit(contributions));
        };
        if further.len() != cells.further.len() {
            return Err(self.unfit(contributions));
        }
        redo::begin();
        self.record_cell(contributions, first, cells.first, redo.first, own.first, &all)?;
        for (((cell, redo), own), number) in cells.further.iter().zip(redo.further).zip(own.further).zip(further) {
            self.record_cell(contributions, number, cell, redo, own, &all)?;
        }
        Ok(())
    }

    #[expect(clippy::inline_always, reason = "called for the one cell of most, and in a loop over the further ones")]
    #[inline(always)]
    fn record_cell(
        &self,
        contributions: &Cells<Number>,
        contribution: &Number,
        cell: &AtomicU64,
        redo: &Entry,
        own: &Entry,
        all: impl Fn(Number, Number) -> Option<Number>,
    ) -> Step<()> {
        let terms = self.segment().terms();
        let kind = terms.value_type;
        let number = kind.admit(*contribution).ok_or_else(|| self.unfit(contributions))?;
        let before = kind.value(cell.load(Relaxed));
        let value = match terms.mode {
            Mode::Independent => before,
            _ => before.add(number, terms.overflow).ok_or_else(|| overflow(contribution, before))?,
        };
        let all = all(own.contribution(kind), number).ok_or_else(|| too_much(contribution, own, kind))?;
        redo::record_cell(redo, value, all);
        Ok(())
    }

    /// Whether the log has room for one more ticket, as it must.
    pub(super) fn must_have_room(&self) -> Step<()> {
        let done = self.segment().view().header.redo.done_count.load(Relaxed);
        let slots = self.segment().terms().slots;
        if done < u64::from(slots) {
            return Ok(());
        }
        Err(too_many(done, slots))
    }

    /// Records the rest of the state after the commit, publishes it, applies it.
    #[inline]
    pub(super) fn make_so(&mut self, after: &After) -> Step<()> {
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
    fn in_other_mode(&self, mode: Mode) -> Box<Error> {
        let found = format!("a run of mode {}", self.segment().terms().mode.name());
        let wanted = format!("one of mode {}", mode.name());
        Box::new(Error::OtherType { name: self.segment().name().clone(), found, wanted })
    }

    #[cold]
    fn unfit(&self, contribution: &Cells<Number>) -> Box<Error> {
        let terms = self.segment().terms();
        let (kind, cells) = (terms.value_type.name(), terms.cells);
        Box::new(Error::Unfit { contribution: contribution.to_string(), kind, cells })
    }
}

#[cold]
pub(super) fn superseded(claim: &Claim) -> Box<Error> {
    Box::new(Error::Superseded { ticket: claim.ticket })
}

#[cold]
fn overflow(contribution: &Number, before: Value) -> Box<Error> {
    let (contribution, kind) = (before.kind().admit(*contribution).unwrap_or(*contribution), before.kind().name());
    Box::new(Error::Overflow { contribution, value: before.number(), kind })
}

#[cold]
fn too_much(contribution: &Number, own: &Entry, kind: ValueType) -> Box<Error> {
    Box::new(Error::Overflow { contribution: *contribution, value: own.contribution(kind), kind: "128 bits" })
}

#[cold]
fn too_many(done: u64, slots: u32) -> Box<Error> {
    Box::new(Error::Damaged { what: format!("it counts {done} contributions and has {slots} tickets") })
}
