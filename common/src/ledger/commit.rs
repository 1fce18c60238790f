//! The commit of a ticket's contribution.
//!
//! 1. Under the lock, check that the ticket is still this worker's and not done.
//! 2. Write the state after the commit, absolute, into the redo record.
//! 3. Publish the record: **this store is the commit**. Killed before it, nothing has happened; killed after it, everything
//!    has.
//! 4. Apply the record, and mark it as applied.
//!
//! Steps 3 and 4 are [`redo::commit`]. `docs/protocol.md` draws them.

use std::sync::atomic::Ordering::Relaxed;

use super::error::{CommitError, Step};
use super::{Claim, LockedLedger};
use crate::failpoint::{Failpoint, Mutant};
use crate::layout::{Entry, Slot, View};
use crate::redo::{self, ClaimState, Damage, Record};
use crate::segment::ForkError;
use crate::terms::{Mode, Terms};
use crate::value::{Cells, Number, Overflow, Value, ValueType};

/// An applied contribution.
#[derive(Clone, Debug, PartialEq)]
pub struct Committed {
    /// The ticket.
    pub ticket: u32,
    /// The exact contribution.
    pub contribution: Cells<Number>,
    /// The shared value right after it.
    pub value: Cells<Value>,
}

impl Committed {
    /// Reads a ticket's commit from its slot.
    #[inline]
    pub(crate) fn of(view: &View<'_>, slot: &Slot, ticket: u32, kind: ValueType) -> Self {
        let (contribution, value) = if view.is_single {
            let bits = slot.entry.value.load(Relaxed);
            (Cells::One(slot.entry.contribution(kind)), Cells::One(kind.value(bits)))
        } else {
            let (contributions, values) = array_of(view, ticket, kind);
            (Cells::Many(contributions), Cells::Many(values))
        };
        Self { ticket, contribution, value }
    }
}

/// Whether something was added under the ticket of this slot.
pub(crate) fn has_contributed(slot: &Slot, is_done: bool) -> bool {
    is_done || slot.chunks.load(Relaxed) > 0
}

/// For each cell of an array: the ticket's contribution, and the value after its last commit.
///
/// A function of its own, so that the commit of a single value stays in registers.
#[cold]
fn array_of(view: &View<'_>, ticket: u32, kind: ValueType) -> (Vec<Number>, Vec<Value>) {
    let added = |entry: &Entry| (entry.contribution(kind), kind.value(entry.value.load(Relaxed)));
    view.ticket_entries(ticket).iter().map(added).unzip()
}

impl<'a> LockedLedger<'a> {
    /// Adds `contribution` to the shared value, all cells at once and exactly once, and finishes the ticket.
    ///
    /// # Errors
    /// [`CommitError::Superseded`] if the ticket is another worker's by now; [`CommitError::Overflow`] if a sum does not fit
    /// and the run refuses that; [`CommitError::Unfit`] if the contribution has another number of cells than the value, or a
    /// fraction for an integer; [`CommitError::OtherMode`] in a split run; [`CommitError::Forked`] if the parent of this forked process acquired the
    /// lock; [`CommitError::Damaged`].
    pub fn commit(&mut self, claim: &Claim, contribution: impl Into<Cells<Number>>) -> Result<Committed, CommitError> {
        let slot = self.finish(claim, &contribution.into())?;
        Ok(Committed::of(self.segment().view(), slot, claim.ticket, self.segment().terms().value_type))
    }

    /// Commits and returns the ticket's slot.
    #[inline(never)]
    fn finish(&mut self, claim: &Claim, contribution: &Cells<Number>) -> Step<&'a Slot> {
        Failpoint::Locked.reach();
        let slot = self.own_slot(claim)?;
        if self.segment().terms().mode != Mode::Independent {
            self.must_have_mode(Mode::Repeat)?;
        }
        self.must_have_room()?;
        self.write_cells(slot, claim, contribution, |_, contribution| Some(contribution))?;
        let claim_state = ClaimState::Done { epoch: claim.epoch };
        let done = self.done_count().wrapping_add(1);
        let record = Record { ticket: claim.ticket, claim: claim_state, done, chunk: None };
        self.guard.commit_finishing(&record, slot)?;
        Ok(slot)
    }

    /// Checks that the run's mode is the one for this kind of commit.
    pub(super) fn must_have_mode(&self, mode: Mode) -> Step<()> {
        if self.segment().terms().mode == mode { Ok(()) } else { Err(self.other_mode(mode)) }
    }

    /// The slot of the claim's ticket, if the ticket is still its own.
    #[inline]
    pub(super) fn own_slot(&self, claim: &Claim) -> Step<&'a Slot> {
        if !self.guard.is_own() {
            return Err(self.is_of_parent());
        }
        let is_own = |slot: &&Slot| {
            claim.nonce == self.segment().nonce()
                && slot.claim.load(Relaxed) == (ClaimState::Taken { epoch: claim.epoch }).word()
                || Mutant::NoRecheck.is_planted()
        };
        self.segment().view().slot(claim.ticket).filter(is_own).ok_or_else(|| superseded(claim))
    }

    /// Writes into the record, for each cell, its value after the commit and the ticket's sum. `total` makes that sum from
    /// the ticket's sum so far and its contribution. After an error the record is ignored.
    #[inline]
    pub(super) fn write_cells(
        &self,
        slot: &'a Slot,
        claim: &Claim,
        contributions: &Cells<Number>,
        total: impl Fn(Number, Number) -> Option<Number>,
    ) -> Step<()> {
        let view = self.segment().view();
        redo::begin();
        if !view.is_single {
            return self.write_array(claim.ticket, contributions, total);
        }
        let [number] = contributions.as_slice() else { return Err(self.unfit(contributions)) };
        let bits = view.header.core.value.load(Relaxed);
        self.write_cell(contributions, number, bits, &view.header.redo.entry, &slot.entry, total)
    }

    /// The same for an array.
    #[cold]
    fn write_array(
        &self,
        ticket: u32,
        contributions: &Cells<Number>,
        total: impl Fn(Number, Number) -> Option<Number>,
    ) -> Step<()> {
        let view = self.segment().view();
        let (numbers, redo) = (contributions.as_slice(), view.redo_entries());
        if numbers.len() != redo.len() {
            return Err(self.unfit(contributions));
        }
        let cells = view.cells.iter(Relaxed);
        for (((number, bits), redo), own) in numbers.iter().zip(cells).zip(redo).zip(view.ticket_entries(ticket)) {
            self.write_cell(contributions, number, bits, redo, own, &total)?;
        }
        Ok(())
    }

    #[expect(clippy::inline_always, reason = "called for the only cell of most values, and in a loop for the others")]
    #[inline(always)]
    fn write_cell(
        &self,
        contributions: &Cells<Number>,
        contribution: &Number,
        bits: u64,
        redo: &Entry,
        own: &Entry,
        total: impl Fn(Number, Number) -> Option<Number>,
    ) -> Step<()> {
        let Terms { mode, value_type, overflow, .. } = self.segment().terms();
        // Most commits: an integer that wraps around. It stays in registers.
        if let Number::Integer(added) = *contribution
            && !value_type.is_float()
            && *overflow == Overflow::Wrap
            && *mode != Mode::Independent
            && let Some(total) = total(own.contribution(*value_type), Number::Integer(added))
        {
            redo::write_cell(redo, value_type.wrapping_sum(bits, added), total);
            return Ok(());
        }
        self.write_any_cell(contributions, contribution, bits, redo, own, total)
    }

    /// The same for everything else.
    #[inline(never)]
    fn write_any_cell(
        &self,
        contributions: &Cells<Number>,
        contribution: &Number,
        bits: u64,
        redo: &Entry,
        own: &Entry,
        total: impl Fn(Number, Number) -> Option<Number>,
    ) -> Step<()> {
        let terms = self.segment().terms();
        let kind = terms.value_type;
        let number = kind.admit(*contribution).ok_or_else(|| self.unfit(contributions))?;
        let before = kind.value(bits);
        let value = match terms.mode {
            Mode::Independent => before,
            _ => before.add(number, terms.overflow).ok_or_else(|| overflow(contribution, before))?,
        };
        let total = total(own.contribution(kind), number).ok_or_else(|| total_overflow(contribution, own, kind))?;
        redo::write_cell(redo, value, total);
        Ok(())
    }

    /// How many tickets are done.
    #[inline]
    pub(super) fn done_count(&self) -> u64 {
        self.segment().view().header.redo.done_count.load(Relaxed)
    }

    /// Checks that the log has room for one more ticket.
    pub(super) fn must_have_room(&self) -> Step<()> {
        let done = self.done_count();
        let slots = self.segment().terms().slots;
        if done < u64::from(slots) {
            return Ok(());
        }
        Err(Damage::new(format!("it counts {done} contributions and has {slots} tickets")).into())
    }
}

/// The errors, apart from the path of every commit.
#[expect(clippy::unnecessary_box_returns, reason = "one word, see `Step`")]
impl LockedLedger<'_> {
    #[cold]
    fn is_of_parent(&self) -> Box<CommitError> {
        ForkError::LockOfParent { name: self.segment().name().clone() }.into()
    }

    #[cold]
    fn other_mode(&self, wanted: Mode) -> Box<CommitError> {
        let (found, wanted) = (self.segment().terms().mode.name(), wanted.name());
        Box::new(CommitError::OtherMode { name: self.segment().name().clone(), found, wanted })
    }

    #[cold]
    fn unfit(&self, contribution: &Cells<Number>) -> Box<CommitError> {
        let terms = self.segment().terms();
        let (kind, cells) = (terms.value_type.name(), terms.cells);
        Box::new(CommitError::Unfit { contribution: contribution.to_string(), kind, cells })
    }
}

#[cold]
#[expect(clippy::unnecessary_box_returns, reason = "one word, see `Step`")]
pub(super) fn superseded(claim: &Claim) -> Box<CommitError> {
    Box::new(CommitError::Superseded { ticket: claim.ticket })
}

#[cold]
#[expect(clippy::unnecessary_box_returns, reason = "one word, see `Step`")]
fn overflow(contribution: &Number, before: Value) -> Box<CommitError> {
    let (contribution, kind) = (before.kind().admit(*contribution).unwrap_or(*contribution), before.kind().name());
    Box::new(CommitError::Overflow { contribution, value: before.number(), kind })
}

#[cold]
#[expect(clippy::unnecessary_box_returns, reason = "one word, see `Step`")]
fn total_overflow(contribution: &Number, own: &Entry, kind: ValueType) -> Box<CommitError> {
    Box::new(CommitError::Overflow { contribution: *contribution, value: own.contribution(kind), kind: "128 bits" })
}
