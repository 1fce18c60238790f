//! What to change when an incomplete run is resumed.

use common::SegmentName;

use crate::outcome::{EndReason, Outcome};

/// The options with which `resume` may do better, from the cause of the end; `None` where nothing needs to change, or where
/// no option helps.
pub fn advice(name: &SegmentName, outcome: &Outcome) -> Option<String> {
    let change = match outcome.end_reason {
        Some(EndReason::Signal(_) | EndReason::CallerGone | EndReason::Stopped) => return None,
        Some(EndReason::TimedOut) => "give it more time: coordinator resume NAME --timeout DUR",
        None if outcome.has_overflow => return None,
        None => {
            "remove the cause, or change: coordinator resume NAME --restarts N (more attempts), --jobs N (fewer workers at \
             once), --worker PATH (another executable)"
        }
    };
    Some(change.replace("NAME", name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::PrintedCommits;
    use crate::worker_outcome::WorkerOutcomes;

    #[test]
    fn the_advice_follows_from_the_end() {
        let name = "demo".parse().expect("the name is legal");
        let after = |end_reason| {
            let workers = WorkerOutcomes::default();
            let outcome = Outcome {
                end_reason,
                workers,
                has_overflow: false,
                printed: PrintedCommits::default(),
                deadline: None,
            };
            advice(&name, &outcome).unwrap_or_default()
        };
        assert_eq!(after(Some(EndReason::Stopped)), "");
        assert_eq!(after(Some(EndReason::TimedOut)), "give it more time: coordinator resume demo --timeout DUR");
        assert!(after(None).contains("coordinator resume demo --restarts N"));
    }

    #[test]
    fn no_option_makes_a_contribution_fit() {
        let name = "demo".parse().expect("the name is legal");
        let workers = WorkerOutcomes::default();
        let outcome = Outcome {
            end_reason: None,
            workers,
            has_overflow: true,
            printed: PrintedCommits::default(),
            deadline: None,
        };
        assert_eq!(advice(&name, &outcome), None);
    }
}
