//! Chunks: how a split run divides its range, each iteration exactly once.
//!
//! No table of chunks exists. The segment knows how far the range is given out, and each ticket knows the one chunk that it
//! holds. A commit adds the chunk's contribution and takes the next chunk in one record. So each iteration is applied
//! (counted in its ticket's iterations), or part of one ticket's chunk, or set aside (`set_aside`), or not given out yet. A
//! dead worker's chunk stays in its slot until a worker launched for that ticket continues it or another worker steals it.

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

use super::commit::superseded;
use super::error::{CommitError, Step};
use super::{Cause, Claim, Exit, LockedLedger, Phase, set_aside};
use crate::failpoint::{Failpoint, Mutant};
use crate::layout::Slot;
use crate::redo::{ChunkRecord, ClaimState, Damage, Record, load_range};
use crate::segment::Stop;
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
pub(super) struct Next {
    pub chunk: Range<u64>,
    /// See `Slot::first_epoch`.
    first_epoch: u32,
    stolen_from: u32,
    cursor: u64,
    is_done: bool,
    /// The place that the record changes; 0 if it changes none.
    pub set_aside: u32,
}

impl Next {
    /// Whether another ticket's chunk is set aside, so that the next one must still be taken.
    fn discards(&self) -> bool {
        self.stolen_from != 0 && self.chunk.is_empty()
    }
}

impl<'a> LockedLedger<'a> {
    /// The first chunk of a worker that has just taken its ticket: the chunk of a dead predecessor, else as `then` says. A
    /// chunk with which too many workers died is set aside.
    ///
    /// Nothing if no chunk is left; the ticket is then done, unless the worker is to leave.
    ///
    /// # Errors
    /// [`CommitError::Superseded`] if the ticket is another worker's by now; [`CommitError::OtherMode`] if the run is not
    /// split; [`CommitError::NoRoom`] if no more ranges can be set aside; [`CommitError::Forked`] if the parent of this forked
    /// process acquired the lock; [`CommitError::Damaged`]; [`CommitError::System`] if the kernel cannot be asked which processes live.
    pub fn first_chunk(&mut self, claim: &Claim, then: Then) -> Result<Option<Range<u64>>, CommitError> {
        Failpoint::Locked.reach();
        self.must_have_mode(Mode::Split)?;
        let slot = self.own_slot(claim)?;
        let held = self.held(slot)?;
        let deaths = set_aside::deaths(slot);
        if held.is_empty() || Mutant::HeldForgotten.is_planted() {
            self.take_next(claim, slot, then)?;
        } else if deaths > self.segment().terms().restarts {
            let cause = Cause::Died(Exit::of(slot.last_exit.load(Relaxed)));
            self.set_aside_held(claim, slot, (&held, cause, deaths), then)?;
        }
        // How its predecessor ended says nothing about this worker.
        slot.last_exit.store(0, Relaxed);
        Ok(self.chunk_in(slot)?)
    }

    /// Adds the contribution of `chunk`, all cells at once and exactly once, and takes the next chunk in the same commit.
    ///
    /// Nothing if no chunk is left; the ticket is then done, unless the worker is to leave.
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
        let slot = self.slot_with(claim, chunk)?;
        let next = self.next(claim, then)?;
        let discards = next.discards();
        self.advance(claim, slot, chunk.clone(), contribution, next)?;
        if discards {
            self.take_next(claim, slot, then)?;
        }
        Ok(slot)
    }

    /// The slot of the claim's ticket, if it holds `chunk`.
    #[inline]
    pub(super) fn slot_with(&self, claim: &Claim, chunk: &Range<u64>) -> Step<&'a Slot> {
        Failpoint::Locked.reach();
        self.must_have_mode(Mode::Split)?;
        let slot = self.own_slot(claim)?;
        let held = self.held(slot)?;
        if (held != *chunk || held.is_empty()) && !Mutant::NoRecheck.is_planted() {
            return Err(superseded(claim));
        }
        Ok(slot)
    }

    /// Takes the next chunk with commits that add nothing.
    pub(super) fn take_next(&mut self, claim: &Claim, slot: &'a Slot, mut then: Then) -> Step<()> {
        loop {
            let next = self.next(claim, then)?;
            let discards = next.discards();
            self.advance(claim, slot, 0..0, &self.nothing(), next)?;
            if !discards {
                return Ok(());
            }
            if let Then::Take { orphan, .. } = &mut then {
                // That ticket's chunk is set aside now.
                *orphan = None;
            }
        }
    }

    /// Adds the contribution of `applied`, which may be empty, and takes the next chunk.
    #[expect(clippy::inline_always, reason = "out of line, its parts go through memory")]
    #[inline(always)]
    pub(super) fn advance(
        &mut self,
        claim: &Claim,
        slot: &'a Slot,
        applied: Range<u64>,
        contribution: &Cells<Number>,
        next: Next,
    ) -> Step<()> {
        if next.is_done {
            self.must_have_room()?;
        }
        self.write_cells(slot, claim, contribution, Number::plus)?;
        let chunk = ChunkRecord {
            chunk: next.chunk,
            first_epoch: next.first_epoch,
            stolen_from: next.stolen_from,
            chunks: slot.chunks.load(Relaxed).wrapping_add(u64::from(!applied.is_empty())),
            iterations: slot.iterations.load(Relaxed).wrapping_add(applied.end.wrapping_sub(applied.start)),
            cursor: next.cursor,
            set_aside: next.set_aside,
        };
        let epoch = claim.epoch;
        let state = if next.is_done { ClaimState::Done { epoch } } else { ClaimState::Taken { epoch } };
        let done = self.done_count().wrapping_add(next.is_done.into());
        let record = Record { ticket: claim.ticket, claim: state, done, chunk: Some(chunk) };
        Ok(self.guard.commit(&record)?)
    }

    #[expect(clippy::inline_always, reason = "out of line, its parts go through memory")]
    #[inline(always)]
    fn next(&self, claim: &Claim, then: Then) -> Step<Next> {
        let nothing = self.nothing_more(claim)?;
        let Then::Take { size, orphan } = then else { return Ok(nothing) };
        // Here, under the lock: the chunk that was set aside last may have been one too many.
        if self.segment().stop_requested() != Stop::No || self.ledger().has_stopped_itself() {
            return Ok(nothing);
        }
        let (cursor, end) = (nothing.cursor, self.segment().terms().end());
        if let Some(orphan) = orphan
            && let Some(next) = self.steal(claim, orphan)?
        {
            return Ok(next);
        }
        if cursor < end {
            let to = cursor.saturating_add(size.max(1)).min(end);
            return Ok(Next { chunk: cursor..to, cursor: to, ..nothing });
        }
        self.last(claim, size.max(1))
    }

    /// No chunk; the ticket is not done.
    #[expect(clippy::inline_always, reason = "out of line, its parts go through memory")]
    #[inline(always)]
    pub(super) fn nothing_more(&self, claim: &Claim) -> Step<Next> {
        let first_epoch = set_aside::low(claim.epoch);
        Ok(Next { chunk: 0..0, first_epoch, stolen_from: 0, cursor: self.cursor()?, is_done: false, set_aside: 0 })
    }

    /// Once the whole range is given out: an orphaned chunk, or what is to be given out again, or nothing.
    #[cold]
    fn last(&self, claim: &Claim, size: u64) -> Step<Next> {
        // Again under the lock: its last owner may have died with a chunk that nobody could see before recovery.
        if let Some(orphan) = self.ledger().find_orphan()?
            && let Some(next) = self.steal(claim, orphan)?
        {
            return Ok(next);
        }
        let nothing = self.nothing_more(claim)?;
        let Some(place) = self.ledger().first_to_retry()? else { return Ok(Next { is_done: true, ..nothing }) };
        let start = place.1.start;
        // Without room the whole range: so its place gets free, for what fails of it.
        let to = if self.has_room() { start.saturating_add(size).min(place.1.end) } else { place.1.end };
        Ok(Next { chunk: start..to, set_aside: self.write_place_without(&place, to), ..nothing })
    }

    /// Steals the chunk of another ticket, if no live process works under it. If too many workers died with it, it is set
    /// aside.
    #[cold]
    fn steal(&self, claim: &Claim, stolen_from: u32) -> Step<Option<Next>> {
        let Some(slot) = self.segment().view().slot(stolen_from).filter(|_| stolen_from != claim.ticket) else {
            return Ok(None);
        };
        let Some(chunk) = self.orphaned(slot, stolen_from)? else { return Ok(None) };
        let deaths = set_aside::all_deaths(slot);
        let nothing = self.nothing_more(claim)?;
        if deaths <= self.segment().terms().restarts {
            let first_epoch = nothing.first_epoch.wrapping_sub(deaths);
            return Ok(Some(Next { chunk, first_epoch, stolen_from, ..nothing }));
        }
        let cause = Cause::Died(Exit::of(slot.last_exit.load(Relaxed)));
        let place = self.write_place_for(&chunk, cause, deaths);
        let Some(set_aside) = place else {
            self.stop_for_want_of_room(slot);
            return Ok(Some(nothing));
        };
        Ok(Some(Next { stolen_from, set_aside, ..nothing }))
    }

    /// The ticket's chunk, if its worker is dead, did not give it up, and nothing that it started may still compute.
    fn orphaned(&self, slot: &Slot, ticket: u32) -> Step<Option<Range<u64>>> {
        let held = self.held(slot)?;
        let is_given_up = Phase::is_failed(slot.phase.load(Relaxed));
        let is_ticket_held = self.segment().is_ticket_held(ticket)? && !Mutant::StealWithoutRole.is_planted();
        Ok(if held.is_empty() || is_given_up || is_ticket_held { None } else { Some(held) })
    }

    /// The chunk in a slot; may be empty.
    #[inline]
    fn held(&self, slot: &Slot) -> Step<Range<u64>> {
        let (held, given_out) = (load_range(&slot.chunk), self.cursor()?);
        if held.start <= held.end && held.end <= given_out {
            return Ok(held);
        }
        Err(torn(&held, self.segment().terms().range().start..given_out).into())
    }

    /// The chunk in a slot, if it holds one. Validated: any process could have written it.
    pub(super) fn chunk_in(&self, slot: &Slot) -> Step<Option<Range<u64>>> {
        Ok(Some(self.held(slot)?).filter(|chunk| !chunk.is_empty()))
    }

    #[expect(clippy::inline_always, reason = "one load and one comparison, which are fewer instructions than the call")]
    #[inline(always)]
    fn cursor(&self) -> Step<u64> {
        let (cursor, end) = (self.ledger().given_out(), self.segment().terms().end());
        if cursor <= end {
            return Ok(cursor);
        }
        Err(too_far(cursor, &self.segment().terms().range()).into())
    }
}

#[cold]
#[expect(clippy::unnecessary_box_returns, reason = "one word, see `Step`")]
fn torn(held: &Range<u64>, given_out: Range<u64>) -> Box<Damage> {
    Damage::new(format!("a ticket holds {held:?}, and {given_out:?} is given out"))
}

#[cold]
#[expect(clippy::unnecessary_box_returns, reason = "one word, see `Step`")]
fn too_far(cursor: u64, range: &Range<u64>) -> Box<Damage> {
    Damage::new(format!("what is given out of {range:?} ends at {cursor}"))
}
