//! Ranges that are set aside: chunks that nobody could compute.
//!
//! A chunk is set aside after its attempts failed, or once more workers died with it than the run's restarts allow. The
//! deaths are counted beside the chunk, by the epochs of the claims under which it was held, so a count needs no store of its
//! own and moves with a chunk that is stolen. Each iteration is applied, held, set aside, or not given out; one commit takes a
//! chunk from one state to the next. Neighbours with the same cause share a place in the table.

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

use super::error::{CommitError, Step};
use super::{Cause, Claim, Exit, Ledger, LockedLedger, Phase};
use crate::failpoint::Mutant;
use crate::layout::Slot;
use crate::redo::{self, ClaimState, Damage, Record, SetAsideChange, load_range};
use crate::segment::Stop;
use crate::terms::Mode;
use crate::value::{Cells, Number};

/// So many chunks set aside, and none applied, mean that the kernel or command is wrong: nothing more is given out.
pub const HOPELESS: u64 = 16;

/// A place in the table, and the range in it.
pub(super) type Place = (u32, Range<u64>);

impl Ledger<'_> {
    /// Announces how the last worker of a ticket ended, for the report on its chunk.
    pub fn record_exit(self, ticket: u32, exit: Exit) {
        if let Some(slot) = self.segment.view().slot(ticket) {
            slot.last_exit.store(exit.word(), Relaxed);
        }
    }

    /// How many chunks the run has set aside since it was begun or resumed.
    #[must_use]
    pub fn set_aside_count(self) -> u64 {
        self.segment.view().header.set_aside.chunk_count.load(Relaxed)
    }

    /// Whether no more chunks are given out, because one is set aside and the terms say so, or because many are and none was
    /// applied.
    #[must_use]
    pub fn has_stopped_itself(self) -> bool {
        let count = self.set_aside_count();
        let nothing_is_applied = || self.segment.view().slots.iter().all(|slot| slot.chunks.load(Relaxed) == 0);
        count > 0 && (self.segment.terms().fail_fast || (count >= HOPELESS && nothing_is_applied()))
    }

    /// Whether a range is set aside, or waits to be given out again.
    pub(super) fn has_set_aside(self) -> bool {
        self.segment.view().used_set_aside().iter().any(|place| !load_range(&place.range).is_empty())
    }

    /// The first range that is to be given out again. May be torn: any process could have written it.
    pub(super) fn first_waiting(self) -> Option<Place> {
        let places =
            (1..).zip(self.segment.view().used_set_aside()).filter(|(_, place)| place.cause.load(Relaxed) == 0);
        places.map(|(number, place)| (number, load_range(&place.range))).find(|(_, range)| range.start != range.end)
    }

    /// The same, validated.
    pub(super) fn first_to_retry(self) -> Step<Option<Place>> {
        let Some((place, range)) = self.first_waiting() else { return Ok(None) };
        if range.start < range.end && range.end <= self.given_out() {
            return Ok(Some((place, range)));
        }
        Err(Damage::new(format!(
            "it has set {range:?} aside, and {:?} is given out",
            self.segment.terms().range().start..self.given_out()
        ))
        .into())
    }
}

impl<'a> LockedLedger<'a> {
    /// Sets `chunk` aside, because `count` attempts failed, and takes the next chunk as [`Self::first_chunk`] does.
    ///
    /// # Errors
    /// As [`Self::commit_chunk`]; [`CommitError::NoRoom`] if no more ranges can be set aside. The chunk then stays with the
    /// ticket.
    pub fn set_aside(
        &mut self,
        claim: &Claim,
        chunk: &Range<u64>,
        cause: Cause,
        count: u32,
        then: super::Then,
    ) -> Result<Option<Range<u64>>, CommitError> {
        let slot = self.slot_with(claim, chunk)?;
        self.set_aside_held(claim, slot, (chunk, cause, count), then)?;
        Ok(self.chunk_in(slot)?)
    }

    /// Sets the ticket's chunk aside, with one commit, and takes the next one. Without room the chunk takes the place of a range
    /// that waits to be given out again, and the ticket gets that range.
    #[cold]
    pub(super) fn set_aside_held(
        &mut self,
        claim: &Claim,
        slot: &'a Slot,
        (held, cause, count): (&Range<u64>, Cause, u32),
        then: super::Then,
    ) -> Step<()> {
        let mut next = self.nothing_more(claim)?;
        let place = if let Some(place) = self.write_place_for(held, cause, count) {
            place
        } else if let Some((place, waiting)) = self.ledger().first_to_retry()? {
            self.write_place(place, held.clone(), cause.word(), count);
            next.chunk = waiting;
            place
        } else {
            self.stop_for_want_of_room(slot);
            return Err(Box::new(CommitError::NoRoom { start: held.start, end: held.end }));
        };
        if Mutant::SetAsideNotCleared.is_planted() {
            next.chunk = held.clone();
        }
        next.set_aside = place;
        let goes_on = !next.chunk.is_empty();
        self.advance(claim, slot, 0..0, &self.nothing(), next)?;
        if goes_on { Ok(()) } else { self.take_next(claim, slot, then) }
    }

    /// Writes into the record that a range is set aside; returns its place, if there is room.
    #[cold]
    pub(super) fn write_place_for(&self, range: &Range<u64>, cause: Cause, count: u32) -> Option<u32> {
        let (place, range) = self.place_for(range, cause, count)?;
        self.write_place(place, range, cause.word(), count);
        Some(place)
    }

    /// Writes into the record what a place holds after the commit; with a cause, one more chunk is set aside.
    fn write_place(&self, place: u32, range: Range<u64>, cause: u32, count: u32) {
        let chunks = self.ledger().set_aside_count().wrapping_add(u64::from(cause != 0));
        redo::write_set_aside(self.segment().view(), &SetAsideChange { place, range, cause, count, chunks });
    }

    /// Where a range goes, and what that place holds then: beside a neighbour with the same cause, else into a free place.
    fn place_for(&self, range: &Range<u64>, cause: Cause, count: u32) -> Option<Place> {
        let view = self.segment().view();
        let (used, mut free) = (view.used_set_aside(), None);
        for (place, other) in (1..).zip(used) {
            let neighbour = load_range(&other.range);
            if neighbour.is_empty() {
                free = free.or(Some(place));
            } else if (other.cause.load(Relaxed), other.count.load(Relaxed)) == (cause.word(), count) {
                if neighbour.end == range.start {
                    return Some((place, neighbour.start..range.end));
                }
                if range.end == neighbour.start {
                    return Some((place, range.start..neighbour.end));
                }
            }
        }
        let unused = || (used.len() < view.set_aside.len()).then(|| u32::try_from(used.len() + 1).ok()).flatten();
        free.or_else(unused).map(|place| (place, range.clone()))
    }

    /// Writes into the record that the iterations of a place below `to` are given out again; returns the place.
    #[cold]
    pub(super) fn write_place_without(&self, (place, range): &Place, to: u64) -> u32 {
        let rest = if to < range.end { to..range.end } else { 0..0 };
        self.write_place(*place, rest, 0, 0);
        *place
    }

    /// Leaves a chunk that cannot be set aside in its slot, where nobody takes it, and stops a coordinated run.
    #[cold]
    pub(super) fn stop_for_want_of_room(&self, slot: &Slot) {
        // First: a worker that is killed in between leaves a chunk that may be tried again.
        if self.segment().terms().origin.is_run() {
            self.segment().request_stop(Stop::Drain);
        }
        slot.phase.store(Phase::Failed as u32, Relaxed);
    }

    /// Whether there is a place for one more range.
    pub(super) fn has_room(&self) -> bool {
        let view = self.segment().view();
        let used = view.used_set_aside();
        used.len() < view.set_aside.len() || used.iter().any(|place| load_range(&place.range).is_empty())
    }

    /// Prepares a split run for another coordinator: what is missing gets fresh attempts, and if it is in nobody's hands, the
    /// run's finished tickets are opened again, from the end of the log, with one commit each.
    ///
    /// It may be interrupted at any point, and repeated. Returns how many tickets it has opened.
    ///
    /// # Errors
    /// [`CommitError::Forked`] if the parent of this forked process acquired the lock; [`CommitError::Damaged`].
    pub fn reopen(&mut self) -> Result<u32, CommitError> {
        self.guard.must_be_own()?;
        let terms = self.segment().terms();
        if terms.mode != Mode::Split {
            return Ok(0);
        }
        self.forget_deaths();
        self.retry_set_aside();
        let mut opened = 0;
        if self.ledger().left() > 0 || self.ledger().has_set_aside() {
            while self.has_done_ticket() {
                self.open_last_ticket()?;
                opened += 1;
            }
        }
        self.ledger().set_reported(self.ledger().reported());
        Ok(opened)
    }

    /// Gives the chunks that workers hold fresh attempts. The end of the present holder does not count either: it is dead, or
    /// was asked to leave.
    fn forget_deaths(&self) {
        for (slot, ticket) in self.segment().view().slots.iter().zip(1..) {
            if let ClaimState::Taken { epoch } = ClaimState::of(slot.claim.load(Relaxed)) {
                slot.first_epoch.store(low(epoch).wrapping_add(1), Relaxed);
                self.ledger().forget_failure(ticket);
            }
        }
    }

    /// Gives out again what is set aside, once everything else is given out.
    pub(super) fn retry_set_aside(&self) {
        let view = self.segment().view();
        view.header.set_aside.chunk_count.store(0, Relaxed);
        for place in view.used_set_aside() {
            place.cause.store(0, Relaxed);
        }
    }

    /// Whether a ticket that the coordinator gives out is done.
    fn has_done_ticket(&self) -> bool {
        let reserved = self.segment().terms().reserved();
        let done = usize::try_from(self.done_count()).unwrap_or(usize::MAX);
        self.segment().view().log.iter().take(done).any(|ticket| ticket.load(Relaxed) <= reserved)
    }

    /// Opens the last ticket of the log again; returns it.
    pub(super) fn open_last_ticket(&mut self) -> Step<u32> {
        let view = self.segment().view();
        let done = self.done_count().saturating_sub(1);
        let last = usize::try_from(done).ok().and_then(|last| view.log.get(last)).map_or(0, |last| last.load(Relaxed));
        let damaged = || Damage::new(format!("its log names ticket {last} as number {done}"));
        let slot = view.slot(last).ok_or_else(damaged)?;
        let ClaimState::Done { epoch } = ClaimState::of(slot.claim.load(Relaxed)) else { return Err(damaged().into()) };
        let claim = Claim { ticket: last, epoch, nonce: self.segment().nonce() };
        self.write_cells(slot, &claim, &self.nothing(), Number::plus)?;
        let done = if Mutant::OpenedTicketLogged.is_planted() { done + 1 } else { done };
        let record = Record { ticket: last, claim: ClaimState::Taken { epoch }, done, chunk: None };
        self.guard.commit(&record)?;
        Ok(last)
    }

    /// A contribution that changes nothing.
    pub(super) fn nothing(&self) -> Cells<Number> {
        (0..self.segment().terms().cells).map(|_| Number::Integer(0)).collect()
    }
}

/// How many workers died while they held the slot's chunk, before its last one.
pub(super) fn deaths(slot: &Slot) -> u32 {
    deaths_at(slot, low(ClaimState::of(slot.claim.load(Relaxed)).epoch()))
}

/// The same, with its last one, which is dead.
pub(super) fn all_deaths(slot: &Slot) -> u32 {
    deaths_at(slot, low(ClaimState::of(slot.claim.load(Relaxed)).epoch()).wrapping_add(1))
}

/// Negative, and so none, for a worker whose end does not count.
fn deaths_at(slot: &Slot, epoch: u32) -> u32 {
    epoch.wrapping_sub(slot.first_epoch.load(Relaxed)).cast_signed().max(0).unsigned_abs()
}

/// The low half of an epoch.
#[expect(clippy::cast_possible_truncation, reason = "epochs are compared in 32 bits, where they may wrap around")]
pub(super) fn low(epoch: u64) -> u32 {
    epoch as u32
}
