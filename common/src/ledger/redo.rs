//! The redo record: the state after a commit, absolute, published by one store.
//!
//! Invariant: applying a published record again, from any point of an earlier application, gives the same state.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::fence;

use super::state::State;
use crate::error::{Error, Result};
use crate::layout::{View, halves};
use crate::plant::{self, Point};
use crate::value::Value;

/// Writes the state after the commit into the record; nothing has happened yet.
pub(super) fn record(view: View<'_>, ticket: u32, done: State, contribution: i128, value: Value) {
    let redo = &view.header.redo;
    // Keeps the record's stores behind the last commit's `applied`, also for two commits under one guard: until then a
    // recovery reads the record. It pairs with the Acquire fence in the snapshot's `settled_header`.
    fence(Release);
    redo.ticket.store(ticket, Relaxed);
    redo.value.store(value.bits(), Relaxed);
    for (cell, half) in redo.contribution.iter().zip(halves(contribution)) {
        cell.store(half, Relaxed);
    }
    redo.claim.store(done.word(), Relaxed);
    redo.done.store(redo.done_count.load(Relaxed).wrapping_add(1), Relaxed);
}

/// Commits: before this store nothing has happened, after it everything has.
pub(super) fn publish(view: View<'_>) {
    let published = &view.header.core.published;
    // Release pairs with the Acquire in `apply`, which a recovering process runs: it sees the whole record.
    published.store(published.load(Relaxed).wrapping_add(1), Release);
    // The store keeps what comes before it before it; the fence keeps what comes after it, the application, behind it.
    // It pairs with the Acquire fence in the snapshot's `settled_header`.
    fence(Release);
}

/// Puts the published record into place. Doing it again, from any point of it, gives the same state.
///
/// # Errors
/// [`Error::Damaged`] if the record names a ticket or a count that there is not.
pub(super) fn apply(view: View<'_>) -> Result<()> {
    let core = &view.header.core;
    // Acquire pairs with the Release in `publish`.
    let number = core.published.load(Acquire);
    let redo = &view.header.redo;
    let (ticket, done) = (redo.ticket.load(Relaxed), redo.done.load(Relaxed));
    let place = usize::try_from(done).ok().and_then(|done| view.log.get(done.checked_sub(1)?));
    let (Some(slot), Some(place)) = (view.slot(ticket), place) else {
        return Err(Error::Damaged { what: format!("its redo record is for ticket {ticket}, contribution {done}") });
    };
    core.value.store(redo.value.load(Relaxed), Relaxed);
    for (cell, half) in slot.contribution.iter().zip(&redo.contribution) {
        cell.store(half.load(Relaxed), Relaxed);
    }
    plant::at(Point::HalfApplied);
    slot.value_after.store(redo.value.load(Relaxed), Relaxed);
    slot.claim.store(redo.claim.load(Relaxed), Relaxed);
    place.store(ticket, Relaxed);
    // Release pairs with the Acquire in `Segment::done`: who counts the ticket sees its slot and its place in the log.
    redo.done_count.store(done, Release);
    // Release pairs with the Acquire fence in the snapshot's `settled_header`: who sees the number sees the state.
    core.applied.store(number, Release);
    Ok(())
}
