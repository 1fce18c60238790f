//! The primes that are larger than a block: their multiples are cleared one by one.

use super::wheel::{STEPS, first_multiple};

/// Bits of a [`Striking`]'s word for the place in a turn.
const PLACE_BITS: u32 = 3;

/// A prime with its next multiple.
struct Striking {
    /// The prime divided by 30, rounded down.
    thirtieth: u32,
    /// The byte of the next multiple, counted from where the next segment begins; and its place in a turn.
    next: u32,
}

/// The primes of each remainder.
#[derive(Default)]
pub struct Strikes([Vec<Striking>; 8]);

impl Strikes {
    /// Forgets all primes, and keeps the memory.
    pub fn clear(&mut self) {
        self.0.iter_mut().for_each(Vec::clear);
    }

    /// Adds primes with the remainder of that place. Their multiples are cleared from their squares on, but not before byte `first`,
    /// where the next segment begins.
    pub fn add(&mut self, place: usize, primes: &[u32], first: u64) {
        let striking = |prime: &u32| {
            let (byte, at) = first_multiple(*prime, first);
            Striking { thirtieth: prime / 30, next: word(byte, at) }
        };
        self.0[place].extend(primes.iter().map(striking));
    }

    /// Clears their multiples in a segment.
    pub fn strike(&mut self, segment: &mut [u8]) {
        for (primes, steps) in self.0.iter_mut().zip(&STEPS) {
            for prime in primes {
                let (mut byte, mut at) = ((prime.next >> PLACE_BITS) as usize, prime.next as usize % 8);
                while byte < segment.len() {
                    let step = steps[at % 8];
                    segment[byte] &= step.mask;
                    byte += prime.thirtieth as usize * usize::from(step.times) + usize::from(step.more);
                    at += 1;
                }
                prime.next = word(byte - segment.len(), at % 8);
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a multiple is less than 2^29 bytes away, and a place is one of eight"
)]
fn word(byte: usize, at: usize) -> u32 {
    (byte as u32) << PLACE_BITS | at as u32
}
