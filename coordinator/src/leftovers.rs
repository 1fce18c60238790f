//! What killed processes left in `/dev/shm`, at the start of a command that creates a segment.

use common::{Condition, Mode, Origin, RunState, SegmentInfo};

use crate::figures::counted;
use crate::narration::Narrator;
use crate::report::table::per_cent_applied;

/// Removes what nobody needs any more: unfinished segments of killed creators, and segments whose coordinators were killed
/// between their mark and their removal, or together with their calling programs. Returns what dead runs left with work in it.
pub fn clear() -> Vec<SegmentInfo> {
    // If the folder cannot be read, the creation that follows reports it.
    let _ = common::remove_creation_debris();
    let mut left = common::list().unwrap_or_default();
    for marked in left.iter().filter(|left| left.state == RunState::ToBeRemoved) {
        // One that cannot be removed now is left to the next start.
        let _ = common::remove_marked(&marked.name);
    }
    for called in left.iter().filter(|left| left.terms.origin == Origin::Call && left.state.is_left_behind(&left.terms))
    {
        let _ = common::remove(&called.name, Condition::Stale);
    }
    left.retain(|left| left.state.is_left_behind(&left.terms) && left.terms.origin != Origin::Call);
    left
}

/// Names the runs that dead coordinators left behind, and the commands that deal with them.
pub fn name(left: &[SegmentInfo], narrator: &Narrator) {
    for existing in left {
        let name = &existing.name;
        let applied = match existing.terms.mode {
            Mode::Split => format!("{}% of its range", per_cent_applied(existing)),
            _ => format!("{} of {}", existing.done, counted(existing.total, "contribution")),
        };
        let finish = if existing.terms.has_folder {
            "finish it: run its shard's command again".to_owned()
        } else {
            format!("finish it: coordinator resume {name}")
        };
        let (whose, resume) = match (existing.state, existing.terms.origin) {
            (RunState::Foreign { .. }, Origin::ByHand) => {
                ("in another PID namespace (container), whose workers are gone", String::new())
            }
            (RunState::Foreign { .. }, Origin::Run | Origin::Call) => {
                ("by a run of another PID namespace (container), whose processes are gone", format!("{finish}; or "))
            }
            _ => ("by a run whose coordinator died", format!("{finish}; or ")),
        };
        narrator.note(format_args!(
            "segment \"{name}\" was left behind {whose}, with {applied} applied; {resume}remove it: \
             coordinator remove {name}"
        ));
    }
}
