//! How long the coordinator waits, and for what.

use std::time::Duration;

use rustix::event::{PollFd, Timespec, poll};

/// How long the lock may keep the coordinator from its other duties.
pub const LOCK_PATIENCE: Duration = Duration::from_millis(20);

/// How often to check what wakes nobody.
pub const CHECK_INTERVAL: Duration = Duration::from_millis(200);

/// Waits until a descriptor is ready, for at most that long; without a limit, for as long as it takes.
///
/// Returns whether one is ready. An interruption ends the wait early: callers look at their state again in any case.
pub fn wait(descriptors: &mut [PollFd<'_>], limit: Option<Duration>) -> bool {
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    poll(descriptors, limit.as_ref()).is_ok_and(|ready| ready > 0)
}
