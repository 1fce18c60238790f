//! Durations and delay ranges as people write them: `0.5`, `200ms`, `100ms..500ms`.

use crate::system_error::debug_as_display;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// The syntax of durations, for messages.
const DURATION_RULE: &str =
    "a duration is a number of seconds or has a unit, such as 0.5, 200ms or 2min, at most 584 years";

/// Why a text is not a duration or a delay range.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDelay {
    /// The text is not a duration.
    #[error("{text:?} is not a duration: {DURATION_RULE}")]
    Duration {
        /// The text.
        text: String,
    },
    /// The range ends before it begins.
    #[error("{text:?} is not a delay: it ends before it begins (MIN..MAX, such as 100ms..500ms)")]
    Reversed {
        /// The text.
        text: String,
    },
}

debug_as_display!(InvalidDelay);

/// Parses a duration such as `200ms`, `2min` or `1.5`, which are seconds; at most 2^64 - 1 nanoseconds (584 years).
///
/// ```
/// use std::time::Duration;
/// assert_eq!(common::parse_duration("1.5"), Ok(Duration::from_millis(1500)));
/// ```
///
/// # Errors
/// [`InvalidDelay::Duration`] if the text is not a duration.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidDelay> {
    let fits = |duration: &Duration| u64::try_from(duration.as_nanos()).is_ok();
    let duration = seconds(text).or_else(|| humantime::parse_duration(text).ok());
    duration.filter(fits).ok_or_else(|| InvalidDelay::Duration { text: text.to_owned() })
}

/// A bare number: seconds, as for Python's `time.sleep` and for `timeout(1)`. No other number of Rust's, such as `inf` or `1e9`.
fn seconds(text: &str) -> Option<Duration> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds = text.parse().ok().filter(|_| is_plain)?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// How long a worker sleeps between its computation and its commit: uniformly from `min` to `max`.
///
/// ```
/// use common::DelayRange;
/// let range: DelayRange = "100ms..500ms".parse()?;
/// assert_eq!(range.draw(7, 1), range.draw(7, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayRange {
    min: Duration,
    max: Duration,
}

impl DelayRange {
    /// No delay.
    pub const NONE: Self = Self { min: Duration::ZERO, max: Duration::ZERO };

    /// The delay of Program B: `uniform(0.1, 0.5)` seconds.
    pub const DEFAULT: Self = Self { min: Duration::from_millis(100), max: Duration::from_millis(500) };

    /// The range from `min` to `max`; nothing if `min` is larger.
    #[must_use]
    pub fn new(min: Duration, max: Duration) -> Option<Self> {
        (min <= max).then_some(Self { min, max })
    }

    /// The shortest delay.
    #[must_use]
    pub fn min(self) -> Duration {
        self.min
    }

    /// The longest delay.
    #[must_use]
    pub fn max(self) -> Duration {
        self.max
    }

    /// The delay of a ticket under a seed. A worker that takes the ticket over draws the same.
    #[must_use]
    pub fn draw(self, seed: u64, ticket: u32) -> Duration {
        // Different tickets of one seed, and one ticket of neighbouring seeds, must not share a stream. The odd multiplier
        // (2^64 / golden ratio; Steele, Lea and Flood 2014, SplitMix) spreads the tickets.
        let stream = seed ^ u64::from(ticket).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        StdRng::seed_from_u64(stream).random_range(self.min..=self.max)
    }
}

impl FromStr for DelayRange {
    type Err = InvalidDelay;

    fn from_str(text: &str) -> Result<Self, InvalidDelay> {
        let (min, max) = match text.split_once("..") {
            Some((min, max)) => (parse_duration(min)?, parse_duration(max)?),
            None => (parse_duration(text)?, parse_duration(text)?),
        };
        Self::new(min, max).ok_or_else(|| InvalidDelay::Reversed { text: text.to_owned() })
    }
}

impl fmt::Display for DelayRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (min, max) = (humantime::format_duration(self.min), humantime::format_duration(self.max));
        if self.min == self.max { write!(formatter, "{min}") } else { write!(formatter, "{min}..{max}") }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_single_durations_and_zero_are_read() {
        let range: DelayRange = "100ms..500ms".parse().unwrap();
        assert_eq!((range.min(), range.max()), (Duration::from_millis(100), Duration::from_millis(500)));
        assert_eq!("0.1..0.5".parse(), Ok(DelayRange::DEFAULT));
        assert_eq!("0".parse(), Ok(DelayRange::NONE));
        assert_eq!("0..0".parse(), Ok(DelayRange::NONE));
        let single: DelayRange = "1.5s".parse().unwrap();
        assert_eq!((single.min(), single.max()), (Duration::from_millis(1500), Duration::from_millis(1500)));
    }

    #[test]
    fn what_is_no_delay_is_refused_with_a_reason() {
        for text in [
            "",
            ".",
            "5..1",
            "-1",
            "-1s",
            "1s..",
            "..1s",
            "abc",
            "1e3",
            "inf",
            "1s...2s",
            "99999999999999999999",
            "1000years",
        ] {
            assert!(text.parse::<DelayRange>().is_err(), "{text}");
        }
        let reversed = "5s..1s".parse::<DelayRange>().unwrap_err();
        assert!(reversed.to_string().contains("ends before it begins"));
    }

    proptest! {
        #[test]
        fn a_drawn_delay_lies_in_its_range_and_is_the_same_again(seed: u64, ticket: u32, a in 0_u64..1 << 40, b in 0_u64..1 << 40) {
            let range = DelayRange::new(Duration::from_nanos(a.min(b)), Duration::from_nanos(a.max(b))).unwrap();
            let drawn = range.draw(seed, ticket);
            prop_assert!((range.min()..=range.max()).contains(&drawn));
            prop_assert_eq!(drawn, range.draw(seed, ticket));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = text.parse::<DelayRange>();
        }
    }
}
