//! How fast a run proceeds, and how long it still takes.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use common::{Ledger, Mode, Segment};

use super::run_progress::{KnownWorkers, RunProgress};
use super::steady_rate::{Sample, Samples};
use crate::worker_outcome::WorkerOutcomes;

/// How long to measure before anything is predicted.
const EARLY: Duration = Duration::from_secs(1);

/// Work that nobody has contributed yet counts once the run lasts this many times the delay: until then it says little about
/// when its worker wakes up.
const DELAYS: u32 = 10;

/// When this coordinator began, and the progress since then.
pub struct Eta {
    pub began: Instant,
    part: f64,
    done: usize,
    iterations: u64,
    longest_delay: Duration,
    samples: Samples,
}

impl Eta {
    /// Measures from now on.
    pub fn new(segment: &Segment) -> Self {
        let (began, longest_delay) = (Instant::now(), segment.terms().delay.max());
        let (part, done, iterations) =
            if Ledger::of(segment).done() == 0 && Ledger::of(segment).left() == segment.terms().length() {
                (0.0, 0, 0)
            } else {
                let known = KnownWorkers { children: HashMap::new(), outcomes: &WorkerOutcomes::default() };
                let progress = RunProgress::read(segment, &known, Duration::ZERO);
                (progress.part, progress.done, progress.iterations)
            };
        Self { began, part, done, iterations, longest_delay, samples: Samples::from(part) }
    }

    /// Of a run of which nothing was done when it began.
    #[cfg(test)]
    pub fn from(began: Instant) -> Self {
        let (longest_delay, samples) = (Duration::ZERO, Samples::from(0.0));
        Self { began, part: 0.0, done: 0, iterations: 0, longest_delay, samples }
    }

    /// Takes the progress into account.
    pub fn record(&mut self, progress: &RunProgress, now: Instant) {
        self.samples.add(Sample { at: self.since(now), part: progress.part });
    }

    /// The time since the beginning.
    pub fn elapsed(&self, now: Instant) -> String {
        clock(self.since(now))
    }

    fn since(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.began)
    }

    /// The time left at the present rate, once that is known.
    pub fn left(&self, progress: &RunProgress, now: Instant) -> Option<String> {
        let elapsed = self.since(now);
        if elapsed < EARLY || progress.part >= 1.0 {
            return None;
        }
        let rate = match progress.mode {
            // Chunks grow at first, and the rate with them.
            Mode::Split => self.samples.steady_rate(Sample { at: elapsed, part: progress.part })?,
            // Before the longest delay is over, those that still sleep count as nothing.
            _ if (progress.done > self.done && elapsed >= self.longest_delay)
                || elapsed >= self.longest_delay * DELAYS =>
            {
                (progress.part - self.part) / elapsed.as_secs_f64()
            }
            _ => return None,
        };
        let left = Duration::try_from_secs_f64((1.0 - progress.part) / rate).ok().filter(|_| rate > 0.0)?;
        Some(format!("about {} left", clock(left)))
    }

    /// The rate per second or minute: of iterations in a split run, else of contributions.
    pub fn rate(&self, progress: &RunProgress, now: Instant) -> Option<String> {
        let elapsed = self.since(now);
        let (gained, what) = match progress.mode {
            Mode::Split => (progress.iterations.saturating_sub(self.iterations), " iterations"),
            _ => (progress.done.saturating_sub(self.done) as u64, ""),
        };
        if elapsed < EARLY || gained == 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "for a display")]
        let rate = gained as f64 / elapsed.as_secs_f64();
        Some(if rate >= 1.0 { format!("{}{what}/s", short(rate)) } else { format!("{}{what}/min", short(rate * 60.0)) })
    }
}

/// Two or three digits, and the letter of thousands, millions, …
fn short(number: f64) -> String {
    let mut scaled = number;
    for letter in ["", "k", "M", "G"] {
        if scaled < 999.5 {
            return if scaled < 9.95 { format!("{scaled:.1}{letter}") } else { format!("{scaled:.0}{letter}") };
        }
        scaled /= 1000.0;
    }
    format!("{scaled:.0}T")
}

/// A time as clocks show it: 0:35, 12:00, 1:02:03.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_clocks_show_them() {
        let shown = [0, 35, 60, 719, 3723, 360_000].map(|seconds| clock(Duration::from_secs(seconds)));
        assert_eq!(shown, ["0:00", "0:35", "1:00", "11:59", "1:02:03", "100:00:00"]);
    }

    #[test]
    fn the_time_left_is_shown_once_there_is_a_rate() {
        const SECOND: Duration = Duration::from_secs(1);
        let delay = 60 * SECOND;
        // Mode, delay, contributions, part and seconds; the time left.
        for (mode, longest_delay, done, part, seconds, expected) in [
            (Mode::Repeat, Duration::ZERO, 0, 0.25, 0.9, None),
            (Mode::Repeat, Duration::ZERO, 0, 0.0, 10.0, None),
            (Mode::Repeat, Duration::ZERO, 0, 0.25, 10.0, Some("0:30")),
            (Mode::Repeat, Duration::ZERO, 4, 1.0, 10.0, None),
            // Just after the delay, the work of the sleepers counts next to nothing.
            (Mode::Repeat, delay, 0, 1e-5, 61.0, None),
            (Mode::Repeat, delay, 1, 0.25, 61.0, Some("3:03")),
            (Mode::Repeat, delay, 0, 0.25, 600.0, Some("30:00")),
            // Chunks of a few iterations, before they grow.
            (Mode::Split, delay, 0, 1e-6, 600.0, None),
        ] {
            let began = Instant::now();
            let eta = Eta { longest_delay, ..Eta::from(began) };
            let mut progress = RunProgress::none(mode);
            (progress.done, progress.part) = (done, part);
            let left = eta.left(&progress, began + Duration::from_secs_f64(seconds));
            let expected = expected.map(|time| format!("about {time} left"));
            assert_eq!(left, expected, "{mode:?}, {longest_delay:?}, {done} done, {part} after {seconds} s");
        }
    }

    #[test]
    fn rates_have_two_digits_or_three() {
        let shown = [1.0, 9.94, 9.96, 999.4, 999.6, 52_100_000.0, 7e9, 3e12, 4e15].map(short);
        assert_eq!(shown, ["1.0", "9.9", "10", "999", "1.0k", "52M", "7.0G", "3T", "4000T"]);
    }
}
