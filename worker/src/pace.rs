//! How many iterations a worker takes at a time, where that is left to it.

use std::time::Duration;

/// The longest that a chunk is meant to take: what is lost with a worker that dies.
const LONGEST: Duration = Duration::from_millis(100);

/// The shortest, a hundred times as long as a contended claim and commit takes at most (50 µs): these stay below 1 %.
const SHORTEST: Duration = Duration::from_millis(5);

/// From one chunk to the next the size grows by no more than this: a few iterations may take longer than the first ones.
const GROWTH: u64 = 8;

/// A worker's pace.
#[derive(Default)]
pub struct Pace {
    /// Iterations of the last chunk and how long they took.
    last: Option<(u64, Duration)>,
}

impl Pace {
    /// Remembers how long a chunk took.
    pub fn record(&mut self, iterations: u64, took: Duration) {
        self.last = Some((iterations.max(1), took.max(Duration::from_nanos(1))));
    }

    /// The size of the next chunk, when `left` iterations are not given out and so many workers share them.
    ///
    /// Half of each one's share of what is left (guided self-scheduling; Polychronopoulos and Kuck 1987), so that all end
    /// at nearly the same time, within the bounds above.
    pub fn next(&self, left: u64, workers: u32) -> u64 {
        let Some((iterations, took)) = self.last else { return 1 };
        let within = |time: Duration| {
            let fitting = u128::from(iterations) * time.as_nanos() / took.as_nanos();
            u64::try_from(fitting).unwrap_or(u64::MAX).max(1)
        };
        let share = left / (2 * u64::from(workers.max(1)));
        share.clamp(within(SHORTEST), within(LONGEST)).min(iterations.saturating_mul(GROWTH))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_first_chunk_is_one_iteration_and_the_next_ones_grow() {
        let mut pace = Pace::default();
        assert_eq!(pace.next(1_000_000, 4), 1);
        pace.record(1, Duration::from_micros(1));
        assert_eq!(pace.next(1_000_000, 4), 8);
    }

    #[test]
    fn a_chunk_takes_a_tenth_of_a_second_at_most_and_less_towards_the_end() {
        let mut pace = Pace::default();
        pace.record(1_000_000, SECOND);
        assert_eq!(pace.next(1_000_000_000, 2), 100_000);
        assert_eq!(pace.next(100_000, 2), 25_000);
        assert_eq!(pace.next(100, 2), 5_000);
    }

    #[test]
    fn slow_iterations_are_taken_one_by_one() {
        let mut pace = Pace::default();
        pace.record(3, 60 * SECOND);
        assert_eq!(pace.next(1_000, 2), 1);
    }
}
