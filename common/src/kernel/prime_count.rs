//! The number of primes in a range, by a segmented sieve of Eratosthenes over the odd numbers.
//!
//! The sieve of one segment stays in the second-level cache; each base prime remembers its next multiple, so no segment
//! begins with a division.

use std::ops::Range;

use super::{Contribution, Failure, Kernel, Task, Watch};

/// The number of primes in the range.
pub struct PrimeCount;

/// Odd numbers in a segment: one byte each.
const ODDS: usize = 1 << 17;

impl Kernel for PrimeCount {
    fn name(&self) -> &'static str {
        "prime-count"
    }

    fn about(&self) -> &'static str {
        "the number of primes in the range"
    }

    /// 2^44: the base primes then end at 2^22, and their multiples fit the index of a segment with room.
    fn most_iterations(&self) -> u64 {
        1 << 44
    }

    fn compute(&self, task: &Task, watch: &mut dyn Watch) -> Result<Contribution, Failure> {
        let range = task.range.clone();
        let mut count = u64::from(range.contains(&2));
        let mut sieve = Sieve::new(range.clone());
        while let Some(primes) = sieve.next_segment() {
            count += u64::from(primes);
            watch.step(sieve.at.min(range.end) - range.start)?;
        }
        Ok(count.into())
    }
}

struct Sieve {
    /// The first number of the next segment: odd.
    at: u64,
    end: u64,
    /// Base primes, each with the index, in the next segment, of its next odd multiple.
    base: Vec<(usize, usize)>,
    is_composite: Vec<bool>,
}

impl Sieve {
    /// A sieve of the odd numbers from 3 on that lie in the range.
    fn new(range: Range<u64>) -> Self {
        let at = range.start.max(3) | 1;
        let base = base_primes(range.end.isqrt());
        let base = base.into_iter().map(|prime| (prime, first_index(prime as u64, at))).collect();
        Self { at, end: range.end, base, is_composite: vec![false; ODDS] }
    }

    /// The number of primes in the next segment, if there is one.
    fn next_segment(&mut self) -> Option<u32> {
        let odds = self.end.checked_sub(self.at)?.div_ceil(2);
        let odds = usize::try_from(odds).unwrap_or(ODDS).min(ODDS);
        if odds == 0 {
            return None;
        }
        self.is_composite[..odds].fill(false);
        for (prime, next) in &mut self.base {
            while *next < odds {
                self.is_composite[*next] = true;
                *next += *prime;
            }
            *next -= odds;
        }
        self.at += 2 * odds as u64;
        let primes = self.is_composite[..odds].iter().filter(|is_composite| !**is_composite).count();
        u32::try_from(primes).ok()
    }
}

/// The index, among the odd numbers from `at` on, of the first odd multiple of `prime` that is no smaller than its square.
fn first_index(prime: u64, at: u64) -> usize {
    let least = at.max(prime * prime);
    let multiple = least.next_multiple_of(prime);
    let odd = if multiple.is_multiple_of(2) { multiple + prime } else { multiple };
    usize::try_from((odd - at) / 2).unwrap_or(usize::MAX)
}

/// The odd primes up to `most`, by the plain sieve.
fn base_primes(most: u64) -> Vec<usize> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut is_composite = vec![false; most + 1];
    let mut primes = Vec::new();
    for number in (3..=most).step_by(2) {
        if !is_composite[number] {
            primes.push(number);
            for multiple in (number * number..=most).step_by(2 * number) {
                is_composite[multiple] = true;
            }
        }
    }
    primes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::Unwatched;

    fn count(range: Range<u64>) -> i128 {
        let contribution = PrimeCount.compute(&Task::over(range), &mut Unwatched).unwrap();
        contribution.as_slice()[0].integer().unwrap()
    }

    fn is_prime(number: u64) -> bool {
        number >= 2 && (2..=number.isqrt()).all(|divisor| !number.is_multiple_of(divisor))
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
