//! A commit without a record: what the tests must be able to tell from the real one.

use std::sync::atomic::Ordering::Relaxed;

use super::state::State;
use super::ticket::Claim;
use crate::layout::{Slot, View};

/// Adds to the value what lies in the record, which is never published, and marks the ticket afterwards; says that nothing
/// is left to do.
pub(super) fn add_then_mark(view: &View<'_>, slot: &Slot, claim: &Claim) -> bool {
    view.cells().zip(view.redo_entries()).for_each(|(cell, redo)| cell.store(redo.value.load(Relaxed), Relaxed));
    view.entries(slot, claim.ticket).zip(view.redo_entries()).for_each(|(entry, redo)| {
        for (to, from) in entry.contribution.iter().zip(&redo.contribution) {
            to.store(from.load(Relaxed), Relaxed);
        }
        entry.value.store(redo.value.load(Relaxed), Relaxed);
    });
    let done = &view.header.redo.done_count;
    if let Some(place) = usize::try_from(done.load(Relaxed)).ok().and_then(|done| view.log.get(done)) {
        place.store(claim.ticket, Relaxed);
    }
    slot.claim.store(State::Done { epoch: claim.epoch }.word(), Relaxed);
    done.store(done.load(Relaxed).wrapping_add(1), Relaxed);
    false
}
