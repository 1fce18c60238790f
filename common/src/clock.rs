//! One clock for every process of a run; and the time of day, for people.
//!
//! `CLOCK_BOOTTIME` is the same in all processes of a machine and is never set back. `/proc/PID/stat` gives a process's start
//! on the same clock, so times in the segment can be compared with it (`proc_pid_stat(5)`, `clock_gettime(2)`).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since the machine booted; 0 stands for "not yet".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootTime(pub u64);

impl BootTime {
    /// The current time.
    #[must_use]
    pub fn now() -> Self {
        let now = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        let nanoseconds = u64::try_from(now.tv_nsec).unwrap_or(0);
        Self(seconds * 1_000_000_000 + nanoseconds)
    }

    /// The time since then; zero if it is in the future.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        Duration::from_nanos(Self::now().0.saturating_sub(self.0))
    }
}

/// A time of day in seconds (RFC 3339): the nearest that can be written, as a clock may be anywhere.
#[must_use]
pub fn rfc3339(time: SystemTime) -> String {
    let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    humantime::format_rfc3339_seconds(time.clamp(UNIX_EPOCH, last)).to_string()
}

/// A duration in whole nanoseconds, at most about 584 years.
#[must_use]
pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_of_day_can_be_written() {
        let second = Duration::from_secs(1);
        let far = UNIX_EPOCH + Duration::from_secs(1 << 60);
        assert_eq!(
            [UNIX_EPOCH - second, UNIX_EPOCH + second, far].map(rfc3339),
            ["1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z", "9999-12-31T23:59:59Z"]
        );
    }
}
