//! What to change when an incomplete run is resumed: from the cause of its end.

use common::Segment;

use crate::advice;
use crate::outcome::{EndReason, Outcome};

/// The options with which `resume` may do better, from the cause of the end; `None` where nothing needs to change, or where
/// no option helps.
pub fn remedy(segment: &Segment, outcome: &Outcome) -> Option<String> {
    let (name, terms) = (segment.name(), segment.terms());
    let command = if terms.has_folder { "the same command with".to_owned() } else { advice::resume(name, terms) };
    // All shards of a job have the same worker executable: there it may not change.
    let others = [
        terms.command_timeout.map(|_| "--exec-timeout DUR (more time for a range)"),
        (!terms.has_folder).then_some("--worker PATH (another executable)"),
    ];
    change(outcome, &command, &others.into_iter().flatten().collect::<Vec<_>>())
}

/// The command with its options.
fn change(outcome: &Outcome, command: &str, others: &[&str]) -> Option<String> {
    match outcome.end_reason {
        Some(EndReason::Signal(_) | EndReason::CallerGone | EndReason::Stopped) => None,
        Some(EndReason::TimedOut) => Some(format!("give it more time: {command} --timeout DUR")),
        None if outcome.has_overflow => None,
        None => {
            let options = [&["--restarts N (more attempts)", "--jobs N (fewer workers at once)"], others].concat();
            Some(format!("remove the cause, or change: {command} {}", options.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::PrintedCommits;
    use crate::worker_outcome::WorkerOutcomes;

    #[test]
    fn the_remedy_follows_from_the_end() {
        let after = |end_reason| {
            let workers = WorkerOutcomes::default();
            let outcome = Outcome {
                end_reason,
                workers,
                has_overflow: false,
                printed: PrintedCommits::default(),
                deadline: None,
            };
            change(&outcome, "RESUME", &[]).unwrap_or_default()
        };
        assert_eq!(after(Some(EndReason::Stopped)), "");
        assert_eq!(after(Some(EndReason::TimedOut)), "give it more time: RESUME --timeout DUR");
        assert!(after(None).contains("RESUME --restarts N"));
    }

    #[test]
    fn no_option_makes_a_contribution_fit() {
        let workers = WorkerOutcomes::default();
        let outcome = Outcome {
            end_reason: None,
            workers,
            has_overflow: true,
            printed: PrintedCommits::default(),
            deadline: None,
        };
        assert_eq!(change(&outcome, "RESUME", &[]), None);
    }
}
