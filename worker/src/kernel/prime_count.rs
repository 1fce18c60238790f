//! The number of primes in a range.

use super::sieve::{FIRST_CHUNK, MOST, WITHOUT_BITS, count, sieve};
use super::{Contribution, Failure, Kernel, Task, Watch, must_be_exact};

/// Counts the primes in the range.
pub struct PrimeCount;

impl Kernel for PrimeCount {
    fn name(&self) -> &'static str {
        "prime-count"
    }

    fn about(&self) -> &'static str {
        "the number of primes in the range"
    }

    fn most_iterations(&self) -> u64 {
        MOST
    }

    fn first_chunk(&self) -> u64 {
        FIRST_CHUNK
    }

    fn compute(&self, task: &Task, watch: &mut dyn Watch) -> Result<Contribution, Failure> {
        must_be_exact(self, task)?;
        let mut primes = WITHOUT_BITS.into_iter().filter(|prime| task.range.contains(prime)).count() as u64;
        sieve(&task.range, watch, |bytes| primes += count(bytes, u8::MAX))?;
        Ok(primes.into())
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use proptest::prelude::*;

    use super::*;
    use crate::kernel::Unwatched;
    use crate::kernel::sieve::is_prime;

    fn count(range: Range<u64>) -> i128 {
        let contribution = PrimeCount.compute(&Task::over(range), &mut Unwatched).unwrap();
        contribution.as_slice()[0].integer().unwrap()
    }

    /// Known values of the prime-counting function (<https://oeis.org/A006880>).
    #[test]
    fn powers_of_ten_have_the_known_number_of_primes_below_them() {
        for (power, primes) in [(0, 0), (1, 4), (2, 25), (3, 168), (4, 1229), (5, 9592), (6, 78_498), (7, 664_579)] {
            assert_eq!(count(0..10_u64.pow(power)), primes, "10^{power}");
        }
    }

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "a range from a damaged segment may be reversed")]
    fn an_empty_range_has_none() {
        assert_eq!([count(0..0), count(0..2), count(7..7), count(9..3)], [0; 4]);
    }

    #[test]
    fn a_range_far_up_is_counted_without_those_below() {
        let range = 1_000_000_000_000..1_000_000_001_000;
        assert_eq!(count(range.clone()), range.filter(|number| is_prime(*number)).count() as i128);
    }

    #[test]
    fn the_last_numbers_are_counted_right() {
        // By primesieve 11.0.
        assert_eq!(count(MOST - 1000..MOST), 27);
    }

    proptest! {
        #[test]
        fn the_parts_of_a_range_add_up(start in 0_u64..2_000_000, first in 0_u64..400_000, second in 0_u64..400_000) {
            let (middle, end) = (start + first, start + first + second);
            prop_assert_eq!(count(start..middle) + count(middle..end), count(start..end));
        }

        #[test]
        fn each_number_is_judged_right(number in 0_u64..100_000) {
            prop_assert_eq!(count(number..number + 1) == 1, is_prime(number));
        }
    }
}
