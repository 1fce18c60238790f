//! `sum(i*i for i in range(n))`, each square computed.
//!
//! The kernel must be CPU-bound, but LLVM would replace the plain loop by its closed form. The range is hidden from LLVM, so
//! the factors, which are cut to 32 bits, may wrap around for all that it knows. The loops have a shape that vectorises, and
//! are compiled for each instruction set; for AVX-512 IFMA they are written by hand.

#![expect(clippy::inline_always, reason = "inlined code takes the instruction set of its caller")]

use std::hint::black_box;
use std::ops::Range;

use super::simd::{InstructionSet, Vectorized, ifma};
use super::{Contribution, Failure, Kernel, Task, Watch, must_be_exact};

/// Sums the squares of the range.
pub struct SumOfSquares;

/// Numbers squared at a time, at most: a power of two, so that a block lies on one side of each seam.
const BLOCK: u64 = 1 << 12;

/// Iterations between two calls of the watch: less than a millisecond.
const STEP: u64 = 1 << 20;

/// The end of the largest range: the sum is then below 2^126 / 3, and several of them fit 128 bits.
const MOST: u64 = 1 << 42;

/// Below it, the sum of a block's squares fits 64 bits: 2^12 * (2^26)^2 = 2^64.
const NARROW: u64 = 1 << 26;

/// Below it, a square fits 64 bits.
const WIDE: u64 = 1 << 32;

impl Kernel for SumOfSquares {
    fn name(&self) -> &'static str {
        "sum-of-squares"
    }

    fn about(&self) -> &'static str {
        "the sum of i*i over the range, each square computed"
    }

    fn most_iterations(&self) -> u64 {
        MOST
    }

    fn compute(&self, task: &Task, watch: &mut dyn Watch) -> Result<Contribution, Failure> {
        must_be_exact(self, task)?;
        let range = &task.range;
        let set = InstructionSet::best();
        let mut total = 0_i128;
        let mut at = range.start;
        while at < range.end {
            let end = range.end.min(at.saturating_add(STEP));
            total += sum(at..end, set);
            at = end;
            watch.step(at - range.start)?;
        }
        Ok(total.into())
    }
}

fn sum(range: Range<u64>, set: InstructionSet) -> i128 {
    let mut total = 0;
    let mut at = range.start;
    if set == InstructionSet::Avx512Ifma {
        while at < range.end.min(ifma::END) {
            let rows = ((range.end.min(ifma::END) - at) / ifma::ROW).min(ifma::MOST_ROWS);
            let Some(sum) = ifma::sum_of_squares(at, rows).filter(|_| rows > 0) else { break };
            total += sum;
            at += rows * ifma::ROW;
        }
    }
    while at < range.end {
        let end = range.end.min((at | (BLOCK - 1)).saturating_add(1));
        total += block(at..end, set);
        at = end;
    }
    total
}

/// The sum over a range that lies in one block.
fn block(range: Range<u64>, set: InstructionSet) -> i128 {
    if range.end <= NARROW {
        return set.run(Squares(range)).into();
    }
    if range.end <= WIDE {
        return set.run(WideSquares(range));
    }
    // With i = h * 2^26 + l: i^2 = h^2 * 2^52 + 2 h l * 2^26 + l^2, and 2 h l = (h + l)^2 - h^2 - l^2.
    let (high, first) = (range.start / NARROW, range.start % NARROW);
    let length = range.end - range.start;
    let squares = set.run(Squares(first..first + length));
    let sums_squared = set.run(Squares(high + first..high + first + length));
    let high_squared = high * high * length;
    let products = sums_squared.wrapping_sub(high_squared).wrapping_sub(squares);
    (i128::from(high_squared) << 52) + (i128::from(products) << 26) + i128::from(squares)
}

/// The sum, modulo 2^64, of the squares of numbers below 2^32.
struct Squares(Range<u64>);

/// The sum of the squares of the numbers, which are below 2^32.
struct WideSquares(Range<u64>);

impl Vectorized for Squares {
    type Output = u64;

    #[inline(always)]
    fn run(self) -> u64 {
        let mut sum = 0_u64;
        for number in black_box(self.0) {
            sum = sum.wrapping_add(square(number));
        }
        sum
    }
}

impl Vectorized for WideSquares {
    type Output = i128;

    #[inline(always)]
    fn run(self) -> i128 {
        let (mut all, mut high) = (0_u64, 0_u64);
        for number in black_box(self.0) {
            all = all.wrapping_add(square(number));
            high += square(number) >> 32;
        }
        // The sum of the low halves is below 2^44, so it is the rest of the whole sum modulo 2^64.
        let low = all.wrapping_sub(high << 32);
        i128::from(low) + (i128::from(high) << 32)
    }
}

/// The square of a number below 2^32. The mask tells the compiler that one 32-bit multiplication suffices.
#[inline(always)]
fn square(number: u64) -> u64 {
    let number = number & u64::from(u32::MAX);
    number * number
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::{Stopped, Unwatched, built_in};

    /// The closed form: n (n - 1) (2n - 1) / 6.
    fn closed_form(n: u64) -> i128 {
        let n = i128::from(n);
        n * (n - 1) * (2 * n - 1) / 6
    }

    fn compute(range: Range<u64>) -> i128 {
        SumOfSquares.compute(&Task::over(range), &mut Unwatched).unwrap().as_slice()[0].integer().unwrap()
    }

    #[test]
    fn the_results_are_those_of_the_python_programs() {
        assert_eq!(compute(0..1_000_000), 333_332_833_333_500_000);
        assert_eq!(compute(0..10_000_000), 333_333_283_333_335_000_000);
    }

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "a range from a damaged segment may be reversed")]
    fn an_empty_range_gives_nothing() {
        assert_eq!(compute(0..0), 0);
        assert_eq!(compute(7..3), 0);
    }

    /// Checks each available instruction set.
    fn assert_exact(range: &Range<u64>) {
        for set in InstructionSet::available() {
            let expected = closed_form(range.end) - closed_form(range.start);
            assert_eq!(sum(range.clone(), set), expected, "{range:?} with {}", set.name());
        }
    }

    #[test]
    fn the_seams_between_widths_are_exact() {
        for seam in [BLOCK, NARROW, WIDE, 1 << 40, MOST] {
            for beyond in [0, 1, 3000] {
                assert_exact(&(seam - 3000..(seam + beyond).min(MOST)));
                assert_exact(&(seam - 1..(seam + beyond).min(MOST)));
            }
        }
    }

    #[test]
    fn the_sums_have_room_for_many_of_the_largest_numbers() {
        for end in [NARROW, WIDE, MOST] {
            assert_exact(&(end - (1 << 19) - 77..end));
        }
    }

    /// Fault 45: the sum would wrap around in a release build.
    #[test]
    fn a_range_beyond_the_largest_is_a_failure_of_every_built_in_kernel_that_has_one() {
        let mut limited = 0;
        for kernel in built_in() {
            let Some(beyond) = kernel.most_iterations().checked_add(1) else { continue };
            let failure = kernel.compute(&Task::over(beyond - 1..beyond), &mut Unwatched).expect_err("it is too large");
            assert!(matches!(&failure, Failure::Failed(why) if why.contains(&beyond.to_string())), "{failure:?}");
            limited += 1;
        }
        assert_eq!(limited, 3);
    }

    #[test]
    fn a_stop_is_obeyed_at_the_next_step() {
        struct StopAtOnce(u32);
        impl Watch for StopAtOnce {
            fn step(&mut self, _done: u64) -> Result<(), Stopped> {
                self.0 += 1;
                Err(Stopped)
            }
        }
        let mut watch = StopAtOnce(0);
        assert_eq!(SumOfSquares.compute(&Task::over(0..1 << 40), &mut watch), Err(Failure::Stopped));
        assert_eq!(watch.0, 1);
    }

    proptest! {
        #[test]
        fn any_range_is_exact(bits in 0_u32..=42, start in 0..MOST, length in 0_u64..10_000) {
            let start = start >> bits;
            assert_exact(&(start..(start + length).min(MOST)));
        }
    }
}
