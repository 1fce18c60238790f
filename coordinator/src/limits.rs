//! How far a coordinator goes: as its run's terms say, or as `resume` was asked to.

use std::time::Duration;

use common::Terms;

use crate::args::ResumeArgs;
use crate::error::Result;
use crate::plan;

/// The limits of one `run` or `resume`. They are not stored in the segment: those of a `resume` hold for it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many workers may be alive at once.
    pub jobs: u32,
    /// How often a worker is launched again, and a failed kernel is tried again.
    pub restarts: u32,
    /// After which time to give up.
    pub timeout: Option<Duration>,
}

impl Limits {
    /// The limits in the terms of a run.
    pub fn of(terms: &Terms) -> Self {
        Self { jobs: terms.jobs, restarts: terms.restarts, timeout: terms.timeout }
    }

    /// The limits of a `resume`: those of the run, except what its options change.
    pub fn resumed(terms: &Terms, args: &ResumeArgs) -> Result<Self> {
        let of_run = Self::of(terms);
        Ok(Self {
            jobs: args.jobs.map_or(Ok(of_run.jobs), |jobs| plan::jobs(jobs, terms.workers))?,
            restarts: args.restarts.map_or(Ok(of_run.restarts), plan::restarts)?,
            timeout: args.timeout.or(of_run.timeout),
        })
    }

    /// The worker's options for what differs from the terms that it reads.
    pub fn worker_options(self, terms: &Terms) -> Vec<String> {
        let changed = [("--jobs", self.jobs, terms.jobs), ("--restarts", self.restarts, terms.restarts)];
        let changed = changed.into_iter().filter(|(_, now, before)| now != before);
        changed.flat_map(|(option, now, _)| [option.to_owned(), now.to_string()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_told_what_differs_from_its_terms() {
        let terms = Terms { jobs: 4, restarts: 3, ..Terms::by_hand("none", 4) };
        let limits = Limits::of(&terms);
        assert_eq!(limits.worker_options(&terms), [""; 0]);
        assert_eq!(Limits { restarts: 0, ..limits }.worker_options(&terms), ["--restarts", "0"]);
        let both = Limits { restarts: 9, jobs: 1, timeout: Some(Duration::ZERO) };
        assert_eq!(both.worker_options(&terms), ["--jobs", "1", "--restarts", "9"]);
    }
}
