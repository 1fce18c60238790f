//! A segmented sieve of Eratosthenes, for the kernels about primes.
//!
//! It sieves only numbers that 2, 3 and 5 do not divide: those with one of eight remainders modulo 30. Each remainder has its
//! own array, where the number 30 · row + remainder has the index row, so a prime strikes every prime-th byte. The multiples
//! of 7, 11 and 13 are a pattern that is copied. Every other base prime keeps its next multiple, so no segment begins with
//! divisions. The base primes stay with the thread, so the chunks of a run do not compute them again.
//! Invariant: each prime of the range is counted once.

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};

use super::{Stopped, Watch};

/// The end of the largest range: the base primes then end at 2^22, and their next multiples are 32-bit indices.
pub const MOST: u64 = 1 << 44;

/// Numbers in a row.
const WHEEL: u64 = 30;

/// The remainders modulo 30 of numbers that 2, 3 and 5 do not divide.
const REMAINDERS: [u64; 8] = [1, 7, 11, 13, 17, 19, 23, 29];

/// The primes whose multiples are not struck one by one.
const SMALL: [u64; 6] = [2, 3, 5, 7, 11, 13];

/// The rows after which the multiples of 7, 11 and 13 repeat.
const PERIOD: usize = 7 * 11 * 13;

/// Rows in a segment, one byte each. The smallest fits the first-level cache, the largest the second-level cache; it is for
/// base primes that would skip a small segment.
const ROWS: RangeInclusive<u64> = 1 << 15..=1 << 18;

/// Calls `see(digit, primes)`, segment by segment, with the number of primes that end in that digit.
pub fn sieve(range: &Range<u64>, watch: &mut dyn Watch, mut see: impl FnMut(usize, u64)) -> Result<(), Stopped> {
    if range.is_empty() {
        return Ok(());
    }
    for prime in SMALL.into_iter().filter(|prime| range.contains(prime)) {
        see(index(prime % 10), 1);
    }
    let mut sieve = Sieve::new(range);
    let end = range.end.div_ceil(WHEEL);
    let mut at = range.start / WHEEL;
    let rows = (range.end.isqrt() / 4).clamp(*ROWS.start(), *ROWS.end());
    let mut is_composite = vec![false; index(rows.min(end - at))];
    while at < end {
        let segment = at..end.min(at + rows);
        let is_composite = &mut is_composite[..index(segment.end - at)];
        sieve.take_into_use(&segment);
        for class in &mut sieve.classes {
            class.strike(&sieve.primes, at, is_composite);
            see(index(class.remainder % 10), count(&is_composite[class.within(&segment, range)]));
        }
        at = segment.end;
        watch.step(range.end.min(at * WHEEL) - range.start)?;
    }
    Ok(())
}

struct Sieve {
    /// The base primes that are struck one by one.
    primes: Vec<u32>,
    classes: [Class; REMAINDERS.len()],
}

/// The numbers with one remainder.
struct Class {
    remainder: u64,
    /// The rows in which 7, 11 or 13 divides the number.
    pattern: [bool; PERIOD],
    /// For each base prime in use: the index of its next multiple in the next segment.
    next: Vec<u32>,
}

impl Sieve {
    fn new(range: &Range<u64>) -> Self {
        let primes = BASE.with_borrow_mut(|base| base.up_to(range.end.isqrt()).to_vec());
        Self { classes: REMAINDERS.map(|remainder| Class::new(remainder, primes.len())), primes }
    }

    /// Adds the base primes whose squares lie in this segment.
    fn take_into_use(&mut self, segment: &Range<u64>) {
        let in_use = self.classes[0].next.len();
        for prime in self.primes[in_use..].iter().copied().map(u64::from) {
            if prime * prime >= segment.end * WHEEL {
                break;
            }
            let least = prime.max((segment.start * WHEEL).div_ceil(prime));
            let multiples = Multiples::of(prime, least);
            for class in &mut self.classes {
                class.next.push(short(multiples.first_row(class.remainder) - segment.start));
            }
        }
    }
}

impl Class {
    fn new(remainder: u64, primes: usize) -> Self {
        let mut class = Self { remainder, pattern: [false; PERIOD], next: Vec::with_capacity(primes) };
        for prime in [7, 11, 13] {
            let first = index(Multiples::of(prime, 1).first_row(remainder));
            class.pattern[first..].iter_mut().step_by(index(prime)).for_each(|is_composite| *is_composite = true);
        }
        class
    }

    /// Sieves the segment.
    fn strike(&mut self, primes: &[u32], first: u64, is_composite: &mut [bool]) {
        self.copy_pattern(first, is_composite);
        if first == 0 && self.remainder == 1 {
            is_composite[0] = true;
        }
        for (prime, next) in primes.iter().zip(&mut self.next) {
            let mut row = *next as usize;
            while row < is_composite.len() {
                is_composite[row] = true;
                row += *prime as usize;
            }
            *next = short((row - is_composite.len()) as u64);
        }
    }

    /// The indices in the segment of the numbers in the range.
    fn within(&self, segment: &Range<u64>, range: &Range<u64>) -> Range<usize> {
        let [start, end] = [range.start, range.end].map(|bound| {
            let row = bound.saturating_sub(self.remainder).div_ceil(WHEEL);
            index(row.clamp(segment.start, segment.end) - segment.start)
        });
        start..end
    }

    /// Fills the segment with the pattern, which starts at row 0.
    fn copy_pattern(&self, first: u64, is_composite: &mut [bool]) {
        let begun = &self.pattern[index(first % PERIOD as u64)..];
        let (rest_of_it, others) = is_composite.split_at_mut(begun.len().min(is_composite.len()));
        rest_of_it.copy_from_slice(&begun[..rest_of_it.len()]);
        for whole in others.chunks_mut(PERIOD) {
            whole.copy_from_slice(&self.pattern[..whole.len()]);
        }
    }
}

/// The multiples of a prime by factors of at least `least`.
struct Multiples {
    prime: u64,
    least: u64,
    /// The inverse of the prime modulo 30.
    inverse: u64,
    least_remainder: u64,
}

impl Multiples {
    fn of(prime: u64, least: u64) -> Self {
        // The fourth power of each of the eight remainders is 1 modulo 30.
        Self { prime, least, inverse: (prime % WHEEL).pow(3) % WHEEL, least_remainder: least % WHEEL }
    }

    /// The row of the first multiple with this remainder.
    fn first_row(&self, remainder: u64) -> u64 {
        let factor = self.inverse * remainder % WHEEL;
        self.prime * (self.least + (factor + WHEEL - self.least_remainder) % WHEEL) / WHEEL
    }
}

/// Counts the primes. Sums bytes, because more of them fit a vector.
fn count(is_composite: &[bool]) -> u64 {
    let batches = is_composite.chunks(u8::MAX.into());
    batches.map(|batch| u64::from(batch.iter().map(|is_composite| u8::from(!*is_composite)).sum::<u8>())).sum()
}

thread_local! {
    static BASE: RefCell<Base> = const { RefCell::new(Base { most: 0, primes: Vec::new() }) };
}

/// All primes up to a number, except the small ones.
struct Base {
    most: u64,
    primes: Vec<u32>,
}

impl Base {
    /// The primes from 17 up to `most`.
    fn up_to(&mut self, most: u64) -> &[u32] {
        if most > self.most {
            // A power of two, so that ascending chunks compute new primes only a few times.
            self.most = most.next_power_of_two();
            self.primes = primes_up_to(self.most);
        }
        &self.primes[..self.primes.partition_point(|prime| u64::from(*prime) <= most)]
    }
}

/// The primes from 17 up to `most`, by the plain sieve over the odd numbers.
fn primes_up_to(most: u64) -> Vec<u32> {
    let mut is_composite = vec![false; index(most / 2) + 1];
    let mut primes = Vec::new();
    for odd in (3..=index(most)).step_by(2) {
        if !is_composite[odd / 2] {
            primes.push(short(odd as u64));
            is_composite.iter_mut().skip(odd * odd / 2).step_by(odd).for_each(|is_composite| *is_composite = true);
        }
    }
    primes.retain(|prime| !SMALL.contains(&u64::from(*prime)));
    primes
}

fn index(number: u64) -> usize {
    usize::try_from(number).expect("rows and base primes are below 2^40, and pointers have 64 bits")
}

fn short(number: u64) -> u32 {
    u32::try_from(number).expect("base primes and their next indices are below 2^23")
}

/// Whether the number is prime, by trial division. The tests compare the sieve with it.
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
                let expected: Vec<u64> = (17..=most).filter(|number| is_prime(*number)).collect();
                let primes: Vec<u64> = base.up_to(most).iter().copied().map(u64::from).collect();
                prop_assert_eq!(primes, expected);
            }
        }
    }
}
