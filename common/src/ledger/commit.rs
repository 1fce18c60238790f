//! The commit: one store decides.
//!
//! 1. Under the lock, check that the ticket is still this worker's and not done.
//! 2. Write the state after the commit, absolute, into the redo record.
//! 3. Publish: store the commit's number. **This store is the commit.** Killed before it, nothing has happened; killed
//!    after it, everything has.
//! 4. Apply the record, mark it applied.
//!
//! A process is killed between two of its instructions, so what matters is that the compiler keeps the order of the
//! stores; who sees them next has taken the lock, or been given it by the kernel, after them.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::ticket::{Claim, State};
use crate::error::{Error, Result};
use crate::layout::{View, halves};
use crate::lock::Guard;
use crate::plant::{self, Point};
use crate::terms::Mode;
use crate::value::Value;

/// A contribution that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The ticket.
    pub ticket: u32,
    /// What was contributed, in full.
    pub contribution: i128,
    /// The shared value right after it.
    pub value: Value,
}

impl Guard<'_> {
    /// Adds `contribution` to the shared value, exactly once, and finishes the ticket.
    ///
    /// # Errors
    /// [`Error::Superseded`] if the ticket is another worker's by now; [`Error::Overflow`] if the sum does not fit and
    /// that is an error. Nothing is changed then.
    pub fn commit(&mut self, claim: &Claim, contribution: i128) -> Result<Committed> {
        plant::at(Point::Locked);
        let terms = self.segment().terms();
        let view = self.segment().view();
        let superseded = Error::Superseded { ticket: claim.ticket };
        let Some(slot) = view.slot(claim.ticket) else { return Err(superseded) };
        if slot.claim.load(Relaxed) != (State::Taken { epoch: claim.epoch }).word() {
            return Err(superseded);
        }
        let before = terms.value_type.value(view.header.core.value.load(Relaxed));
        let value = match terms.mode {
            Mode::Independent => before,
            Mode::Repeat => before.add(contribution, terms.overflow).ok_or_else(|| Error::Overflow {
                contribution,
                value: before.to_i128(),
                kind: terms.value_type.name(),
            })?,
        };
        record(view, claim, contribution, value);
        plant::at(Point::Recorded);
        publish(view);
        plant::at(Point::Published);
        apply(view)?;
        Ok(Committed { ticket: claim.ticket, contribution, value })
    }
}

fn record(view: View<'_>, claim: &Claim, contribution: i128, value: Value) {
    let redo = &view.header.redo;
    redo.ticket.store(claim.ticket, Relaxed);
    redo.value.store(value.bits(), Relaxed);
    for (cell, half) in redo.contribution.iter().zip(halves(contribution)) {
        cell.store(half, Relaxed);
    }
    redo.claim.store(State::Done { epoch: claim.epoch }.word(), Relaxed);
    redo.done.store(redo.done_count.load(Relaxed) + 1, Relaxed);
}

fn publish(view: View<'_>) {
    let published = &view.header.core.published;
    // Release pairs with the Acquire in `apply`, which a recovering process runs: it sees the whole record.
    published.store(published.load(Relaxed) + 1, Release);
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
    // Release pairs with the Acquire in `Snapshot::read`: who sees the number sees the state without the record.
    core.applied.store(number, Release);
    Ok(())
}
