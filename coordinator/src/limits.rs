//! How far a coordinator goes: as its run's terms say, or as `resume` was asked to.

use std::time::{Duration, Instant};

use common::Terms;

use crate::args::{ResumeArgs, RunArgs, Workers};
use crate::error::{Error, Result};

/// Slots for workers that join a run by hand.
pub const SPARE_SLOTS: u32 = 252;

/// The limits of one `run` or `resume`. They are not stored in the segment: those of a `resume` hold for it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many workers may be alive at once.
    pub jobs: u32,
    /// How often a worker is launched again, and a failed kernel is tried again.
    pub restarts: u32,
    /// How long a command may take for one range.
    pub command_timeout: Option<Duration>,
    /// When to give up.
    pub deadline: Option<Instant>,
}

impl Limits {
    /// The limits in the terms of a run.
    pub fn of(terms: &Terms, deadline: Option<Instant>) -> Self {
        let Terms { jobs, restarts, command_timeout, .. } = *terms;
        Self { jobs, restarts, command_timeout, deadline }
    }

    /// The limits of a `resume`: those of the run, except what its options change.
    pub fn resumed(terms: &Terms, args: &ResumeArgs) -> Result<Self> {
        Ok(Self {
            jobs: args.jobs.map_or(Ok(terms.jobs), |given| jobs(given, terms.workers))?,
            restarts: args.restarts.map_or(Ok(terms.restarts), restarts)?,
            command_timeout: args.exec_timeout.map(command_timeout).transpose()?.or(terms.command_timeout),
            deadline: deadline(args.timeout.or(terms.timeout)),
        })
    }

    /// The limits of a run that takes up the segment of an earlier start: those of its own options.
    pub fn taken_up(terms: &Terms, args: &RunArgs, deadline: Option<Instant>) -> Result<Self> {
        Ok(Self {
            jobs: args.jobs.map_or(Ok(terms.jobs), |given| jobs(given, terms.workers))?,
            restarts: restarts(args.restarts)?,
            command_timeout: args.terms.exec_timeout.or(terms.command_timeout),
            deadline,
        })
    }

    /// The worker's options for what differs from the terms that it reads.
    pub fn worker_options(self, terms: &Terms) -> Vec<String> {
        let changed = [("--jobs", self.jobs, terms.jobs), ("--restarts", self.restarts, terms.restarts)];
        let changed = changed.into_iter().filter(|(_, now, before)| now != before);
        let counts = changed.flat_map(|(option, now, _)| [option.to_owned(), now.to_string()]);
        let timeout = self.command_timeout.filter(|_| self.command_timeout != terms.command_timeout);
        counts.chain(timeout.map(|timeout| format!("--exec-timeout={}ns", timeout.as_nanos()))).collect()
    }
}

/// How long a command may take, which is not nothing.
pub fn command_timeout(given: Duration) -> Result<Duration> {
    if given.is_zero() {
        return Err(Error::usage("--exec-timeout is 0", "give the command some time, such as 10s"));
    }
    Ok(given)
}

/// When a timeout that begins now has passed; nothing if it is further off than an [`Instant`] can be.
pub fn deadline(timeout: Option<Duration>) -> Option<Instant> {
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}

/// How many workers of that many may be alive at once.
pub fn jobs(given: u64, workers: u32) -> Result<u32> {
    Ok(count("--jobs", given, 1)?.min(workers))
}

/// How often a worker is launched again.
pub fn restarts(given: u64) -> Result<u32> {
    count("--restarts", given, 0)
}

/// Checks a count of processes.
pub fn count(option: &str, given: u64, least: u32) -> Result<u32> {
    let most = Workers::MOST + SPARE_SLOTS;
    let count_within = u32::try_from(given).ok().filter(|count| (least..=most).contains(count));
    count_within.ok_or_else(|| Error::usage(format!("{option} is {given}"), format!("{option} is {least} to {most}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_told_what_differs_from_its_terms() {
        let terms = Terms { jobs: 4, restarts: 3, ..Terms::by_hand("none", 4) };
        let limits = Limits::of(&terms, None);
        assert_eq!(limits.worker_options(&terms), [""; 0]);
        assert_eq!(Limits { restarts: 0, ..limits }.worker_options(&terms), ["--restarts", "0"]);
        let longer = Limits { command_timeout: Some(Duration::from_millis(1500)), ..limits };
        assert_eq!(longer.worker_options(&terms), ["--exec-timeout=1500000000ns"]);
        let both = Limits { restarts: 9, jobs: 1, command_timeout: None, deadline: deadline(Some(Duration::ZERO)) };
        assert_eq!(both.worker_options(&terms), ["--jobs", "1", "--restarts", "9"]);
    }
}
