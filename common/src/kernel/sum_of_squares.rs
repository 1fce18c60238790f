//! `sum(i*i for i in range(n))`, each square computed.
//!
//! The kernel is there to be CPU-bound, and LLVM would replace the plain loop by its closed form. Here the optimiser
//! cannot know the numbers: they are a base plus offsets from a table that it is kept from looking into, so each is
//! squared. The loops have the shape that vectorises: 32-bit factors, 64-bit products and sums.

use std::hint::black_box;
use std::ops::Range;

use super::{Contribution, Failure, Kernel, Task, Watch};

/// The sum of the squares of the range.
pub struct SumOfSquares;

/// Numbers squared at a time: the table takes 4 KiB of the first-level cache.
const BLOCK: usize = 1024;

/// Iterations between two looks at the watch: less than a millisecond.
const STEP: u64 = 1 << 20;

/// 0, 1, 2, …
static OFFSETS: [u32; BLOCK] = {
    let mut offsets = [0; BLOCK];
    let mut index: u32 = 0;
    while (index as usize) < BLOCK {
        offsets[index as usize] = index;
        index += 1;
    }
    offsets
};

/// Below it a block's squares cannot overflow 64 bits: 1024 · (2^26)^2 < 2^63.
const NARROW: u64 = 1 << 26;

/// Below it a square fits into 64 bits.
const WIDE: u64 = 1 << 32;

impl Kernel for SumOfSquares {
    fn name(&self) -> &'static str {
        "sum-of-squares"
    }

    fn about(&self) -> &'static str {
        "the sum of i*i over the range, each square computed"
    }

    /// 2^42: the sum is then below 2^126 / 3, with room for a few of them in 128 bits.
    fn most_iterations(&self) -> u64 {
        1 << 42
    }

    fn compute(&self, task: &Task, watch: &mut dyn Watch) -> Result<Contribution, Failure> {
        let range = &task.range;
        let mut total = 0_i128;
        let mut at = range.start;
        while at < range.end {
            let end = range.end.min(at.saturating_add(STEP));
            total += sum(at..end);
            at = end;
            watch.step(at - range.start)?;
        }
        Ok(total.into())
    }
}

fn sum(range: Range<u64>) -> i128 {
    let table = black_box(&OFFSETS);
    let mut total = 0;
    let mut at = range.start;
    while at < range.end {
        let length = (range.end - at).min(BLOCK as u64);
        #[expect(clippy::cast_possible_truncation, reason = "a block has at most 1024 numbers")]
        let offsets = &table[..length as usize];
        total += match (at + length, u32::try_from(at)) {
            (end, Ok(base)) if end <= NARROW => narrow(base, offsets),
            (end, Ok(base)) if end <= WIDE => wide(base, offsets),
            _ => any(at, offsets),
        };
        at += length;
    }
    total
}

fn narrow(base: u32, offsets: &[u32]) -> i128 {
    offsets.iter().map(|offset| square(base + offset)).sum::<u64>().into()
}

/// Sums the halves of the squares apart, so that neither sum can overflow.
fn wide(base: u32, offsets: &[u32]) -> i128 {
    let (low, high) = offsets
        .iter()
        .map(|offset| square(base + offset))
        .fold((0_u64, 0_u64), |(low, high), square| (low + (square & u64::from(u32::MAX)), high + (square >> 32)));
    i128::from(low) + (i128::from(high) << 32)
}

fn any(base: u64, offsets: &[u32]) -> i128 {
    offsets.iter().map(|offset| i128::from(base + u64::from(*offset))).map(|number| number * number).sum()
}

fn square(number: u32) -> u64 {
    u64::from(number) * u64::from(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::{Stopped, Unwatched};

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

    #[test]
    fn the_seams_between_widths_are_exact() {
        for seam in [NARROW, WIDE, 1 << 40, 1 << 42] {
            let (start, end) = (seam - 3000, seam.min((1 << 42) - 3000) + 3000);
            assert_eq!(compute(start..end), closed_form(end) - closed_form(start), "around {seam}");
        }
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
        fn any_range_is_exact(start in 0_u64..1 << 42, length in 0_u64..5000) {
            let end = (start + length).min(1 << 42);
            prop_assert_eq!(compute(start..end), closed_form(end) - closed_form(start));
        }
    }
}
