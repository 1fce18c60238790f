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

use super::redo::{After, apply, publish, record};
use super::state::State;
use super::ticket::Claim;
use crate::error::{Error, Result};
use crate::layout::Slot;
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

impl Guard<'_> {
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
        self.own(claim)?;
        if self.segment().terms().mode != Mode::Independent {
            self.must_be_in(Mode::Repeat)?;
        }
        let contribution = self.admit(contribution)?;
        let value = self.sums(&contribution)?;
        self.must_have_room()?;
        let view = self.segment().view();
        #[cfg(feature = "plant")]
        if plant::has(Fault::AddBeforeMark) {
            super::faulty::add_then_mark(view, claim, &contribution, &value);
            return Ok(Committed { ticket: claim.ticket, contribution, value });
        }
        if plant::has(Fault::ValueBeforeCommit) {
            view.header.core.value.store(value.as_slice()[0].bits(), Relaxed);
        }
        let after = After {
            ticket: claim.ticket,
            robbed: 0,
            claim: State::Done { epoch: claim.epoch },
            chunk: 0..0,
            chunks: 0,
            iterations: 0,
            cursor: view.header.redo.given_out.load(Relaxed),
        };
        self.make_so(&after, value.as_slice().iter().copied().zip(contribution.as_slice().iter().copied()))?;
        Ok(Committed { ticket: claim.ticket, contribution, value })
    }

    /// Whether the segment is one for that kind of commit.
    pub(super) fn must_be_in(&self, mode: Mode) -> Result<()> {
        let found = self.segment().terms().mode;
        if found == mode {
            return Ok(());
        }
        let (found, wanted) = (format!("a run of mode {}", found.name()), format!("one of mode {}", mode.name()));
        Err(Error::OtherType { name: self.segment().name().clone(), found, wanted })
    }

    /// The slot of the claim's ticket, if the ticket is still its own.
    pub(super) fn own(&self, claim: &Claim) -> Result<&Slot> {
        let superseded = || Error::Superseded { ticket: claim.ticket };
        let slot = self.segment().view().slot(claim.ticket).ok_or_else(superseded)?;
        let is_own = claim.nonce == self.segment().nonce()
            && slot.claim.load(Relaxed) == (State::Taken { epoch: claim.epoch }).word();
        if is_own || plant::has(Fault::NoRecheck) { Ok(slot) } else { Err(superseded()) }
    }

    /// The contribution as the cells of this segment take it.
    pub(super) fn admit(&self, contribution: &Cells<Number>) -> Result<Cells<Number>> {
        let terms = self.segment().terms();
        let unfit = || Error::Unfit {
            contribution: contribution.to_string(),
            kind: terms.value_type.name(),
            cells: terms.cells,
        };
        if contribution.as_slice().len() != terms.cells as usize {
            return Err(unfit());
        }
        let admit = |number: &Number| terms.value_type.admit(*number);
        match contribution {
            Cells::One(number) => admit(number).map(Cells::One).ok_or_else(unfit),
            Cells::Many(numbers) => numbers.iter().map(admit).collect::<Option<_>>().map(Cells::Many).ok_or_else(unfit),
        }
    }

    /// The shared value after the contribution.
    pub(super) fn sums(&self, contribution: &Cells<Number>) -> Result<Cells<Value>> {
        let terms = self.segment().terms();
        let add = |before: Value, contribution: Number| match terms.mode {
            Mode::Independent => Ok(before),
            _ => before.add(contribution, terms.overflow).ok_or_else(|| Error::Overflow {
                contribution,
                value: before.number(),
                kind: terms.value_type.name(),
            }),
        };
        let view = self.segment().view();
        let value = |cell: &AtomicU64| terms.value_type.value(cell.load(Relaxed));
        match contribution {
            Cells::One(number) => add(value(&view.header.core.value), *number).map(Cells::One),
            Cells::Many(numbers) => {
                let sums = view.cells().zip(numbers).map(|(cell, number)| add(value(cell), *number));
                sums.collect::<Result<_>>().map(Cells::Many)
            }
        }
    }

    /// Whether the log has room for one more ticket, as it must.
    pub(super) fn must_have_room(&self) -> Result<()> {
        let done = self.segment().view().header.redo.done_count.load(Relaxed);
        let slots = self.segment().terms().slots;
        if done < u64::from(slots) {
            return Ok(());
        }
        Err(Error::Damaged { what: format!("it counts {done} contributions and has {slots} tickets") })
    }

    /// Records the state after the commit, publishes it, applies it.
    pub(super) fn make_so(&mut self, after: &After, entries: impl Iterator<Item = (Value, Number)>) -> Result<()> {
        let view = self.segment().view();
        record(view, after, entries);
        if plant::has(Fault::AppliedBeforePublished) {
            apply(view)?;
        }
        plant::at(Point::Recorded);
        publish(view);
        plant::at(Point::Published);
        apply(view)
    }
}
