//! What to change when an incomplete run is resumed.

use common::{Segment, SegmentName, Terms};

use crate::outcome::{EndReason, Outcome};

/// The options with which `resume` may do better, from the cause of the end; `None` where nothing needs to change, or where
/// no option helps.
pub fn advice(segment: &Segment, outcome: &Outcome) -> Option<String> {
    let change = change(outcome)?;
    Some(if segment.terms().has_folder {
        change.replace(" RESUME", " the same command with").replace(", --worker PATH (another executable)", "")
    } else {
        change.replace("RESUME", &resume(segment.name(), segment.terms()))
    })
}

/// The command that resumes a run.
pub fn resume(name: &SegmentName, terms: &Terms) -> String {
    format!("coordinator resume {name}{}", if terms.has_folder { " --results DIR" } else { "" })
}

/// The options, for `RESUME`, which is the command.
fn change(outcome: &Outcome) -> Option<&'static str> {
    match outcome.end_reason {
        Some(EndReason::Signal(_) | EndReason::CallerGone | EndReason::Stopped) => None,
        Some(EndReason::TimedOut) => Some("give it more time: RESUME --timeout DUR"),
        None if outcome.has_overflow => None,
        None => Some(
            "remove the cause, or change: RESUME --restarts N (more attempts), --jobs N (fewer workers at once), --worker PATH \
             (another executable)",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::PrintedCommits;
    use crate::worker_outcome::WorkerOutcomes;

    #[test]
    fn the_advice_follows_from_the_end() {
        let after = |end_reason| {
            let workers = WorkerOutcomes::default();
            let outcome = Outcome {
                end_reason,
                workers,
                has_overflow: false,
                printed: PrintedCommits::default(),
                deadline: None,
            };
            change(&outcome).unwrap_or_default()
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
        assert_eq!(change(&outcome), None);
    }
}
