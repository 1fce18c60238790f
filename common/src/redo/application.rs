//! Where a published record goes: the cells, the ticket's slot, its chunk, the log.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Relaxed, Release};

use super::{ClaimState, Damage, Record, changes, load_range, store_range};
use crate::failpoint::{Failpoint, Mutant};
use crate::layout::{Entry, Redo, SetAside, Slot, View};

#[inline]
pub fn apply_cells(view: &View<'_>) -> Result<(), Box<Damage>> {
    if view.is_single {
        view.header.core.value.store(view.header.redo.entry.value.load(Relaxed), Relaxed);
        return Ok(());
    }
    if !view.changes.is_empty() {
        return changes::apply(view);
    }
    apply_array(view);
    Ok(())
}

#[cold]
fn apply_array(view: &View<'_>) {
    for (index, entry) in view.redo_entries().iter().enumerate() {
        // There is a cell for each entry.
        let _ = view.cells.store(index, entry.value.load(Relaxed), Relaxed);
    }
}

/// Copies the record's sums to the ticket's.
#[inline]
pub fn apply_entries(view: &View<'_>, slot: &Slot, ticket: u32) {
    if view.is_single {
        copy(&slot.entry, &view.header.redo.entry);
    } else {
        apply_array_entries(view, ticket);
    }
}

#[cold]
fn apply_array_entries(view: &View<'_>, ticket: u32) {
    for (to, from) in view.ticket_entries(ticket).iter().zip(view.redo_entries()) {
        copy(to, from);
    }
}

fn copy(to: &Entry, from: &Entry) {
    to.value.store(from.value.load(Relaxed), Relaxed);
    for (to, from) in to.contribution.iter().zip(&from.contribution) {
        to.store(from.load(Relaxed), Relaxed);
    }
}

/// Where the record goes, looked up before anything is stored.
pub struct Target<'a, const HAS_CHUNK: bool> {
    ticket: u32,
    slot: &'a Slot,
    /// The slot that loses its chunk.
    stolen_from: Option<&'a Slot>,
    /// The place among the ranges that are set aside.
    set_aside: Option<&'a SetAside>,
    /// The ticket's place in the log, if the commit finishes it.
    place: Option<&'a AtomicU32>,
}

impl<'a, const HAS_CHUNK: bool> Target<'a, HAS_CHUNK> {
    /// Nothing for a record that changes only the cells.
    #[expect(clippy::inline_always, reason = "out of line, its result goes through memory")]
    #[inline(always)]
    pub fn of(view: &View<'a>) -> Result<Option<Self>, Box<Damage>> {
        let redo = &view.header.redo;
        let ticket = redo.ticket.load(Relaxed);
        if ticket == 0 {
            return Ok(None);
        }
        let of_chunk = |word: &AtomicU32| if HAS_CHUNK { word.load(Relaxed) } else { 0 };
        let (stolen_from, set_aside) = (of_chunk(&redo.stolen_from), of_chunk(&redo.set_aside));
        let done = redo.done.load(Relaxed);
        let finishes = matches!(ClaimState::of(redo.claim.load(Relaxed)), ClaimState::Done { .. });
        let place = log_entry(view, done);
        let range = usize::try_from(set_aside).ok().and_then(|place| view.set_aside.get(place.checked_sub(1)?));
        match (view.slot(ticket), view.slot(stolen_from), range, place) {
            (Some(slot), stolen, range, place)
                if (stolen.is_some() || stolen_from == 0)
                    && (range.is_some() || set_aside == 0)
                    && (place.is_some() || !finishes) =>
            {
                let place = place.filter(|_| finishes);
                Ok(Some(Self { ticket, slot, stolen_from: stolen, set_aside: range, place }))
            }
            _ => Err(damage(ticket, done)),
        }
    }

    /// The target of a record that finishes a ticket, whose slot the caller has looked up.
    #[inline]
    pub fn finishing(view: &View<'a>, record: &Record, slot: &'a Slot) -> Result<Self, Box<Damage>> {
        let Some(place) = log_entry(view, record.done) else { return Err(damage(record.ticket, record.done)) };
        Ok(Self { ticket: record.ticket, slot, stolen_from: None, set_aside: None, place: Some(place) })
    }

    #[inline]
    pub fn apply(&self, view: &View<'_>) {
        let (redo, slot) = (&view.header.redo, self.slot);
        apply_entries(view, slot, self.ticket);
        Failpoint::HalfApplied.reach();
        if HAS_CHUNK {
            self.apply_chunk(view);
        }
        slot.claim.store(redo.claim.load(Relaxed), Relaxed);
        if let Some(place) = self.place {
            place.store(self.ticket, Relaxed);
        }
        // Release: whoever counts the ticket sees its slot and its log entry. Pairs with the Acquire in `ObservedLedger::done`.
        redo.done_count.store(redo.done.load(Relaxed), Release);
    }

    fn apply_chunk(&self, view: &View<'_>) {
        let redo: &Redo = &view.header.redo;
        store_range(&self.slot.chunk, &load_range(&redo.chunk));
        self.slot.first_epoch.store(redo.first_epoch.load(Relaxed), Relaxed);
        self.slot.chunks.store(redo.chunks.load(Relaxed), Relaxed);
        self.slot.iterations.store(redo.iterations.load(Relaxed), Relaxed);
        if let Some(slot) = self.stolen_from.filter(|_| !Mutant::StolenNotCleared.is_planted()) {
            store_range(&slot.chunk, &(0..0));
        }
        if let Some(place) = self.set_aside.filter(|_| !Mutant::SetAsideForgotten.is_planted()) {
            apply_set_aside(view, place);
        }
        redo.given_out.store(redo.cursor.load(Relaxed), Relaxed);
    }
}

/// Where the log has the ticket that is done as the `done`-th, counted from 1.
#[inline]
fn log_entry<'a>(view: &View<'a>, done: u64) -> Option<&'a AtomicU32> {
    usize::try_from(done).ok().and_then(|done| view.log.get(done.checked_sub(1)?))
}

#[cold]
#[expect(clippy::unnecessary_box_returns, reason = "one word, as the results of all steps")]
fn damage(ticket: u32, done: u64) -> Box<Damage> {
    Damage::new(format!("its redo record is for ticket {ticket}, contribution {done}"))
}

#[cold]
pub fn apply_set_aside(view: &View<'_>, place: &SetAside) {
    let record = &view.header.set_aside;
    store_range(&place.range, &load_range(&record.after.range));
    place.cause.store(record.after.cause.load(Relaxed), Relaxed);
    place.count.store(record.after.count.load(Relaxed), Relaxed);
    record.chunk_count.store(record.chunks.load(Relaxed), Relaxed);
}
