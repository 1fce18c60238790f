//! The redo record: the state after a commit, absolute, published by one store.
//!
//! Invariant: applying a published record again, from any point of an earlier application, gives the same state.
//! `docs/protocol.md` explains the protocol, its words and its memory orderings.

mod application;
pub mod changes;
mod claim_word;
#[cfg(feature = "failpoints")]
mod mutants;
pub mod recovery;

use std::ops::Range;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::fence;

use application::{Target, apply_cells};
pub use claim_word::ClaimState;

use crate::failpoint::Failpoint;
use crate::layout::{Entry, Slot, Stretch, View};
use crate::system_error::debug_as_display;
use crate::value::{Number, Value};

/// The lock or the ledger is damaged beyond what a crash can do.
///
/// The steps of a commit return it boxed: a large error by value would leave their results in memory instead of registers.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("the segment is damaged: {what}")]
pub struct Damage {
    /// What is wrong.
    pub what: String,
}

debug_as_display!(Damage);

impl Damage {
    #[cold]
    #[expect(clippy::unnecessary_box_returns, reason = "one word, see the type")]
    pub(crate) fn new(what: impl Into<String>) -> Box<Self> {
        Box::new(Self { what: what.into() })
    }

    #[cold]
    #[expect(clippy::unnecessary_box_returns, reason = "one word, see the type")]
    pub(crate) fn truncated() -> Box<Self> {
        Self::new("it was truncated by another program")
    }
}

/// The state after a commit, except for the cells.
pub struct Record {
    /// The ticket that commits; 0 for a commit that changes only the cells.
    pub ticket: u32,
    /// The ticket's claim.
    pub claim: ClaimState,
    /// How many tickets are done.
    pub done: u64,
    /// The ticket's chunk, in a split run.
    pub chunk: Option<ChunkRecord>,
}

/// The state of a ticket's chunk after a commit.
pub struct ChunkRecord {
    /// The chunk that the ticket holds.
    pub chunk: Range<u64>,
    /// See `Slot::first_epoch`.
    pub first_epoch: u32,
    /// The ticket that loses its chunk; 0 if none does.
    pub stolen_from: u32,
    /// Chunks applied under the ticket.
    pub chunks: u64,
    /// Iterations of these chunks.
    pub iterations: u64,
    /// Iterations below it are given out.
    pub cursor: u64,
    /// The place of [`write_set_aside`], if a range is set aside or is set aside no more; else 0.
    pub set_aside: u32,
}

/// A place among the ranges that are set aside, after a commit.
pub struct SetAsideChange {
    /// The place, from 1.
    pub place: u32,
    /// The range; empty if the place is free now.
    pub range: Range<u64>,
    /// The word of its cause.
    pub cause: u32,
    /// Failed attempts, or deaths.
    pub count: u32,
    /// How many chunks the run has set aside.
    pub chunks: u64,
}

/// Starts a record. It is ignored until it is published. The caller holds the lock.
pub fn begin() {
    // Release: keeps the record's stores behind the last commit's `applied`, because a recovery reads the record until
    // then. Pairs with the Acquire fence in `snapshot::seqlock`.
    fence(Release);
}

/// Writes one cell of the record: its value after the commit, and the ticket's sum. The caller holds the lock.
pub fn write_cell(entry: &Entry, value: Value, contribution: Number) {
    entry.value.store(value.bits(), Relaxed);
    for (word, bits) in entry.contribution.iter().zip(contribution.words()) {
        word.store(bits, Relaxed);
    }
}

/// Commits: writes the rest of the record, publishes it, applies it. The caller holds the lock.
///
/// # Errors
/// [`Damage`] if the record names a ticket or a log entry outside the segment.
#[inline]
pub fn commit(view: &View<'_>, record: &Record) -> Result<(), Box<Damage>> {
    complete(view, record);
    apply(view)
}

/// The same for a record without a chunk that finishes a ticket, whose slot the caller has looked up.
///
/// # Errors
/// [`Damage`] if the log has no entry for it.
#[inline]
pub fn commit_finishing(view: &View<'_>, record: &Record, slot: &Slot) -> Result<(), Box<Damage>> {
    // Nothing has to be looked up in the record: less to do while others wait for the lock.
    let target = Target::<false>::finishing(view, record, slot)?;
    let number = complete(view, record);
    put(view, number, Some(&target))
}

/// Writes the rest of the record, and publishes it; returns its number.
#[expect(clippy::inline_always, reason = "the record stays in registers")]
#[inline(always)]
fn complete(view: &View<'_>, record: &Record) -> u64 {
    write(view, record);
    #[cfg(feature = "failpoints")]
    mutants::store_before_publishing(view, record);
    Failpoint::Recorded.reach();
    let number = publish(view);
    Failpoint::Published.reach();
    number
}

fn write(view: &View<'_>, record: &Record) {
    let redo = &view.header.redo;
    redo.ticket.store(record.ticket, Relaxed);
    redo.has_chunk.store(record.chunk.is_some().into(), Relaxed);
    redo.claim.store(record.claim.word(), Relaxed);
    if let Some(chunk) = &record.chunk {
        store_range(&redo.chunk, &chunk.chunk);
        redo.chunks.store(chunk.chunks, Relaxed);
        redo.iterations.store(chunk.iterations, Relaxed);
        redo.cursor.store(chunk.cursor, Relaxed);
        redo.first_epoch.store(chunk.first_epoch, Relaxed);
        redo.stolen_from.store(chunk.stolen_from, Relaxed);
        redo.set_aside.store(chunk.set_aside, Relaxed);
    }
    redo.done.store(record.done, Relaxed);
}

/// Writes the part of the record that few commits have: a place among the ranges that are set aside. The caller holds the lock.
///
/// A function of its own, so that the other commits stay in registers.
#[cold]
pub fn write_set_aside(view: &View<'_>, change: &SetAsideChange) {
    begin();
    let record = &view.header.set_aside;
    store_range(&record.after.range, &change.range);
    record.after.cause.store(change.cause, Relaxed);
    record.after.count.store(change.count, Relaxed);
    record.chunks.store(change.chunks, Relaxed);
    // Before the commit point: a place that is counted and not used is only free.
    record.used.store(record.used.load(Relaxed).max(change.place.into()), Relaxed);
}

/// The commit point: before this store nothing has happened, after it everything has. Returns the record's number.
fn publish(view: &View<'_>) -> u64 {
    let published = &view.header.core.published;
    // Release: whoever sees the number sees the whole record. Pairs with the Acquire in `apply`, which a recovering
    // process runs.
    let number = published.load(Relaxed).wrapping_add(1);
    published.store(number, Release);
    // Release: keeps the application behind the commit point. Pairs with the Acquire fence in `snapshot::seqlock` and with
    // the Acquire in `SharedCells::load` and `load_only`.
    fence(Release);
    number
}

/// Puts the published record into place. Repeating it, from any point, gives the same state.
///
/// # Errors
/// [`Damage`] if the record names a ticket or a log entry outside the segment.
#[inline]
pub fn apply(view: &View<'_>) -> Result<(), Box<Damage>> {
    // Acquire: before anything of the record is read. Pairs with the Release in `publish`.
    let number = view.header.core.published.load(Acquire);
    let has_chunk = view.header.redo.has_chunk.load(Relaxed) != 0;
    if has_chunk { apply_as::<true>(view, number) } else { apply_as::<false>(view, number) }
}

/// The same, compiled once for records with a chunk and once for the others, which then stay in registers.
#[inline(never)]
fn apply_as<const HAS_CHUNK: bool>(view: &View<'_>, number: u64) -> Result<(), Box<Damage>> {
    put(view, number, Target::<HAS_CHUNK>::of(view)?.as_ref())
}

/// Puts the record that is published with this number where it goes.
#[expect(clippy::inline_always, reason = "the target stays in registers")]
#[inline(always)]
fn put<const HAS_CHUNK: bool>(
    view: &View<'_>,
    number: u64,
    target: Option<&Target<'_, HAS_CHUNK>>,
) -> Result<(), Box<Damage>> {
    apply_cells(view)?;
    if let Some(target) = target {
        target.apply(view);
    }
    // Release: whoever sees the number sees the state. Pairs with the Acquire fence in `snapshot::seqlock`.
    view.header.core.applied.store(number, Release);
    Ok(())
}

/// Stores a range of iterations.
pub fn store_range(stretch: &Stretch, range: &Range<u64>) {
    stretch[0].store(range.start, Relaxed);
    stretch[1].store(range.end, Relaxed);
}

/// Loads a range of iterations.
pub fn load_range(stretch: &Stretch) -> Range<u64> {
    stretch[0].load(Relaxed)..stretch[1].load(Relaxed)
}
