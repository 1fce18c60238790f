//! How many primes of a range end in each digit.

use super::sieve::{FIRST_CHUNK, MOST, REMAINDERS, WITHOUT_BITS, count, index, sieve};
use super::{Contribution, Failure, Kernel, Task, Watch, must_be_exact};

/// The histogram of the last digits of the primes in the range.
pub struct PrimeDigits;

/// The number of last digits.
const DIGITS: u32 = 10;

impl Kernel for PrimeDigits {
    fn name(&self) -> &'static str {
        "prime-digits"
    }

    fn about(&self) -> &'static str {
        "how many primes of the range end in each digit: cell d counts those that end in d"
    }

    fn cells(&self) -> Option<u32> {
        Some(DIGITS)
    }

    fn most_iterations(&self) -> u64 {
        MOST
    }

    fn first_chunk(&self) -> u64 {
        FIRST_CHUNK
    }

    fn compute(&self, task: &Task, watch: &mut dyn Watch) -> Result<Contribution, Failure> {
        must_be_exact(self, task)?;
        let mut counts = [0; DIGITS as usize];
        for prime in WITHOUT_BITS.into_iter().filter(|prime| task.range.contains(prime)) {
            counts[index(prime)] += 1;
        }
        sieve(&task.range, watch, |bytes| {
            for digit in [1, 3, 7, 9] {
                counts[index(digit)] += count(bytes, ending_in(digit));
            }
        })?;
        Ok(counts.into_iter().map(Into::into).collect())
    }
}

/// The bits of the numbers that end in that digit.
fn ending_in(digit: u64) -> u8 {
    let bits = REMAINDERS.iter().enumerate().filter(|(_, remainder)| *remainder % 10 == digit);
    bits.fold(0, |mask, (place, _)| mask | 1 << place)
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use proptest::prelude::*;

    use super::*;
    use crate::kernel::sieve::is_prime;
    use crate::kernel::{PrimeCount, Unwatched};

    fn histogram(range: Range<u64>) -> [i128; DIGITS as usize] {
        let contribution = PrimeDigits.compute(&Task::over(range), &mut Unwatched).unwrap();
        let counts: Vec<i128> = contribution.as_slice().iter().map(|count| count.integer().unwrap()).collect();
        counts.try_into().unwrap()
    }

    fn by_trial_division(range: Range<u64>) -> [i128; DIGITS as usize] {
        let mut counts = [0; DIGITS as usize];
        for prime in range.filter(|number| is_prime(*number)) {
            counts[(prime % 10) as usize] += 1;
        }
        counts
    }

    /// The counts for 1, 3, 7 and 9 below powers of ten: <https://oeis.org/A073505>, A073506, A073507 and A073508.
    #[test]
    fn the_primes_below_a_million_end_in_the_known_digits() {
        assert_eq!(histogram(0..1_000_000), [0, 19_617, 1, 19_665, 0, 1, 0, 19_621, 0, 19_593]);
    }

    #[test]
    fn trial_division_finds_the_same() {
        assert_eq!(histogram(0..100_000), by_trial_division(0..100_000));
        let far_up = 1_000_000_000_001..1_000_000_001_000;
        assert_eq!(histogram(far_up.clone()), by_trial_division(far_up));
    }

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "a range from a damaged segment may be reversed")]
    fn an_empty_range_has_none() {
        assert_eq!([histogram(0..0), histogram(0..2), histogram(9..3)], [[0; DIGITS as usize]; 3]);
    }

    proptest! {
        #[test]
        fn the_parts_of_a_range_add_up(start in 0_u64..2_000_000, first in 0_u64..400_000, second in 0_u64..400_000) {
            let (middle, end) = (start + first, start + first + second);
            let (below, above) = (histogram(start..middle), histogram(middle..end));
            let sums: Vec<i128> = below.iter().zip(above).map(|(below, above)| below + above).collect();
            prop_assert_eq!(sums, histogram(start..end));
        }

        #[test]
        fn they_are_as_many_as_the_primes(start in 0_u64..1 << 38, length in 0_u64..400_000) {
            let range = start..start + length;
            let primes = PrimeCount.compute(&Task::over(range.clone()), &mut Unwatched).unwrap();
            prop_assert_eq!(primes, histogram(range).iter().sum::<i128>().into());
        }
    }
}
