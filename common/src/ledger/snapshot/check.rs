//! Whether a ledger holds together: the proof that stands before every report.

use super::{Snapshot, WorkerState};
use crate::terms::Mode;

/// A ledger that contradicts itself; nothing that it says is to be reported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The value is not the sum of the contributions.
    #[error("the value is {value}, and the contributions make {sum}")]
    Value {
        /// What the segment holds.
        value: i128,
        /// What it should hold.
        sum: i128,
    },
    /// The log does not name the tickets that are done, once each.
    #[error("the log names {logged} tickets, and {done} are done")]
    Log {
        /// How many distinct tickets that are done the log names.
        logged: usize,
        /// How many tickets are done.
        done: usize,
    },
}

impl Snapshot {
    /// Proves the ledger's invariants.
    ///
    /// # Errors
    /// The [`Violation`] that was found.
    pub fn check(&self) -> Result<(), Violation> {
        let contributions = self.workers.iter().filter_map(|worker| worker.contribution);
        let sum = contributions.fold(0, i128::wrapping_add);
        let sum = if self.terms.mode == Mode::Repeat { self.terms.value_type.wrap(sum).to_i128() } else { 0 };
        if self.value.to_i128() != sum {
            return Err(Violation::Value { value: self.value.to_i128(), sum });
        }
        let done = self.workers.iter().filter(|worker| worker.state == WorkerState::Done).count();
        let mut logged: Vec<u32> = self.log.clone();
        logged.sort_unstable();
        logged.dedup();
        logged.retain(|ticket| self.worker(*ticket).is_some_and(|worker| worker.state == WorkerState::Done));
        if logged.len() == done && self.log.len() == done {
            Ok(())
        } else {
            Err(Violation::Log { logged: logged.len(), done })
        }
    }
}
