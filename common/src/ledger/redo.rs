//! The redo record: the state after a commit, absolute, published by one store.
//!
//! Invariant: applying a published record again, from any point of an earlier application, gives the same state.
#![expect(clippy::unnecessary_box_returns, reason = "errors as `Step` has them")]

use std::ops::Range;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, fence};

use super::state::State;
use super::step::Step;
use crate::error::Error;
use crate::layout::{Entry, Redo, Slot, Stretch, View};
use crate::plant::{self, Fault, Point};
use crate::value::{Number, Value};

/// The state after a commit, but for the cells.
pub(super) struct After {
    /// Whose commit it is, 0 for one that changes the cells alone.
    pub ticket: u32,
    pub claim: State,
    /// What becomes of the ticket's chunk, where the range is shared out.
    pub chunk: Option<ChunkAfter>,
}

/// The state of a ticket's chunk after a commit.
pub(super) struct ChunkAfter {
    pub chunk: Range<u64>,
    /// Whose chunk it is so far, 0 for nobody's.
    pub robbed: u32,
    pub chunks: u64,
    pub iterations: u64,
    /// Iterations below it are given out.
    pub cursor: u64,
}

/// Makes the record one to be written, beginning with its entries; one that is not published is none.
pub(super) fn begin() {
    // Keeps the record's stores behind the last commit's `applied`, also for two commits under one guard: until then a
    // recovery reads the record. It pairs with the Acquire fence in the snapshot's `settled::header`.
    fence(Release);
}

/// Writes what becomes of a cell: its value after the commit, and all that the ticket has contributed to it.
pub(super) fn record_cell(entry: &Entry, value: Value, contribution: Number) {
    entry.value.store(value.bits(), Relaxed);
    for (word, bits) in entry.contribution.iter().zip(contribution.words()) {
        word.store(bits, Relaxed);
    }
}

/// Writes the rest of the state after the commit; nothing has happened yet.
pub(super) fn record(view: &View<'_>, after: &After) {
    let redo = &view.header.redo;
    redo.ticket.store(after.ticket, Relaxed);
    redo.has_chunk.store(after.chunk.is_some().into(), Relaxed);
    redo.claim.store(after.claim.word(), Relaxed);
    if let Some(after) = &after.chunk {
        store(&redo.chunk, &after.chunk);
        redo.chunks.store(after.chunks, Relaxed);
        redo.iterations.store(after.iterations, Relaxed);
        redo.cursor.store(after.cursor, Relaxed);
        redo.robbed.store(after.robbed, Relaxed);
    }
    let finished = u64::from(matches!(after.claim, State::Done { .. }));
    redo.done.store(redo.done_count.load(Relaxed).wrapping_add(finished), Relaxed);
}

/// Commits: before this store nothing has happened, after it everything has.
pub(super) fn publish(view: &View<'_>) {
    let published = &view.header.core.published;
    // Release pairs with the Acquire in `apply`, which a recovering process runs: it sees the whole record.
    published.store(published.load(Relaxed).wrapping_add(1), Release);
    // The store keeps what comes before it before it; the fence keeps what comes after it, the application, behind it.
    // It pairs with the Acquire fence in the snapshot's `settled::header`, and with the Acquire in `shared::load`.
    fence(Release);
}

/// Puts the published record into place. Doing it again, from any point of it, gives the same state.
///
/// # Errors
/// [`Error::Damaged`] if the record names a ticket or a count that there is not.
#[inline]
pub(super) fn apply(view: &View<'_>) -> Step<()> {
    let core = &view.header.core;
    // Acquire pairs with the Release in `publish`.
    let number = core.published.load(Acquire);
    let owner = Owner::of(view)?;
    view.cells().zip(view.redo_entries()).for_each(|(cell, entry)| cell.store(entry.value.load(Relaxed), Relaxed));
    if let Some(owner) = owner {
        owner.apply(view);
    }
    // Release pairs with the Acquire fence in the snapshot's `settled::header`: who sees the number sees the state.
    core.applied.store(number, Release);
    Ok(())
}

/// Where the record's part for the ticket goes, looked up before anything is stored.
struct Owner<'a> {
    ticket: u32,
    slot: &'a Slot,
    /// Whether the ticket's chunk is part of the record.
    has_chunk: bool,
    robbed: Option<&'a Slot>,
    /// Its place in the log, if the commit finishes the ticket.
    place: Option<&'a AtomicU32>,
}

impl<'a> Owner<'a> {
    /// Nothing for a record that changes the cells alone.
    fn of(view: &View<'a>) -> Step<Option<Self>> {
        let redo = &view.header.redo;
        let ticket = redo.ticket.load(Relaxed);
        if ticket == 0 {
            return Ok(None);
        }
        let has_chunk = redo.has_chunk.load(Relaxed) != 0;
        let robbed = if has_chunk { redo.robbed.load(Relaxed) } else { 0 };
        let done = redo.done.load(Relaxed);
        let finishes = matches!(State::of(redo.claim.load(Relaxed)), State::Done { .. });
        let place = usize::try_from(done).ok().and_then(|done| view.log.get(done.checked_sub(1)?));
        match (view.slot(ticket), view.slot(robbed), place) {
            (Some(slot), other, place) if (other.is_some() || robbed == 0) && (place.is_some() || !finishes) => {
                Ok(Some(Self { ticket, slot, has_chunk, robbed: other, place: place.filter(|_| finishes) }))
            }
            _ => Err(damaged(ticket, done)),
        }
    }

    fn apply(&self, view: &View<'_>) {
        let (redo, slot) = (&view.header.redo, self.slot);
        view.entries(slot, self.ticket).zip(view.redo_entries()).for_each(|(entry, redo)| {
            entry.value.store(redo.value.load(Relaxed), Relaxed);
            for (to, from) in entry.contribution.iter().zip(&redo.contribution) {
                to.store(from.load(Relaxed), Relaxed);
            }
        });
        plant::at(Point::HalfApplied);
        if self.has_chunk {
            self.apply_chunk(redo);
        }
        slot.claim.store(redo.claim.load(Relaxed), Relaxed);
        if let Some(place) = self.place {
            place.store(self.ticket, Relaxed);
            // Release pairs with the Acquire in `Segment::done`: who counts the ticket sees its slot and its place in
            // the log.
            redo.done_count.store(redo.done.load(Relaxed), Release);
        }
    }

    fn apply_chunk(&self, redo: &Redo) {
        store(&self.slot.chunk, &range(&redo.chunk));
        self.slot.chunks.store(redo.chunks.load(Relaxed), Relaxed);
        self.slot.iterations.store(redo.iterations.load(Relaxed), Relaxed);
        if let Some(robbed) = self.robbed.filter(|_| !plant::has(Fault::RobbedNotCleared)) {
            store(&robbed.chunk, &(0..0));
        }
        redo.given_out.store(redo.cursor.load(Relaxed), Relaxed);
    }
}

#[cold]
fn damaged(ticket: u32, done: u64) -> Box<Error> {
    Box::new(Error::Damaged { what: format!("its redo record is for ticket {ticket}, contribution {done}") })
}

/// Stores a range in a stretch.
pub(super) fn store(stretch: &Stretch, range: &Range<u64>) {
    stretch[0].store(range.start, Relaxed);
    stretch[1].store(range.end, Relaxed);
}

/// The range that a stretch stands for.
pub(super) fn range(stretch: &Stretch) -> Range<u64> {
    stretch[0].load(Relaxed)..stretch[1].load(Relaxed)
}
