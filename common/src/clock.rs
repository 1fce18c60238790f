//! One clock for every process of a run.
//!
//! `CLOCK_BOOTTIME` is the same in all processes of a machine, never set back, and it is the clock in which
//! `/proc/PID/stat` gives a process's start, so that an instant in the segment can be compared with it
//! (`proc_pid_stat(5)`, `clock_gettime(2)`).

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since the machine booted; 0 stands for "not yet".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub u64);

impl Instant {
    /// The present instant.
    #[must_use]
    pub fn now() -> Self {
        let now = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        let nanoseconds = u64::try_from(now.tv_nsec).unwrap_or(0);
        Self(seconds * 1_000_000_000 + nanoseconds)
    }

    /// The time from this instant to the present one; zero if this one lies ahead.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        Duration::from_nanos(Self::now().0.saturating_sub(self.0))
    }
}

/// A duration in whole nanoseconds, at most about 584 years.
#[must_use]
pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
