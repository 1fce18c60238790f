//! Pi by random points: how many points of the unit square lie in the quarter circle.
//!
//! Invariant: the point of an iteration depends only on the seed and the iteration's number. So the hits of a run are the same
//! however its range is divided. They are counted exactly, in integers.

#![expect(clippy::inline_always, reason = "inlined code takes the instruction set of its caller")]

use std::ops::Range;

use super::simd::{InstructionSet, Vectorized};
use super::{Contribution, Failure, Kernel, Task, Watch};

/// Counts the random points of the range that lie in the quarter circle.
pub struct MonteCarloPi;

/// Iterations between two calls of the watch: a few milliseconds.
const STEP: u64 = 1 << 20;

impl Kernel for MonteCarloPi {
    fn name(&self) -> &'static str {
        "monte-carlo-pi"
    }

    fn about(&self) -> &'static str {
        "random points in the quarter circle: 4 * value / n estimates pi; an f64 is the estimate itself"
    }

    fn compute(&self, task: &Task, watch: &mut dyn Watch) -> Result<Contribution, Failure> {
        let range = &task.range;
        let set = InstructionSet::best();
        let mut hits = 0;
        let mut at = range.start;
        while at < range.end {
            let end = range.end.min(at.saturating_add(STEP));
            hits += set.run(Hits { seed: task.seed, range: at..end });
            at = end;
            watch.step(at - range.start)?;
        }
        Ok(if task.terms.value_type.is_float() { share(hits, task.terms.iterations).into() } else { hits.into() })
    }
}

/// The share of these hits in the estimate from `points` points.
#[expect(clippy::cast_precision_loss, reason = "the nearest fraction is far closer than the estimate")]
fn share(hits: u64, points: u64) -> f64 {
    4.0 * hits as f64 / points.max(1) as f64
}

/// The hits among the points of a range.
struct Hits {
    seed: u64,
    range: Range<u64>,
}

impl Vectorized for Hits {
    type Output = u64;

    /// Adds to the state instead of multiplying: vectors of 64-bit products are slow.
    #[inline(always)]
    fn run(self) -> u64 {
        let (mut state, mut hits) = (state(self.seed, self.range.start), 0);
        for _ in self.range {
            hits += u64::from(is_hit(finalise(state)));
            state = state.wrapping_add(GOLDEN);
        }
        hits
    }
}

/// Whether the point whose coordinates are the halves lies in the circle of radius 2^32.
///
/// The lowest bits are set: points are the centres of a grid's squares. So neither side of the circle is favoured, and no
/// point lies on the circle (the sum of two odd squares is not a multiple of 4).
#[inline(always)]
fn is_hit(halves: u64) -> bool {
    let (x, y) = (halves >> 32 | 1, halves & u64::from(u32::MAX) | 1);
    // x * x + y * y < 2^64, without the carry.
    y * y <= u64::MAX - x * x
}

/// 2^64 / golden ratio, the step of the generator's state.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The state of the generator `SplitMix64` with this seed for its number `iteration`. The state is a multiple of the step, so
/// no earlier number is needed (Steele, Lea and Flood 2014, <https://doi.org/10.1145/2660193.2660195>).
fn state(seed: u64, iteration: u64) -> u64 {
    iteration.wrapping_add(1).wrapping_mul(GOLDEN).wrapping_add(seed)
}

/// The generator's number in this state: the finaliser of Vigna's <https://prng.di.unimi.it/splitmix64.c>.
#[inline(always)]
fn finalise(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use proptest::prelude::*;

    use super::*;
    use crate::kernel::Unwatched;
    use common::{Number, ValueType};

    fn hits(seed: u64, range: Range<u64>) -> i128 {
        let task = Task { seed, ..Task::over(range) };
        MonteCarloPi.compute(&task, &mut Unwatched).unwrap().as_slice()[0].integer().unwrap()
    }

    fn in_fractions(task: &Task) -> Number {
        let mut task = task.clone();
        task.terms.value_type = ValueType::F64;
        MonteCarloPi.compute(&task, &mut Unwatched).unwrap().as_slice()[0]
    }

    /// The first outputs of `splitmix64.c` with this state.
    #[test]
    fn the_generator_is_splitmix64() {
        let expected = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([0, 1, 2].map(|iteration| finalise(state(1_234_567, iteration))), expected);
    }

    #[test]
    fn the_corners_and_the_rim_are_judged_right() {
        for (x, y, expected) in
            [(0, 0, true), (u32::MAX, 0, true), (u32::MAX, 1 << 17, false), (u32::MAX, u32::MAX, false)]
        {
            assert_eq!(is_hit(u64::from(x) << 32 | u64::from(y)), expected, "{x}, {y}");
            assert_eq!(is_hit(u64::from(y) << 32 | u64::from(x)), expected, "{y}, {x}");
        }
    }

    /// Of a hit the variance is p (1 - p), with p = pi / 4.
    #[test]
    fn the_estimate_is_within_four_standard_deviations() {
        const POINTS: u32 = 1_000_000;
        let deviation = (PI * (4.0 - PI) / f64::from(POINTS)).sqrt();
        for seed in [0, 1, 2, 42, 0x9E37_79B9_7F4A_7C15, u64::MAX] {
            let estimate = share(hits(seed, 0..POINTS.into()).try_into().unwrap(), POINTS.into());
            assert!((estimate - PI).abs() < 4.0 * deviation, "seed {seed}: {estimate}");
        }
    }

    #[test]
    fn as_fractions_the_contributions_add_up_to_the_estimate() {
        let mut task = Task { seed: 5, ..Task::over(0..100_000) };
        let whole = in_fractions(&task);
        assert_eq!(whole, Number::Float(share(hits(5, 0..100_000).try_into().unwrap(), 100_000)));
        let parts = [0..30_000, 30_000..100_000].map(|range| {
            task.range = range;
            in_fractions(&task).to_f64()
        });
        assert!((parts[0] + parts[1] - whole.to_f64()).abs() < 1e-12);
        assert_eq!(in_fractions(&Task::over(0..0)), Number::Float(0.0));
    }

    proptest! {
        #[test]
        fn the_parts_of_a_range_add_up(seed: u64, start: u32, first in 0_u64..10_000, second in 0_u64..10_000) {
            let start = u64::from(start);
            let (middle, end) = (start + first, start + first + second);
            prop_assert_eq!(hits(seed, start..middle) + hits(seed, middle..end), hits(seed, start..end));
        }

        #[test]
        fn each_instruction_set_finds_the_same(seed: u64, start: u64, points in 0_u64..2000) {
            let range = start.min(u64::MAX - points)..start.min(u64::MAX - points) + points;
            let expected = range.clone().filter(|iteration| is_hit(finalise(state(seed, *iteration)))).count() as u64;
            for set in InstructionSet::available() {
                prop_assert_eq!(set.run(Hits { seed, range: range.clone() }), expected, "{}", set.name());
            }
        }

        #[test]
        fn a_point_is_a_hit_if_its_distance_is_below_the_radius(halves: u64) {
            let (x, y) = (u128::from(halves >> 32) | 1, u128::from(halves & u64::from(u32::MAX)) | 1);
            prop_assert_eq!(is_hit(halves), x * x + y * y < 1 << 64);
        }
    }
}
