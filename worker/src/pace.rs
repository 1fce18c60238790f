//! How many iterations a worker takes at a time, where that is left to it.

use std::time::Duration;

/// The longest that a chunk is meant to take: what is lost with a worker that dies.
const LONGEST: Duration = Duration::from_millis(100);

/// The shortest, a hundred times as long as a contended claim and commit takes at most (50 µs): these stay below 1 %.
const SHORTEST: Duration = Duration::from_millis(5);

/// From one chunk to the next the size grows by no more than this: a few iterations may take longer than the first ones.
const GROWTH: u64 = 8;

/// A worker's pace.
pub struct Pace {
    /// Whether a process is started for each chunk, which takes milliseconds, and tens of them for an interpreter.
    starts_processes: bool,
    /// The last chunk's iterations, and how long they took.
    last: Option<(u64, Duration)>,
    /// What each chunk takes whatever its size is, once that is known.
    overhead: Option<Duration>,
}

impl Pace {
    /// That of a worker that has not begun.
    pub fn new(starts_processes: bool) -> Self {
        Self { starts_processes, last: None, overhead: None }
    }

    /// Remembers how long a chunk took.
    pub fn record(&mut self, iterations: u64, took: Duration) {
        let (iterations, took) = (iterations.max(1), took.max(Duration::from_nanos(1)));
        if let Some(last) = self.last.filter(|_| self.starts_processes) {
            self.learn_overhead(last, (iterations, took));
        }
        self.last = Some((iterations, took));
    }

    /// Draws the line through two chunks of different sizes: where it begins is what each chunk costs.
    fn learn_overhead(&mut self, one: (u64, Duration), other: (u64, Duration)) {
        let ((few, short), (many, long)) = if one.0 < other.0 { (one, other) } else { (other, one) };
        if many / 2 >= few {
            let work = long.saturating_sub(short).as_nanos() * u128::from(many) / u128::from(many - few);
            self.overhead = Some(long.saturating_sub(Duration::from_nanos(u64::try_from(work).unwrap_or(u64::MAX))));
        }
    }

    /// The size of the next chunk, when `left` iterations are not given out and so many workers share them.
    ///
    /// Half of each one's share of what is left (guided self-scheduling; Polychronopoulos and Kuck 1987), so that all end
    /// at nearly the same time, within the bounds above, or those that the overhead sets.
    pub fn next(&self, left: u64, workers: u32) -> u64 {
        let Some((iterations, took)) = self.last else { return 1 };
        if self.starts_processes && self.overhead.is_none() {
            // To tell what the start takes from what the iterations take.
            return iterations.saturating_mul(2);
        }
        let overhead = self.overhead.unwrap_or_default();
        let work = took.saturating_sub(overhead).max(took / 8).max(Duration::from_nanos(1));
        let within = |time: Duration| {
            let fitting = u128::from(iterations) * time.as_nanos() / work.as_nanos();
            u64::try_from(fitting).unwrap_or(u64::MAX).max(1)
        };
        let (shortest, longest) = (SHORTEST.max(overhead / 4), LONGEST.max(overhead));
        let share = left / (2 * u64::from(workers.max(1)));
        share.clamp(within(shortest), within(longest)).min(iterations.saturating_mul(GROWTH))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_first_chunk_is_one_iteration_and_the_next_ones_grow() {
        let mut pace = Pace::new(false);
        assert_eq!(pace.next(1_000_000, 4), 1);
        pace.record(1, Duration::from_micros(1));
        assert_eq!(pace.next(1_000_000, 4), 8);
    }

    #[test]
    fn a_chunk_takes_a_tenth_of_a_second_at_most_and_less_towards_the_end() {
        let mut pace = Pace::new(false);
        pace.record(1_000_000, SECOND);
        assert_eq!(pace.next(1_000_000_000, 2), 100_000);
        assert_eq!(pace.next(100_000, 2), 25_000);
        assert_eq!(pace.next(100, 2), 5_000);
    }

    #[test]
    fn slow_iterations_are_taken_one_by_one() {
        let mut pace = Pace::new(false);
        pace.record(3, 60 * SECOND);
        assert_eq!(pace.next(1_000, 2), 1);
    }

    #[test]
    fn slow_commands_are_given_one_iteration_each_once_it_is_known_that_it_is_not_their_start() {
        let mut pace = Pace::new(true);
        pace.record(1, 60 * SECOND);
        assert_eq!(pace.next(1_000, 2), 2);
        pace.record(2, 120 * SECOND);
        assert_eq!(pace.next(1_000, 2), 1);
        pace.record(1, 60 * SECOND);
        assert_eq!(pace.next(1_000, 2), 1);
    }

    #[test]
    fn what_each_command_costs_is_outweighed_by_larger_chunks() {
        let mut pace = Pace::new(true);
        for _ in 0..30 {
            let size = pace.next(1_000_000_000, 2);
            pace.record(size, 3 * SECOND + SECOND * u32::try_from(size).unwrap() / 1_000_000);
        }
        let size = pace.next(1_000_000_000, 2);
        assert!((2_500_000..3_500_000).contains(&size), "as long as it costs: {size}");
        assert!(pace.next(1_000, 2) < 1_000_000, "less towards the end");
    }
}
