//! Why workers failed. Failures with one cause are reported once, and counted.

use std::collections::{BTreeSet, HashMap};

use common::cli::{FailureReport, exit_code};
use common::oom;

use crate::worker_outcome::WorkerExit;

/// Why a worker failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What failures with the same cause have in common.
    pub cause: String,
    /// The reason.
    pub reason: String,
    /// The next step, if there is one.
    pub hint: Option<String>,
    /// Whether the worker reported it itself.
    pub is_reported: bool,
}

impl Failure {
    /// The failure of a worker that ended: what it reported, else what its end tells.
    pub fn of_exit(how: WorkerExit, seen: String, report: Option<FailureReport>) -> Self {
        let Some(FailureReport { reason, hint, .. }) = report else {
            return Self { cause: seen.clone(), reason: seen, hint: None, is_reported: false };
        };
        // Each contribution that does not fit is another number.
        let is_overflow = how == WorkerExit::Code(exit_code::OVERFLOW.into());
        let cause = if is_overflow { how.to_string() } else { reason.clone() };
        Self { cause, reason, hint, is_reported: true }
    }

    /// The same of a worker that the out-of-memory killer may have killed: `killed` says what it has killed. Its count is no part of
    /// the cause.
    pub fn with_oom(self, killed: Option<String>) -> Self {
        let Some(killed) = killed else { return self };
        Self { reason: format!("{}; {killed}", self.reason), hint: Some(oom::HINT.to_owned()), ..self }
    }

    /// The failure of a worker that could not be launched.
    pub fn of_launch(reason: String) -> Self {
        Self { cause: "launch".to_owned(), reason, hint: None, is_reported: false }
    }

    /// The failure of a ticket that a process out of reach held.
    pub fn of_adopted(reason: String) -> Self {
        Self { cause: reason.clone(), reason, hint: None, is_reported: false }
    }
}

/// For each cause, the ticket of which it was reported, and the others that had it.
#[derive(Default)]
pub struct Repeats(HashMap<String, Repeat>);

struct Repeat {
    first: u32,
    others: BTreeSet<u32>,
}

impl Repeats {
    /// Records that something with this cause happened to a ticket; returns whether it is the first time.
    pub fn is_first(&mut self, ticket: u32, cause: &str) -> bool {
        let Some(repeat) = self.0.get_mut(cause) else {
            self.0.insert(cause.to_owned(), Repeat { first: ticket, others: BTreeSet::new() });
            return true;
        };
        if ticket != repeat.first {
            repeat.others.insert(ticket);
        }
        false
    }

    /// The ticket of which each cause was reported, and how many counted others had it; without causes that no other had.
    pub fn counts(&self, is_counted: impl Fn(u32) -> bool) -> Vec<(u32, usize)> {
        let count = |repeat: &Repeat| repeat.others.iter().filter(|ticket| is_counted(**ticket)).count();
        let mut counts: Vec<_> = self.0.values().map(|repeat| (repeat.first, count(repeat))).collect();
        counts.retain(|(_, others)| *others > 0);
        counts.sort_unstable();
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(reason: &str) -> FailureReport {
        FailureReport { pid: 7, reason: reason.to_owned(), hint: Some("look".to_owned()) }
    }

    #[test]
    fn a_worker_knows_better_why_it_failed_than_its_exit_code() {
        let (refused, failed) = (WorkerExit::Code(exit_code::OVERFLOW.into()), WorkerExit::Code(1));
        for (how, report, cause, reason, hint) in [
            (failed, None, "ended", "ended", None),
            (failed, Some(report("no kernel")), "no kernel", "no kernel", Some("look")),
            (refused, Some(report("adding 5")), "ended with exit code 7", "adding 5", Some("look")),
            (refused, Some(report("adding 6")), "ended with exit code 7", "adding 6", Some("look")),
        ] {
            let failure = Failure {
                cause: cause.into(),
                reason: reason.into(),
                hint: hint.map(str::to_owned),
                is_reported: report.is_some(),
            };
            assert_eq!(Failure::of_exit(how, "ended".to_owned(), report), failure);
        }
    }

    #[test]
    fn what_the_out_of_memory_killer_did_is_no_part_of_the_cause() {
        let how = WorkerExit::Signal(9);
        let [plain, one, two] = [None, Some("killed 1"), Some("killed 2")]
            .map(|killed| Failure::of_exit(how, "was killed".to_owned(), None).with_oom(killed.map(str::to_owned)));
        assert_eq!((plain.reason.as_str(), plain.hint.as_deref()), ("was killed", None));
        assert_eq!((one.reason.as_str(), one.hint.as_deref()), ("was killed; killed 1", Some(oom::HINT)));
        assert_eq!((&one.cause, &two.cause), (&plain.cause, &plain.cause));
    }

    #[test]
    fn each_cause_is_reported_once_and_the_other_tickets_are_counted_once() {
        let mut repeats = Repeats::default();
        let reported = [(3, "a"), (1, "a"), (3, "a"), (1, "a"), (4, "a"), (2, "b"), (5, "c"), (1, "c")];
        let reported = reported.map(|(ticket, cause)| repeats.is_first(ticket, cause));
        assert_eq!(reported, [true, false, false, false, false, true, true, false]);
        assert_eq!(repeats.counts(|_| true), [(3, 2), (5, 1)]);
        assert_eq!(repeats.counts(|ticket| ticket != 1), [(3, 1)]);
    }
}
