//! The primes that are larger than a segment: most segments have no multiple of such a prime.
//!
//! Each prime lies in the bucket of the segment that has its next multiple, so a segment meets no others (primesieve calls it
//! `EratBig`, <https://github.com/kimwalisch/primesieve/blob/master/doc/ALGORITHMS.md>).

use super::wheel::{STEPS, first_multiple};
use super::{index, short};

/// A prime with its next multiple.
#[derive(Clone, Copy)]
struct Waiting {
    /// The prime divided by 30, rounded down.
    thirtieth: u32,
    /// The byte of the next multiple, counted from where its segment begins; and the places of the prime's remainder and of its factor.
    next: u32,
}

/// A ring of buckets, one for each of the next segments.
#[derive(Default)]
pub struct Buckets {
    ring: Vec<Vec<Waiting>>,
    /// The bucket of the next segment.
    at: usize,
    /// Bytes of a segment.
    segment: usize,
    /// Bytes of the next segment and those behind it. Multiples further on have no bucket.
    left: u64,
}

impl Buckets {
    /// Forgets all primes, and keeps the memory. Makes room for primes up to `most`, and so many bytes in segments.
    pub fn clear(&mut self, most: usize, bytes: u64, segment: usize) {
        self.ring.iter_mut().for_each(Vec::clear);
        // A step is at most a fifth of the prime and a few bytes, and begins anywhere in a segment.
        let furthest = (most / 5 + 8) / segment + 2;
        let segments = index(bytes.div_ceil(segment as u64));
        self.ring.resize_with(self.ring.len().max(furthest.min(segments)), Vec::new);
        (self.at, self.segment, self.left) = (0, segment, bytes);
    }

    /// Adds primes with the remainder of that place. Their multiples are cleared from their squares on, but not before byte `first`,
    /// where the next segment begins.
    pub fn add(&mut self, place: usize, primes: &[u32], first: u64) {
        for prime in primes {
            let (byte, at) = first_multiple(*prime, first);
            self.put(prime / 30, byte, places(place, at));
        }
    }

    /// Puts a prime into the bucket of its next multiple.
    fn put(&mut self, thirtieth: u32, byte: usize, places: u32) {
        if byte as u64 >= self.left {
            return;
        }
        // Of 32 bits, for a division that is twice as fast.
        let (byte, segment) = (short(byte as u64), short(self.segment as u64));
        let (further, byte) = ((byte / segment) as usize, byte % segment);
        let at = self.at + further;
        // A step is shorter than the ring.
        let bucket = if at < self.ring.len() { at } else { at - self.ring.len() };
        self.ring[bucket].push(Waiting { thirtieth, next: byte << 6 | places });
    }

    /// Clears their multiples in the next segment, which may be shorter if it is the last one.
    pub fn strike(&mut self, segment: &mut [u8]) {
        let Some(bucket) = self.ring.get_mut(self.at) else { return };
        let mut bucket = std::mem::take(bucket);
        for Waiting { thirtieth, next } in bucket.drain(..) {
            let (mut byte, place, mut at) = ((next >> 6) as usize, next as usize >> 3 & 7, next as usize & 7);
            while byte < segment.len() {
                let step = STEPS[place][at];
                segment[byte] &= step.mask;
                byte += thirtieth as usize * usize::from(step.times) + usize::from(step.more);
                at = (at + 1) & 7;
            }
            self.put(thirtieth, byte, places(place, at));
        }
        self.left -= segment.len() as u64;
        self.ring[self.at] = bucket;
        self.at = (self.at + 1) % self.ring.len();
    }
}

#[expect(clippy::cast_possible_truncation, reason = "both are one of eight")]
fn places(of_prime: usize, of_factor: usize) -> u32 {
    (of_prime << 3 | of_factor) as u32
}
