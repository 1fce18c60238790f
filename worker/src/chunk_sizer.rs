//! The size of a worker's chunks with `--chunk auto`.

use std::time::Duration;

/// The longest intended time of a chunk: the work that a dying worker loses.
const LONGEST: Duration = Duration::from_millis(100);

/// The shortest intended time: a hundred contended commits (at most 50 µs), so that these stay below 1 %.
const SHORTEST: Duration = Duration::from_millis(5);

/// A command's work takes at least this many times as long as its start, so that the start stays below a tenth of the chunk.
const STARTS: u32 = 10;

/// After so many chunks of about one size the constant cost is learnt anew: a disturbed chunk may have hidden it.
const LEARN_AGAIN: u32 = 16;

/// The size grows by at most this factor from one chunk to the next: later iterations may take longer than the first ones.
const GROWTH: u64 = 8;

/// A worker's sizer.
pub struct ChunkSizer {
    /// Whether each chunk starts a process: milliseconds, or tens of them for an interpreter.
    starts_processes: bool,
    /// Iterations of the first chunk.
    first: u64,
    /// The last chunk's iterations and time.
    last: Option<(u64, Duration)>,
    /// The constant cost of a chunk, once it is known.
    overhead: Option<Duration>,
    /// Chunks since it was learnt.
    since_learnt: u32,
}

impl ChunkSizer {
    /// A sizer for a worker's first chunk.
    pub fn new(starts_processes: bool, first: u64) -> Self {
        Self { starts_processes, first, last: None, overhead: None, since_learnt: 0 }
    }

    /// Records a chunk's time.
    pub fn record(&mut self, iterations: u64, took: Duration) {
        let (iterations, took) = (iterations.max(1), took.max(Duration::from_nanos(1)));
        self.since_learnt = self.since_learnt.saturating_add(1);
        if let Some(last) = self.last.filter(|_| self.starts_processes) {
            self.learn_overhead(last, (iterations, took));
        }
        self.last = Some((iterations, took));
    }

    /// Draws a line through two chunks of different sizes. Its start is the constant cost.
    fn learn_overhead(&mut self, one: (u64, Duration), other: (u64, Duration)) {
        let ((few, short), (many, long)) = if one.0 < other.0 { (one, other) } else { (other, one) };
        if many / 2 >= few {
            let work = long.saturating_sub(short).as_nanos() * u128::from(many) / u128::from(many - few);
            self.since_learnt = 0;
            self.overhead = Some(long.saturating_sub(Duration::from_nanos(u64::try_from(work).unwrap_or(u64::MAX))));
        }
    }

    /// The size of the next chunk, with `left` iterations not given out yet and that many workers.
    ///
    /// Half of a worker's share of the rest (guided self-scheduling; Polychronopoulos and Kuck 1987), so that all workers end at
    /// nearly the same time; within the bounds above, or those that the constant cost sets.
    pub fn next(&self, left: u64, workers: u32) -> u64 {
        let share = left / (2 * u64::from(workers.max(1)));
        let Some((iterations, took)) = self.last else { return self.first.min(share).max(1) };
        let doubled = iterations.saturating_mul(2);
        if self.starts_processes && self.overhead.is_none() {
            // A second size separates the constant cost from the cost of the iterations.
            return doubled.min(share.max(1));
        }
        if self.starts_processes && self.since_learnt >= LEARN_AGAIN && doubled <= share {
            return doubled;
        }
        let overhead = self.overhead.unwrap_or_default();
        let work = took.saturating_sub(overhead).max(took / 8).max(Duration::from_nanos(1));
        let within = |time: Duration| {
            let fitting = u128::from(iterations) * time.as_nanos() / work.as_nanos();
            u64::try_from(fitting).unwrap_or(u64::MAX).max(1)
        };
        let (shortest, longest) = (SHORTEST.max(overhead / 4), LONGEST.max(overhead * STARTS));
        share.clamp(within(shortest), within(longest)).min(iterations.saturating_mul(GROWTH))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_first_chunk_is_one_iteration_and_the_next_ones_grow() {
        let mut sizer = ChunkSizer::new(false, 1);
        assert_eq!(sizer.next(1_000_000, 4), 1);
        sizer.record(1, Duration::from_micros(1));
        assert_eq!(sizer.next(1_000_000, 4), 8);
    }

    #[test]
    fn a_kernel_may_begin_with_more_but_not_with_more_than_its_share() {
        assert_eq!(ChunkSizer::new(false, 1000).next(1_000_000, 4), 1000);
        assert_eq!(ChunkSizer::new(false, 1000).next(800, 4), 100);
        assert_eq!(ChunkSizer::new(false, 1000).next(3, 4), 1);
    }

    #[test]
    fn a_chunk_takes_a_tenth_of_a_second_at_most_and_less_towards_the_end() {
        let mut sizer = ChunkSizer::new(false, 1);
        sizer.record(1_000_000, SECOND);
        assert_eq!(sizer.next(1_000_000_000, 2), 100_000);
        assert_eq!(sizer.next(100_000, 2), 25_000);
        assert_eq!(sizer.next(100, 2), 5_000);
    }

    #[test]
    fn slow_iterations_are_taken_one_by_one() {
        let mut sizer = ChunkSizer::new(false, 1);
        sizer.record(3, 60 * SECOND);
        assert_eq!(sizer.next(1_000, 2), 1);
    }

    #[test]
    fn slow_commands_are_given_one_iteration_each_once_it_is_known_that_it_is_not_their_start() {
        let mut sizer = ChunkSizer::new(true, 1);
        sizer.record(1, 60 * SECOND);
        assert_eq!(sizer.next(1_000, 2), 2);
        sizer.record(2, 120 * SECOND);
        assert_eq!(sizer.next(1_000, 2), 1);
        sizer.record(1, 60 * SECOND);
        assert_eq!(sizer.next(1_000, 2), 1);
    }

    /// The time of a chunk of a command that takes that long to start, and for each iteration.
    fn time((start, each): (Duration, Duration), size: u64) -> Duration {
        start + each * u32::try_from(size).unwrap()
    }

    #[test]
    fn the_start_of_a_command_is_soon_less_than_a_tenth_of_its_chunk() {
        let [micro, milli] = [Duration::from_micros(1), Duration::from_millis(1)];
        for command in [
            (2 * milli, micro / 10),
            (30 * milli, micro),
            (30 * milli, milli),
            (30 * milli, 500 * milli),
            (3 * SECOND, micro),
            (3 * SECOND, 60 * SECOND),
        ] {
            let (start, each) = command;
            let mut sizer = ChunkSizer::new(true, 1);
            for _ in 0..12 {
                let size = sizer.next(1_000_000_000, 2);
                sizer.record(size, time(command, size));
            }
            let took = time(command, sizer.next(1_000_000_000, 2));
            assert!(start * 10 < took, "{command:?}: {took:?}");
            assert!(
                took <= LONGEST.max(start * STARTS) + start + each,
                "no longer than that needs: {command:?}: {took:?}"
            );
            assert!(
                time(command, sizer.next(1, 2)) <= SHORTEST + start * 2 + each,
                "less towards the end: {command:?}"
            );
        }
    }

    /// When each worker ends, if they share that many iterations of a command.
    fn ends(workers: u32, iterations: u64, command: (Duration, Duration)) -> Vec<Duration> {
        let mut sizers: Vec<_> = (0..workers).map(|_| (Duration::ZERO, ChunkSizer::new(true, 1))).collect();
        let mut left = iterations;
        while left > 0 {
            let (now, sizer) = sizers.iter_mut().min_by_key(|(now, _)| *now).unwrap();
            let size = sizer.next(left, workers).min(left);
            left -= size;
            let took = time(command, size);
            sizer.record(size, took);
            *now += took;
        }
        sizers.into_iter().map(|(end, _)| end).collect()
    }

    #[test]
    fn workers_end_together_and_spend_little_on_the_starts_of_commands() {
        let micro = Duration::from_micros(1);
        for (workers, iterations, command) in [
            (2, 100_000_000, (30_000 * micro, micro)),
            (4, 50_000_000, (30_000 * micro, micro)),
            (2, 100_000, (2_000 * micro, 1_000 * micro)),
            (3, 1_000_000_000, (3 * SECOND, 5 * micro)),
        ] {
            let (start, each) = command;
            let ends = ends(workers, iterations, command);
            let (first, last) = (*ends.iter().min().unwrap(), *ends.iter().max().unwrap());
            assert!(last <= first + 2 * start + SHORTEST + each, "{command:?}: {ends:?}");
            let work = each * u32::try_from(iterations).unwrap() / workers;
            assert!(last < work * 6 / 5, "{command:?}: {last:?} for {work:?}");
        }
    }

    #[test]
    fn a_disturbed_chunk_hides_the_cost_of_the_start_only_for_a_while() {
        let took = |size: u64| 300 * SECOND / 1000 + SECOND * u32::try_from(size).unwrap() / 1000;
        let mut sizer = ChunkSizer::new(true, 1);
        sizer.record(1, took(1));
        // Twice as long as it should be: the start seems to cost nothing.
        sizer.record(2, 2 * took(2));
        for _ in 0..40 {
            let size = sizer.next(1_000_000_000, 2);
            sizer.record(size, took(size));
        }
        let size = sizer.next(1_000_000_000, 2);
        assert!(size > 1000, "the start is less than a tenth: {size}");
    }

    #[test]
    fn a_few_slow_iterations_are_divided_evenly() {
        let mut sizer = ChunkSizer::new(true, 1);
        sizer.record(1, 3600 * SECOND);
        assert_eq!(sizer.next(4, 4), 1, "each of four workers still gets one");
    }
}
