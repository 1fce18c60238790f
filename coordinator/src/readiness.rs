//! Waiting for file descriptors.

use std::time::Duration;

use rustix::event::{PollFd, Timespec, poll};

/// Waits until a descriptor is ready, for at most that long; without a limit, for as long as it takes.
///
/// Returns whether one is ready. An interruption ends the wait early: callers look at their state again in any case.
pub fn wait(descriptors: &mut [PollFd<'_>], limit: Option<Duration>) -> bool {
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    poll(descriptors, limit.as_ref()).is_ok_and(|ready| ready > 0)
}
