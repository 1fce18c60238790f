//! What killed processes left in `/dev/shm`, at the start of a command that creates a segment.

use common::{Condition, Origin, RunState, SegmentInfo};

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
