//! Whether a ledger holds together: the proof that stands before every report.

use super::{Snapshot, WorkerSnapshot, WorkerState};
use crate::terms::Mode;
use crate::value::{Number, Overflow, Value};

/// A ledger that contradicts itself; nothing that it says is to be reported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The value is not the sum of the contributions.
    #[error("the value is {value}, and the contributions make {sum}")]
    Value {
        /// What the segment holds.
        value: String,
        /// What it should hold.
        sum: String,
    },
    /// The log does not name the tickets that are done, once each.
    #[error("the log names {logged} tickets, and {done} are done")]
    Log {
        /// How many distinct tickets that are done the log names.
        logged: usize,
        /// How many tickets are done.
        done: usize,
    },
    /// The iterations that were given out are not those that are applied and those that workers hold.
    #[error("{given_out} iterations were given out, {applied} are applied, and workers hold {held}")]
    Chunks {
        /// How many were given out.
        given_out: u64,
        /// How many are applied.
        applied: u128,
        /// How many are part of a worker's chunk.
        held: u128,
    },
}

impl Snapshot {
    /// Proves the ledger's invariants, if the reading is settled.
    ///
    /// # Errors
    /// The [`Violation`] that was found.
    pub fn check(&self) -> Result<(), Violation> {
        if !self.is_settled {
            return Ok(());
        }
        self.check_value()?;
        self.check_log()?;
        self.check_chunks()
    }

    fn check_value(&self) -> Result<(), Violation> {
        let is_float = self.terms.value_type.is_float();
        let contributors: Vec<&WorkerSnapshot> = match self.terms.mode {
            Mode::Shared => return Ok(()),
            // In which order the chunks were added is not known, and in the last digits of fractions it shows.
            Mode::Split if is_float => return Ok(()),
            Mode::Split => self.workers.iter().collect(),
            Mode::Repeat => self.log.iter().filter_map(|ticket| self.worker(*ticket)).collect(),
            Mode::Independent => Vec::new(),
        };
        let contributions = contributors.into_iter().filter_map(|worker| worker.contribution.as_ref());
        let mut sums = vec![self.terms.value_type.wrap(0); self.value.as_slice().len()];
        for contribution in contributions {
            for (sum, number) in sums.iter_mut().zip(contribution.as_slice()) {
                *sum = add(*sum, *number);
            }
        }
        // The high half of an `i32` is not looked at: another program may have written the C `int` alone.
        let differ = |(value, sum): (&Value, &Value)| {
            match (value.number(), sum.number()) {
                // Which of the many that are no number a sum gives is not laid down.
                (Number::Float(value), Number::Float(sum)) => {
                    value.to_bits() != sum.to_bits() && !(value.is_nan() && sum.is_nan())
                }
                (value, sum) => value != sum,
            }
        };
        match self.value.as_slice().iter().zip(&sums).find(|pair| differ(*pair)) {
            Some((value, sum)) => Err(Violation::Value { value: value.to_string(), sum: sum.to_string() }),
            None => Ok(()),
        }
    }

    fn check_log(&self) -> Result<(), Violation> {
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

    fn check_chunks(&self) -> Result<(), Violation> {
        let applied = self.workers.iter().map(|worker| u128::from(worker.iterations)).sum();
        let held =
            self.workers.iter().map(|worker| u128::from(worker.chunk.end.wrapping_sub(worker.chunk.start))).sum();
        let is_split = self.terms.mode == Mode::Split;
        if !is_split || u128::from(self.given_out).checked_sub(applied) == Some(held) {
            Ok(())
        } else {
            Err(Violation::Chunks { given_out: self.given_out, applied, held })
        }
    }
}

/// What does not fit was never added, so that wrapping is right for both kinds of runs.
fn add(sum: Value, number: Number) -> Value {
    sum.add(number, Overflow::Wrap).unwrap_or(sum)
}
