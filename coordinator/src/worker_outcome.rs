//! How workers ended.

use std::collections::BTreeMap;
use std::fmt;

use common::cli::exit_code;
use common::{Exit, Snapshot, WorkerSnapshot};
use rustix::process::WaitStatus;

/// How a worker process ended. Displays as the predicate of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerExit {
    /// With this exit code.
    Code(i32),
    /// Killed by this signal.
    Signal(i32),
}

impl WorkerExit {
    /// Whether the exit code was 0.
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }

    /// The exit code, unless a signal killed it.
    pub fn code(self) -> Option<i32> {
        if let Self::Code(code) = self { Some(code) } else { None }
    }

    /// The signal that killed it.
    pub fn signal(self) -> Option<i32> {
        if let Self::Signal(signal) = self { Some(signal) } else { None }
    }
}

impl From<WorkerExit> for Exit {
    fn from(exit: WorkerExit) -> Self {
        // Both have eight bits (wait(2)).
        let low = |number: i32| u8::try_from(number & 0xff).unwrap_or(0);
        match exit {
            WorkerExit::Code(code) => Self::Code(low(code)),
            WorkerExit::Signal(signal) => Self::Signal(low(signal)),
        }
    }
}

impl From<WaitStatus> for WorkerExit {
    fn from(status: WaitStatus) -> Self {
        match status.terminating_signal() {
            Some(signal) => Self::Signal(signal),
            None => Self::Code(status.exit_status().unwrap_or(-1)),
        }
    }
}

impl fmt::Display for WorkerExit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(signal) => {
                write!(formatter, "was killed by signal {signal} ({})", signal_name(*signal))
            }
            Self::Code(101) => formatter.write_str("panicked (exit code 101)"),
            Self::Code(code) => write!(formatter, "ended with exit code {code}"),
        }
    }
}

/// The name of a signal.
pub fn signal_name(signal: i32) -> &'static str {
    signal_hook::low_level::signal_name(signal).unwrap_or("unknown")
}

/// How the workers of one ticket ended.
#[derive(Clone, Debug, Default)]
pub struct WorkerOutcome {
    /// Launches after the first.
    pub restarts: u32,
    /// How many of these are charged to the ticket. Chunks with which workers died are charged with the others.
    pub charged: u32,
    /// How the last one ended.
    pub exit: Option<WorkerExit>,
    /// Why the ticket was given up.
    pub failure: Option<String>,
}

impl WorkerOutcome {
    /// Its ticket is launched again, and that many restarts are charged to it then.
    pub fn restart(&mut self, charged: u32) {
        (self.restarts, self.charged) = (self.restarts + 1, charged);
    }
}

/// The outcome of a worker that succeeded at its first launch.
static GOOD: WorkerOutcome = WorkerOutcome { restarts: 0, charged: 0, exit: Some(WorkerExit::Code(0)), failure: None };

/// The outcomes of the launched workers, by ticket.
///
/// Most workers succeed at once: each of these takes one byte.
#[derive(Debug, Default)]
pub struct WorkerOutcomes {
    good: Vec<bool>,
    others: BTreeMap<u32, WorkerOutcome>,
}

impl WorkerOutcomes {
    /// Records how a worker ended.
    pub fn record(&mut self, ticket: u32, exit: WorkerExit) {
        if exit.is_success() && !self.others.contains_key(&ticket) {
            let index = ticket as usize;
            self.good.resize(self.good.len().max(index + 1), false);
            self.good[index] = true;
        } else {
            self.entry(ticket).exit = Some(exit);
        }
    }

    /// The outcome of a ticket, to be changed.
    pub fn entry(&mut self, ticket: u32) -> &mut WorkerOutcome {
        let outcome = self.get(ticket).cloned().unwrap_or_default();
        self.others.entry(ticket).or_insert(outcome)
    }

    /// The outcome of a ticket; `None` if this coordinator has launched no worker for it.
    pub fn get(&self, ticket: u32) -> Option<&WorkerOutcome> {
        let is_good = || self.good.get(ticket as usize) == Some(&true);
        self.others.get(&ticket).or_else(|| is_good().then_some(&GOOD))
    }

    /// How often a worker was launched after the first time. Only the coordinator knows of one that died before it took its ticket.
    pub fn restarts_of(&self, worker: &WorkerSnapshot) -> u32 {
        self.get(worker.ticket).map_or(0, |outcome| outcome.restarts).max(worker.restarts)
    }

    /// The same of all workers.
    pub fn restarts(&self, snapshot: &Snapshot) -> u64 {
        snapshot.workers.iter().map(|worker| u64::from(self.restarts_of(worker))).sum()
    }

    /// Whether a contribution was refused because it does not fit.
    pub fn have_overflow(&self) -> bool {
        let overflow = Some(WorkerExit::Code(exit_code::OVERFLOW.into()));
        self.others.values().any(|outcome| outcome.failure.is_some() && outcome.exit == overflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_worker_that_is_given_up_keeps_its_exit_code() {
        let mut outcomes = WorkerOutcomes::default();
        outcomes.record(3, WorkerExit::Code(0));
        assert!(outcomes.get(2).is_none() && outcomes.get(3).is_some_and(|outcome| outcome.failure.is_none()));
        outcomes.entry(3).failure = Some("did nothing".to_owned());
        assert_eq!(outcomes.get(3).and_then(|outcome| outcome.exit), Some(WorkerExit::Code(0)));
        assert_eq!(outcomes.get(3).and_then(|outcome| outcome.failure.as_deref()), Some("did nothing"));
    }

    #[test]
    fn the_last_exit_counts() {
        let mut outcomes = WorkerOutcomes::default();
        outcomes.record(1, WorkerExit::Signal(9));
        outcomes.record(1, WorkerExit::Code(0));
        assert_eq!(outcomes.get(1).and_then(|outcome| outcome.exit), Some(WorkerExit::Code(0)));
        outcomes.record(1, WorkerExit::Code(exit_code::OVERFLOW.into()));
        assert!(!outcomes.have_overflow());
        outcomes.entry(1).failure = Some(String::new());
        assert!(outcomes.have_overflow());
    }
}
