//! The wheel of 30: numbers that 2, 3 and 5 do not divide, eight to a byte.
//!
//! Byte b has a bit for each of the eight numbers 30 · b + r, r one of [`REMAINDERS`], the lowest bit first. A prime's multiples
//! that the wheel has are its products with factors that the wheel has. Eight factors in a row are a turn; a turn moves by as
//! many bytes as the prime says (Pritchard, "A sublinear additive sieve for finding prime numbers", 1981).

use super::index;

/// Numbers in a byte.
pub const WHEEL: u64 = 30;

/// The remainders modulo 30 of numbers that 2, 3 and 5 do not divide.
pub const REMAINDERS: [u64; 8] = [1, 7, 11, 13, 17, 19, 23, 29];

/// From each factor to the next one.
const GAPS: [u64; 8] = [6, 4, 2, 4, 2, 4, 6, 2];

/// For each remainder: how far the next number of the wheel is, and the place of its remainder.
#[expect(clippy::cast_possible_truncation, reason = "the numbers are computed at build time, and small")]
const NEXT: [(u8, u8); 30] = {
    let mut next = [(0, 0); 30];
    let mut remainder = 0;
    while remainder < 30 {
        let mut place = 0;
        while REMAINDERS[place] < remainder {
            place += 1;
        }
        next[remainder as usize] = ((REMAINDERS[place] - remainder) as u8, place as u8);
        remainder += 1;
    }
    next
};

/// What a multiple clears, and how far the next one is.
#[derive(Clone, Copy)]
pub struct Step {
    /// All bits but that of the multiple.
    pub mask: u8,
    /// How many times the prime divided by 30, rounded down, the next multiple is further on.
    pub times: u8,
    /// And so many bytes more. Sixteen bits make a step four bytes.
    pub more: u16,
}

/// The steps of a turn, for the place of each remainder of a prime.
#[expect(clippy::cast_possible_truncation, reason = "the numbers are computed at build time, and small")]
pub const STEPS: [[Step; 8]; 8] = {
    let mut steps = [[Step { mask: 0, times: 0, more: 0 }; 8]; 8];
    let mut at = 0;
    while at < 64 {
        let (prime, factor, gap) = (REMAINDERS[at / 8], REMAINDERS[at % 8], GAPS[at % 8]);
        let more = prime * (factor + gap) / WHEEL - prime * factor / WHEEL;
        steps[at / 8][at % 8] = Step { mask: !bit(prime * factor), times: gap as u8, more: more as u16 };
        at += 1;
    }
    steps
};

/// The place among [`REMAINDERS`] of a number that the wheel has.
pub const fn place(number: u64) -> usize {
    NEXT[(number % WHEEL) as usize].1 as usize
}

/// The bit of a number that the wheel has.
pub const fn bit(number: u64) -> u8 {
    1 << place(number)
}

/// The first number from there on that the wheel has, and the place of its remainder.
pub fn from(number: u64) -> (u64, usize) {
    let (further, place) = NEXT[(number % WHEEL) as usize];
    (number + u64::from(further), place.into())
}

/// The first multiple that is struck of a prime, from its square on, but not before byte `first`: how many bytes further on it is, and
/// its place in a turn.
#[inline]
pub fn first_multiple(prime: u32, first: u64) -> (usize, usize) {
    let prime = u64::from(prime);
    let (factor, at) = from(prime.max((first * WHEEL).div_ceil(prime)));
    (index(prime * factor / WHEEL - first), at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_clears_the_multiples_of_a_prime_and_nothing_else() {
        for prime in [7_u64, 11, 13, 17, 19, 23, 29, 31, 997] {
            let (factor, start) = from(prime);
            let (mut byte, mut at, turn) = (prime * factor / WHEEL, start, STEPS[place(prime)]);
            let mut multiples =
                (factor..).filter(|factor| REMAINDERS.contains(&(factor % WHEEL))).map(|factor| prime * factor);
            for multiple in multiples.by_ref().take(40) {
                assert_eq!((byte, !turn[at].mask), (multiple / WHEEL, bit(multiple)), "{prime} {multiple}");
                byte += prime / WHEEL * u64::from(turn[at].times) + u64::from(turn[at].more);
                at = (at + 1) % 8;
            }
        }
    }
}
