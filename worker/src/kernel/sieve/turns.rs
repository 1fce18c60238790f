//! The primes of which a block has whole turns: eight multiples at a time.
//!
//! A turn that begins in a block is cleared as a whole, also where it ends behind the block. So there is one loop for each prime and
//! block, and in it no decision but whether there is one more turn: the processor mispredicts few of them.

use super::wheel::{STEPS, first_multiple};

/// A prime with its next turn.
struct Turning {
    /// The prime divided by 30, rounded down.
    thirtieth: u32,
    /// The byte of the next turn's first multiple, counted from where the next block begins.
    byte: u32,
}

/// The primes of each remainder.
#[derive(Default)]
pub struct Turns([Vec<Turning>; 8]);

impl Turns {
    /// Forgets all primes, and keeps the memory.
    pub fn clear(&mut self) {
        self.0.iter_mut().for_each(Vec::clear);
    }

    /// Adds primes with the remainder of that place. Their multiples are cleared from their squares on, but not before byte `first`,
    /// where the next block begins, with `bytes`. Clears those before their first turns.
    pub fn add(&mut self, place: usize, primes: &[u32], first: u64, bytes: &mut [u8]) {
        let turning = |prime: &u32| {
            let (mut byte, mut at) = first_multiple(*prime, first);
            let thirtieth = *prime as usize / 30;
            while at % 8 != 0 {
                let step = STEPS[place][at];
                bytes[byte] &= step.mask;
                byte += thirtieth * usize::from(step.times) + usize::from(step.more);
                at += 1;
            }
            Turning { thirtieth: short(thirtieth), byte: short(byte) }
        };
        self.0[place].extend(primes.iter().map(turning));
    }

    /// Clears the turns that begin in the first `block` bytes. Behind these there is room for one more turn.
    pub fn strike(&mut self, bytes: &mut [u8], block: usize) {
        for (primes, strike) in self.0.iter_mut().zip(STRIKE) {
            strike(primes, bytes, block);
        }
    }
}

/// Clears the turns of these primes that begin in a block of so many bytes.
type Strike = fn(primes: &mut [Turning], bytes: &mut [u8], block: usize);

/// For each remainder of a prime.
const STRIKE: [Strike; 8] =
    [strike::<0>, strike::<1>, strike::<2>, strike::<3>, strike::<4>, strike::<5>, strike::<6>, strike::<7>];

fn strike<const PLACE: usize>(primes: &mut [Turning], bytes: &mut [u8], block: usize) {
    // Constant for each remainder: only the prime itself is left to multiply.
    let Turn { masks, distances, length } = const { Turn::of(PLACE) };
    for prime in primes {
        let (thirtieth, mut byte) = (prime.thirtieth as usize, prime.byte as usize);
        let distances = distances.map(|(times, more)| thirtieth * times + more);
        let length = thirtieth * length.0 + length.1;
        while byte < block {
            for (distance, mask) in distances.into_iter().zip(masks) {
                bytes[byte + distance] &= mask;
            }
            byte += length;
        }
        prime.byte = short(byte - block);
    }
}

/// Eight multiples in a row.
struct Turn {
    masks: [u8; 8],
    /// How far each multiple is from the first one: so many times a thirtieth of the prime, and so many bytes.
    distances: [(usize, usize); 8],
    /// How far the next turn is.
    length: (usize, usize),
}

impl Turn {
    const fn of(place: usize) -> Self {
        let mut turn = Self { masks: [0; 8], distances: [(0, 0); 8], length: (0, 0) };
        let mut at = 0;
        while at < 8 {
            let step = STEPS[place][at];
            turn.masks[at] = step.mask;
            turn.distances[at] = turn.length;
            turn.length = (turn.length.0 + step.times as usize, turn.length.1 + step.more as usize);
            at += 1;
        }
        turn
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a prime and its next turn are less than 2^32 bytes away")]
fn short(number: usize) -> u32 {
    number as u32
}
