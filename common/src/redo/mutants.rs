//! Planted mistakes in the order of a commit's stores. The crash tests must find each of them.
//!
//! Each mutant stores part of the written record before the commit point, where a kill leaves it behind.

use std::sync::atomic::Ordering::Relaxed;

use super::application::{apply_cells, apply_entries, apply_set_aside};
use super::{ClaimState, Record, apply, load_range, store_range};
use crate::failpoint::Mutant;
use crate::layout::View;

/// Runs the planted mutant, if there is one, between writing the record and publishing it.
pub fn store_before_publishing(view: &View<'_>, record: &Record) {
    let redo = &view.header.redo;
    if Mutant::ValueBeforeCommit.is_planted() {
        view.header.core.value.store(redo.entry.value.load(Relaxed), Relaxed);
    }
    if Mutant::AddBeforeMark.is_planted() {
        add_then_mark(view, record);
    }
    if Mutant::AppliedBeforePublished.is_planted() {
        // A damaged record shows when it is applied again.
        let _ = apply(view);
    }
    if record.chunk.is_some()
        && Mutant::ChunkBeforeCommit.is_planted()
        && let Some(slot) = view.slot(record.ticket)
    {
        store_range(&slot.chunk, &load_range(&redo.chunk));
    }
    if record.chunk.is_some() && Mutant::CursorBeforeCommit.is_planted() {
        redo.given_out.store(redo.cursor.load(Relaxed), Relaxed);
    }
    let place = record.chunk.as_ref().map_or(0, |chunk| chunk.set_aside as usize);
    if Mutant::SetAsideBeforeCommit.is_planted()
        && let Some(place) = place.checked_sub(1).and_then(|index| view.set_aside.get(index))
    {
        apply_set_aside(view, place);
    }
}

/// Adds to the value, then marks the ticket, as a program without a redo record would.
fn add_then_mark(view: &View<'_>, record: &Record) {
    let Some(slot) = view.slot(record.ticket) else { return };
    // A damaged record shows when it is applied again.
    let _ = apply_cells(view);
    apply_entries(view, slot, record.ticket);
    let done = &view.header.redo.done_count;
    if let Some(place) = usize::try_from(done.load(Relaxed)).ok().and_then(|done| view.log.get(done)) {
        place.store(record.ticket, Relaxed);
    }
    slot.claim.store(record.claim.word(), Relaxed);
    done.store(done.load(Relaxed).wrapping_add(matches!(record.claim, ClaimState::Done { .. }).into()), Relaxed);
}
