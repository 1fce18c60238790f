//! The base primes: those whose multiples are struck.

use std::cell::RefCell;
use std::rc::Rc;

use super::wheel::{REMAINDERS, WHEEL, place};
use super::{Sieve, presieve, short};
use crate::kernel::Unwatched;

/// Up to here they come from trial division.
const PLAIN: u64 = 1 << 11;

/// Primes in ascending order, those of each remainder modulo 30 apart.
pub type BasePrimes = [Vec<u32>; REMAINDERS.len()];

thread_local! {
    static BASE: RefCell<Base> = RefCell::default();
}

/// All base primes up to a number.
#[derive(Default)]
struct Base {
    most: u64,
    primes: Rc<BasePrimes>,
}

/// The base primes up to that number, and perhaps some more.
pub fn primes_up_to(most: u64) -> Rc<BasePrimes> {
    BASE.with_borrow_mut(|base| base.up_to(most))
}

impl Base {
    fn up_to(&mut self, most: u64) -> Rc<BasePrimes> {
        if most > self.most {
            // A power of two, so that ascending chunks compute new primes only a few times.
            self.most = most.next_power_of_two().max(PLAIN);
            self.primes = compute(self.most).into();
        }
        Rc::clone(&self.primes)
    }
}

/// The base primes up to `most`, from those up to its root.
fn compute(most: u64) -> BasePrimes {
    if most <= PLAIN {
        return plain(most);
    }
    let (range, mut primes) = (presieve::LAST + 1..most + 1, BasePrimes::default());
    let mut first = range.start / WHEEL;
    let see = |bytes: &[u8]| {
        for (byte, bits) in (first..).zip(bytes) {
            let mut bits = *bits;
            while bits != 0 {
                let place = bits.trailing_zeros() as usize;
                primes[place].push(short(byte * WHEEL + REMAINDERS[place]));
                bits &= bits - 1;
            }
        }
        first += bytes.len() as u64;
    };
    // Nobody can stop it.
    let _ = Sieve::default().run(compute(most.isqrt()).into(), &range, &mut Unwatched, see);
    primes
}

/// The same, by trial division.
fn plain(most: u64) -> BasePrimes {
    let mut primes = BasePrimes::default();
    let is_prime = |number: &u64| (2..=number.isqrt()).all(|divisor| !number.is_multiple_of(divisor));
    (presieve::LAST + 1..=most).filter(is_prime).for_each(|prime| primes[place(prime)].push(short(prime)));
    primes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::sieve::is_prime;

    proptest! {
        #[test]
        fn they_are_the_same_whatever_was_asked_for_before(asked in prop::collection::vec(0_u64..20_000, 1..8)) {
            let mut base = Base::default();
            for most in asked {
                let found = base.up_to(most);
                for (remainder, found) in REMAINDERS.into_iter().zip(found.iter()) {
                    let last = found.last().map_or(presieve::LAST, |last| u64::from(*last)).max(most);
                    let all = (presieve::LAST + 1..=last).filter(|number| number % WHEEL == remainder && is_prime(*number));
                    prop_assert_eq!(found, &all.map(short).collect::<Vec<_>>());
                }
            }
        }
    }
}
