//! A commit without a record: what the tests must be able to tell from the real one.

use std::sync::atomic::Ordering::Relaxed;

use super::state::State;
use super::ticket::Claim;
use crate::layout::View;
use crate::value::{Cells, Number, Value};

/// Adds to the value, and marks the ticket afterwards.
pub(super) fn add_then_mark(view: View<'_>, claim: &Claim, contribution: &Cells<Number>, value: &Cells<Value>) {
    let Some(slot) = view.slot(claim.ticket) else { return };
    let entries = view.entries(slot, claim.ticket);
    for (((cell, entry), value), contribution) in
        view.cells().zip(entries).zip(value.as_slice()).zip(contribution.as_slice())
    {
        cell.store(value.bits(), Relaxed);
        for (to, word) in entry.contribution.iter().zip(contribution.words()) {
            to.store(word, Relaxed);
        }
        entry.value.store(value.bits(), Relaxed);
    }
    let done = &view.header.redo.done_count;
    if let Some(place) = usize::try_from(done.load(Relaxed)).ok().and_then(|done| view.log.get(done)) {
        place.store(claim.ticket, Relaxed);
    }
    slot.claim.store(State::Done { epoch: claim.epoch }.word(), Relaxed);
    done.store(done.load(Relaxed).wrapping_add(1), Relaxed);
}
