//! A segmented sieve of Eratosthenes over the odd numbers, for the kernels that look at primes.
//!
//! The sieve of one segment stays in the second-level cache; each base prime remembers its next multiple, so no segment
//! begins with a division. The base primes stay with the thread, so that the chunks of a run do not pay for them again.
//! Invariant: the segments of a range hold each odd number of it from 3 on once.

use std::cell::RefCell;
use std::ops::Range;

use super::{Stopped, Watch};

/// The end of the range up to which it works: the base primes then end at 2^22, and their multiples fit the index of a
/// segment with room.
pub const MOST: u64 = 1 << 44;

/// Odd numbers in a segment: one byte each.
const ODDS: usize = 1 << 17;

/// Odd numbers, one after the other, that are sieved.
pub struct Segment<'a> {
    /// The first of them.
    pub first: u64,
    /// Of each, whether it is composite.
    pub is_composite: &'a [bool],
}

/// Shows the segments of the range, in their order.
pub fn sieve(range: &Range<u64>, watch: &mut dyn Watch, mut see: impl FnMut(&Segment<'_>)) -> Result<(), Stopped> {
    let mut sieve = Sieve::new(range);
    while let Some(segment) = sieve.next_segment() {
        see(&segment);
        watch.step(sieve.at.min(range.end) - range.start)?;
    }
    Ok(())
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
    fn new(range: &Range<u64>) -> Self {
        let at = range.start.max(3) | 1;
        let base = BASE.with_borrow_mut(|base| {
            let primes = base.up_to(range.end.isqrt()).iter();
            primes.map(|prime| (*prime, first_index(*prime as u64, at))).collect()
        });
        Self { at, end: range.end, base, is_composite: vec![false; ODDS] }
    }

    /// The next segment, if there is one.
    fn next_segment(&mut self) -> Option<Segment<'_>> {
        let first = self.at;
        let odds = self.end.checked_sub(first)?.div_ceil(2);
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
        Some(Segment { first, is_composite: &self.is_composite[..odds] })
    }
}

/// The index, among the odd numbers from `at` on, of the first odd multiple of `prime` that is no smaller than its square.
fn first_index(prime: u64, at: u64) -> usize {
    let least = at.max(prime * prime);
    let multiple = least.next_multiple_of(prime);
    let odd = if multiple.is_multiple_of(2) { multiple + prime } else { multiple };
    usize::try_from((odd - at) / 2).unwrap_or(usize::MAX)
}

thread_local! {
    static BASE: RefCell<Base> = const { RefCell::new(Base { most: 0, primes: Vec::new() }) };
}

/// All odd primes up to a number.
struct Base {
    most: u64,
    primes: Vec<usize>,
}

impl Base {
    /// The odd primes up to `most`.
    fn up_to(&mut self, most: u64) -> &[usize] {
        if most > self.most {
            // A power of two, so that chunks that climb find new ones a few times only.
            self.most = most.next_power_of_two();
            self.primes = odd_primes(self.most);
        }
        &self.primes[..self.primes.partition_point(|prime| *prime as u64 <= most)]
    }
}

/// The odd primes up to `most`, by the plain sieve.
fn odd_primes(most: u64) -> Vec<usize> {
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

/// Whether it is a prime, by trial division: what the sieve is tested against.
#[cfg(test)]
pub fn is_prime(number: u64) -> bool {
    number >= 2 && (2..=number.isqrt()).all(|divisor| !number.is_multiple_of(divisor))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn base_primes_are_the_same_whatever_was_asked_for_before(asked in prop::collection::vec(0_u64..3000, 1..8)) {
            let mut base = Base { most: 0, primes: Vec::new() };
            for most in asked {
                let expected: Vec<u64> = (3..=most).filter(|number| is_prime(*number)).collect();
                let primes: Vec<u64> = base.up_to(most).iter().map(|prime| *prime as u64).collect();
                prop_assert_eq!(primes, expected);
            }
        }
    }
}
