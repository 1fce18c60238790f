//! The check of a ledger's invariants, made before every report.

use std::ops::Range;

use super::{Snapshot, WorkerSnapshot};
use crate::ledger::WorkerState;
use crate::system_error::debug_as_display;
use crate::terms::Mode;
use crate::value::{Number, Overflow, Value};

/// A contradiction in the ledger. Nothing in it may be reported.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The value is not the sum of the contributions.
    #[error("the value is {value}, and the contributions make {sum}")]
    Value {
        /// What the segment holds.
        value: String,
        /// What it should hold.
        sum: String,
    },
    /// The log does not name each finished ticket once.
    #[error("the log names {logged} tickets, and {done} are done")]
    Log {
        /// How many distinct finished tickets the log names.
        logged: usize,
        /// How many tickets are done.
        done: usize,
    },
    /// The iterations given out are not those applied, held or set aside.
    #[error(
        "{given_out} iterations were given out, {applied} are applied, {set_aside} set aside, and workers hold {held}"
    )]
    Chunks {
        /// How many were given out.
        given_out: u64,
        /// How many are applied.
        applied: u128,
        /// How many are part of a worker's chunk.
        held: u128,
        /// How many are set aside.
        set_aside: u128,
    },
}

debug_as_display!(Violation);

impl Snapshot {
    /// Checks the ledger's invariants, if the snapshot is consistent.
    ///
    /// # Errors
    /// The [`Violation`] that was found.
    pub fn check(&self) -> Result<(), Violation> {
        if !self.is_consistent {
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
            // The order of the additions is unknown, and the last digits of fractions depend on it.
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
        // The high half of an `i32` is ignored: another program may have written only the C `int`.
        let differ = |(value, sum): (&Value, &Value)| {
            match (value.number(), sum.number()) {
                // A sum may give any of the NaNs.
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
        let length = |range: &Range<u64>| u128::from(range.end.wrapping_sub(range.start));
        let applied: u128 = self.workers.iter().map(|worker| u128::from(worker.iterations)).sum();
        let held: u128 = self.workers.iter().map(|worker| length(&worker.chunk)).sum();
        let set_aside: u128 = self.set_aside.iter().map(|missing| length(&missing.range)).sum();
        let is_split = self.terms.mode == Mode::Split;
        let given_out = self.iterations_given_out();
        if !is_split || u128::from(given_out) == applied + held + set_aside {
            Ok(())
        } else {
            Err(Violation::Chunks { given_out, applied, held, set_aside })
        }
    }
}

/// Wraps in both kinds of runs: with [`Overflow::Error`], a contribution that does not fit was never added.
fn add(sum: Value, number: Number) -> Value {
    sum.add(number, Overflow::Wrap).unwrap_or(sum)
}
