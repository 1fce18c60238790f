//! Chunks: how a range is shared out, each iteration of it exactly once.
//!
//! There is no table of chunks. The segment knows up to where the range is given out, and each ticket the one chunk that
//! it holds; a commit adds the chunk's contribution and takes the next chunk in one record. So at any time each iteration
//! is in one of three places: applied (counted in its ticket's iterations), held as part of one ticket's chunk, or not
//! given out yet. A chunk of a dead worker stays in its slot, until a worker launched for that ticket goes on with it or
//! another one takes it over.
#![expect(clippy::unnecessary_box_returns, reason = "errors as `Step` has them")]

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

use super::commit::superseded;
use super::redo::{After, ChunkAfter, range, store};
use super::state::State;
use super::step::Step;
use super::ticket::{Claim, Phase};
use crate::error::{Error, Result};
use crate::layout::Slot;
use crate::lock::Guard;
use crate::plant::{self, Fault, Point};
use crate::terms::Mode;
use crate::value::{Cells, Number};

/// What a worker does after a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It takes another one.
    Take {
        /// Of how many iterations; 0 counts as 1.
        size: u64,
        /// Rather than a new one the chunk of this ticket, whose worker seems to be dead.
        orphan: Option<u32>,
    },
    /// It leaves, and its ticket is not done.
    Leave,
}

/// Where a ticket stands after a commit.
struct Next {
    chunk: Range<u64>,
    robbed: u32,
    cursor: u64,
    is_done: bool,
}

impl<'a> Guard<'a> {
    /// The first chunk of a worker that has just taken its ticket: what a dead predecessor left, or else as `then` says.
    ///
    /// Nothing means that there is none, and that the ticket is done if one was wanted.
    ///
    /// # Errors
    /// [`Error::Superseded`] if the ticket is another worker's by now, [`Error::OtherType`] if this is no range that is
    /// shared out, [`Error::Damaged`] if the ledger makes no sense.
    pub fn first_chunk(&mut self, claim: &Claim, then: Then) -> Result<Option<Range<u64>>> {
        plant::at(Point::Locked);
        self.must_be_in(Mode::Split)?;
        let slot = self.own(claim)?;
        let held = self.held(slot)?;
        if held.is_empty() || plant::has(Fault::HeldForgotten) {
            let nothing = (0..self.segment().terms().cells).map(|_| Number::Integer(0)).collect();
            self.go_on(claim, slot, 0..0, &nothing, then)?;
        }
        Ok(self.chunk_in(slot)?)
    }

    /// Adds what `chunk` gave, all cells at once and exactly once, and takes the next chunk in the same commit.
    ///
    /// Nothing means that there is none, and that the ticket is done if one was wanted.
    ///
    /// # Errors
    /// As [`Self::first_chunk`], also [`Error::Superseded`] if the chunk is not the ticket's; [`Error::Overflow`] and
    /// [`Error::Unfit`] as [`Self::commit`]. Nothing is changed then.
    pub fn commit_chunk(
        &mut self,
        claim: &Claim,
        chunk: &Range<u64>,
        contribution: impl Into<Cells<Number>>,
        then: Then,
    ) -> Result<Option<Range<u64>>> {
        let slot = self.apply_chunk(claim, chunk, &contribution.into(), then)?;
        Ok(self.chunk_in(slot)?)
    }

    /// Gives the ticket's slot, where the next chunk then lies.
    fn apply_chunk(
        &mut self,
        claim: &Claim,
        chunk: &Range<u64>,
        contribution: &Cells<Number>,
        then: Then,
    ) -> Step<&'a Slot> {
        plant::at(Point::Locked);
        self.must_be_in(Mode::Split)?;
        let slot = self.own(claim)?;
        let held = self.held(slot)?;
        if (held != *chunk || held.is_empty()) && !plant::has(Fault::NoRecheck) {
            return Err(superseded(claim));
        }
        self.go_on(claim, slot, held, contribution, then)?;
        Ok(slot)
    }

    /// Adds what `held` gave, which is nothing if that is empty, and takes the next chunk.
    fn go_on(
        &mut self,
        claim: &Claim,
        slot: &'a Slot,
        held: Range<u64>,
        contribution: &Cells<Number>,
        then: Then,
    ) -> Step<()> {
        let next = self.next(claim, then)?;
        if next.is_done {
            self.must_have_room()?;
        }
        self.record_cells(slot, claim, contribution, Number::plus)?;
        let after = ChunkAfter {
            chunk: next.chunk,
            robbed: next.robbed,
            chunks: slot.chunks.load(Relaxed).wrapping_add(u64::from(!held.is_empty())),
            iterations: slot.iterations.load(Relaxed).wrapping_add(held.end.wrapping_sub(held.start)),
            cursor: next.cursor,
        };
        if plant::has(Fault::ChunkBeforeCommit) {
            store(&slot.chunk, &after.chunk);
        }
        if plant::has(Fault::CursorBeforeCommit) {
            self.segment().view().header.redo.given_out.store(after.cursor, Relaxed);
        }
        let epoch = claim.epoch;
        let state = if next.is_done { State::Done { epoch } } else { State::Taken { epoch } };
        self.make_so(&After { ticket: claim.ticket, claim: state, chunk: Some(after) })
    }

    #[inline]
    fn next(&self, claim: &Claim, then: Then) -> Step<Next> {
        let (cursor, end) = (self.cursor()?, self.segment().terms().iterations);
        let Then::Take { size, orphan } = then else {
            return Ok(Next { chunk: 0..0, robbed: 0, cursor, is_done: false });
        };
        if let Some(orphan) = orphan
            && let Some(next) = self.rob(claim, orphan, cursor)?
        {
            return Ok(next);
        }
        if cursor < end {
            let to = cursor.saturating_add(size.max(1)).min(end);
            return Ok(Next { chunk: cursor..to, robbed: 0, cursor: to, is_done: false });
        }
        self.last(claim, cursor)
    }

    /// What is left once the range is given out: an orphan, or nothing.
    #[cold]
    fn last(&self, claim: &Claim, cursor: u64) -> Step<Next> {
        // Once more under the lock: its last owner may have died with a chunk that nobody could see before the recovery.
        let found = match self.segment().find_orphan()? {
            Some(orphan) => self.rob(claim, orphan, cursor)?,
            None => None,
        };
        Ok(found.unwrap_or(Next { chunk: 0..0, robbed: 0, cursor, is_done: true }))
    }

    /// Takes the chunk of another ticket over, if nobody who lives works under that.
    #[cold]
    fn rob(&self, claim: &Claim, robbed: u32, cursor: u64) -> Step<Option<Next>> {
        if robbed == claim.ticket {
            return Ok(None);
        }
        let chunk = self.orphaned(robbed)?;
        Ok(chunk.map(|chunk| Next { chunk, robbed, cursor, is_done: false }))
    }

    /// The chunk of that ticket, if it has one, has not given it up, and nobody who lives works under it.
    fn orphaned(&self, ticket: u32) -> Step<Option<Range<u64>>> {
        let Some(slot) = self.segment().view().slot(ticket) else { return Ok(None) };
        let held = self.held(slot)?;
        let is_given_up = slot.phase.load(Relaxed) == Phase::Failed as u32;
        let has_worker = self.segment().has_worker(ticket)? && !plant::has(Fault::RobWithoutRole);
        Ok(if held.is_empty() || is_given_up || has_worker { None } else { Some(held) })
    }

    /// The chunk in a slot.
    #[inline]
    fn held(&self, slot: &Slot) -> Step<Range<u64>> {
        let (held, given_out) = (range(&slot.chunk), self.cursor()?);
        if held.start <= held.end && held.end <= given_out {
            return Ok(held);
        }
        Err(torn(held, given_out))
    }

    /// The chunk in a slot, if there is one; looked at as what anybody may have written there.
    fn chunk_in(&self, slot: &Slot) -> Step<Option<Range<u64>>> {
        Ok(Some(self.held(slot)?).filter(|chunk| !chunk.is_empty()))
    }

    #[inline]
    fn cursor(&self) -> Step<u64> {
        let (cursor, end) = (self.segment().given_out(), self.segment().terms().iterations);
        if cursor <= end {
            return Ok(cursor);
        }
        Err(too_far(cursor, end))
    }
}

#[cold]
fn torn(held: Range<u64>, given_out: u64) -> Box<Error> {
    Box::new(Error::Damaged { what: format!("a ticket holds {held:?}, and 0..{given_out} is given out") })
}

#[cold]
fn too_far(cursor: u64, end: u64) -> Box<Error> {
    Box::new(Error::Damaged { what: format!("0..{cursor} is given out of a range of {end}") })
}
