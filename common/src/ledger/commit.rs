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

use std::sync::atomic::Ordering::Relaxed;

use super::redo::{apply, publish, record};
use super::state::State;
use super::ticket::Claim;
use crate::error::{Error, Result};
use crate::lock::Guard;
use crate::plant::{self, Fault, Point};
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
        let is_own = claim.nonce == self.segment().nonce()
            && slot.claim.load(Relaxed) == (State::Taken { epoch: claim.epoch }).word();
        if !is_own && !plant::has(Fault::NoRecheck) {
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
        let done = view.header.redo.done_count.load(Relaxed);
        if done >= u64::from(terms.slots) {
            return Err(Error::Damaged {
                what: format!("it counts {done} contributions and has {} tickets", terms.slots),
            });
        }
        #[cfg(feature = "plant")]
        if plant::has(Fault::AddBeforeMark) {
            super::faulty::add_then_mark(view, claim, contribution, value);
            return Ok(Committed { ticket: claim.ticket, contribution, value });
        }
        if plant::has(Fault::ValueBeforeCommit) {
            view.header.core.value.store(value.bits(), Relaxed);
        }
        record(view, claim.ticket, State::Done { epoch: claim.epoch }, contribution, value);
        plant::at(Point::Recorded);
        publish(view);
        plant::at(Point::Published);
        apply(view)?;
        Ok(Committed { ticket: claim.ticket, contribution, value })
    }
}
