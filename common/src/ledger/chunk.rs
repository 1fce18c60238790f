//! Chunks: how a split run divides its range, each iteration exactly once.
//!
//! No table of chunks exists. The segment knows how far the range is given out, and each ticket knows the one chunk that it
//! holds. A commit adds the chunk's contribution and takes the next chunk in one record. So each iteration is applied
//! (counted in its ticket's iterations), or part of one ticket's chunk, or not given out yet. A dead worker's chunk stays in
//! its slot until a worker launched for that ticket continues it or another worker steals it.

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

use super::commit::superseded;
use super::error::{CommitError, Step};
use super::{Claim, LockedLedger, Phase};
use crate::failpoint::{Failpoint, Mutant};
use crate::layout::Slot;
use crate::redo::{self, ChunkRecord, ClaimState, Damage, Record, load_range};
use crate::terms::Mode;
use crate::value::{Cells, Number};

/// What a worker does after a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It takes another chunk.
    Take {
        /// The number of iterations; 0 counts as 1.
        size: u64,
        /// A ticket whose worker seems to be dead: its chunk is preferred to a new one.
        orphan: Option<u32>,
    },
    /// It leaves, and its ticket is not done.
    Leave,
}

/// The ticket's position after a commit.
struct Next {
    chunk: Range<u64>,
    stolen_from: u32,
    cursor: u64,
    is_done: bool,
}

impl<'a> LockedLedger<'a> {
    /// The first chunk of a worker that has just taken its ticket: the chunk of a dead predecessor, else as `then` says.
    ///
    /// Nothing if no chunk is left; the ticket is then done, unless `then` was [`Then::Leave`].
    ///
    /// # Errors
    /// [`CommitError::Superseded`] if the ticket is another worker's by now; [`CommitError::OtherMode`] if the run is not
    /// split; [`CommitError::Damaged`]; [`CommitError::System`] if the kernel cannot be asked which processes live.
    pub fn first_chunk(&mut self, claim: &Claim, then: Then) -> Result<Option<Range<u64>>, CommitError> {
        Failpoint::Locked.reach();
        self.must_have_mode(Mode::Split)?;
        let slot = self.own_slot(claim)?;
        let held = self.held(slot)?;
        if held.is_empty() || Mutant::HeldForgotten.is_planted() {
            let nothing = (0..self.segment().terms().cells).map(|_| Number::Integer(0)).collect();
            self.advance(claim, slot, 0..0, &nothing, then)?;
        }
        Ok(self.chunk_in(slot)?)
    }

    /// Adds the contribution of `chunk`, all cells at once and exactly once, and takes the next chunk in the same commit.
    ///
    /// Nothing if no chunk is left; the ticket is then done, unless `then` was [`Then::Leave`].
    ///
    /// # Errors
    /// As [`Self::first_chunk`]; also [`CommitError::Superseded`] if the chunk is not the ticket's, and
    /// [`CommitError::Overflow`] and [`CommitError::Unfit`] as [`Self::commit`].
    pub fn commit_chunk(
        &mut self,
        claim: &Claim,
        chunk: &Range<u64>,
        contribution: impl Into<Cells<Number>>,
        then: Then,
    ) -> Result<Option<Range<u64>>, CommitError> {
        let slot = self.apply_chunk(claim, chunk, &contribution.into(), then)?;
        Ok(self.chunk_in(slot)?)
    }

    /// Commits and returns the ticket's slot, which then holds the next chunk.
    fn apply_chunk(
        &mut self,
        claim: &Claim,
        chunk: &Range<u64>,
        contribution: &Cells<Number>,
        then: Then,
    ) -> Step<&'a Slot> {
        Failpoint::Locked.reach();
        self.must_have_mode(Mode::Split)?;
        let slot = self.own_slot(claim)?;
        let held = self.held(slot)?;
        if (held != *chunk || held.is_empty()) && !Mutant::NoRecheck.is_planted() {
            return Err(superseded(claim));
        }
        self.advance(claim, slot, held, contribution, then)?;
        Ok(slot)
    }

    /// Adds the contribution of `held`, which may be empty, and takes the next chunk.
    fn advance(
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
        self.write_cells(slot, claim, contribution, Number::plus)?;
        let chunk = ChunkRecord {
            chunk: next.chunk,
            stolen_from: next.stolen_from,
            chunks: slot.chunks.load(Relaxed).wrapping_add(u64::from(!held.is_empty())),
            iterations: slot.iterations.load(Relaxed).wrapping_add(held.end.wrapping_sub(held.start)),
            cursor: next.cursor,
        };
        let epoch = claim.epoch;
        let state = if next.is_done { ClaimState::Done { epoch } } else { ClaimState::Taken { epoch } };
        let record = Record { ticket: claim.ticket, claim: state, chunk: Some(chunk) };
        Ok(redo::commit(self.segment().view(), &record)?)
    }

    #[inline]
    fn next(&self, claim: &Claim, then: Then) -> Step<Next> {
        let (cursor, end) = (self.cursor()?, self.segment().terms().iterations);
        let Then::Take { size, orphan } = then else {
            return Ok(Next { chunk: 0..0, stolen_from: 0, cursor, is_done: false });
        };
        if let Some(orphan) = orphan
            && let Some(next) = self.steal(claim, orphan, cursor)?
        {
            return Ok(next);
        }
        if cursor < end {
            let to = cursor.saturating_add(size.max(1)).min(end);
            return Ok(Next { chunk: cursor..to, stolen_from: 0, cursor: to, is_done: false });
        }
        self.last(claim, cursor)
    }

    /// Once the whole range is given out: an orphaned chunk, or nothing.
    #[cold]
    fn last(&self, claim: &Claim, cursor: u64) -> Step<Next> {
        // Again under the lock: its last owner may have died with a chunk that nobody could see before recovery.
        let stolen = match self.ledger().find_orphan()? {
            Some(orphan) => self.steal(claim, orphan, cursor)?,
            None => None,
        };
        Ok(stolen.unwrap_or(Next { chunk: 0..0, stolen_from: 0, cursor, is_done: true }))
    }

    /// Steals the chunk of another ticket, if no live process works under it.
    #[cold]
    fn steal(&self, claim: &Claim, stolen_from: u32, cursor: u64) -> Step<Option<Next>> {
        if stolen_from == claim.ticket {
            return Ok(None);
        }
        let chunk = self.orphaned(stolen_from)?;
        Ok(chunk.map(|chunk| Next { chunk, stolen_from, cursor, is_done: false }))
    }

    /// The ticket's chunk, if its worker is dead and did not give it up.
    fn orphaned(&self, ticket: u32) -> Step<Option<Range<u64>>> {
        let Some(slot) = self.segment().view().slot(ticket) else { return Ok(None) };
        let held = self.held(slot)?;
        let is_given_up = Phase::is_failed(slot.phase.load(Relaxed));
        let has_worker = self.segment().has_worker(ticket)? && !Mutant::StealWithoutRole.is_planted();
        Ok(if held.is_empty() || is_given_up || has_worker { None } else { Some(held) })
    }

    /// The chunk in a slot; may be empty.
    #[inline]
    fn held(&self, slot: &Slot) -> Step<Range<u64>> {
        let (held, given_out) = (load_range(&slot.chunk), self.cursor()?);
        if held.start <= held.end && held.end <= given_out {
            return Ok(held);
        }
        Err(torn(held, given_out).into())
    }

    /// The chunk in a slot, if it holds one. Validated: any process could have written it.
    fn chunk_in(&self, slot: &Slot) -> Step<Option<Range<u64>>> {
        Ok(Some(self.held(slot)?).filter(|chunk| !chunk.is_empty()))
    }

    #[inline]
    fn cursor(&self) -> Step<u64> {
        let (cursor, end) = (self.ledger().given_out(), self.segment().terms().iterations);
        if cursor <= end {
            return Ok(cursor);
        }
        Err(too_far(cursor, end).into())
    }
}

#[cold]
#[expect(clippy::unnecessary_box_returns, reason = "one word, see `Step`")]
fn torn(held: Range<u64>, given_out: u64) -> Box<Damage> {
    Damage::new(format!("a ticket holds {held:?}, and 0..{given_out} is given out"))
}

#[cold]
#[expect(clippy::unnecessary_box_returns, reason = "one word, see `Step`")]
fn too_far(cursor: u64, end: u64) -> Box<Damage> {
    Damage::new(format!("0..{cursor} is given out of a range of {end}"))
}
