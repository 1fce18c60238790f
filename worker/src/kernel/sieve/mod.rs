//! A segmented sieve of Eratosthenes, for the kernels about primes.
//!
//! It sieves only numbers that 2, 3 and 5 do not divide, eight to a byte ([`wheel`]). The multiples of the primes up to 97 are
//! patterns ([`presieve`]). The others keep their next multiple and are struck one by one ([`strikes`]): those that have several
//! multiples in a block of the first-level cache block by block, and the larger ones over a segment, which fits the second-level
//! cache. The largest wait in [`buckets`] for the segments that have their multiples. The design follows what primesieve does
//! (<https://github.com/kimwalisch/primesieve>, `doc/ALGORITHMS.md`).
//! The base primes and the memory stay with the thread, from one chunk of a run to the next.
//! Invariant: each prime of the range has a bit in one segment.

mod base;
mod buckets;
mod caches;
mod count;
mod presieve;
mod strikes;
#[cfg(test)]
mod tests;
mod turns;
mod wheel;

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;

use super::{Stopped, Watch};
use base::BasePrimes;
use buckets::Buckets;
use caches::Caches;
use strikes::Strikes;
use turns::Turns;
use wheel::{WHEEL, bit};

pub use count::count;
pub use wheel::REMAINDERS;

/// The end of the largest range: the base primes then end at 2^26, and take 50 MB.
pub const MOST: u64 = 1 << 52;

/// Iterations of a worker's first chunk: fewer take no less time, because each chunk begins with the first multiples of all base primes.
pub const FIRST_CHUNK: u64 = 1 << 24;

/// The primes that have no bit in any segment.
pub const WITHOUT_BITS: [u64; 3] = [2, 3, 5];

/// Calls `see(bytes)`, segment by segment, with the primes of the range except 2, 3 and 5: bit k of a byte is a number that ends,
/// modulo 30, in the k-th of [`REMAINDERS`].
pub fn sieve(range: &Range<u64>, watch: &mut dyn Watch, see: impl FnMut(&[u8])) -> Result<(), Stopped> {
    if range.is_empty() {
        return Ok(());
    }
    // The memory of the chunk before: fresh pages cost as much as the sieving of a small chunk.
    let mut sieve = SIEVE.take().unwrap_or_default();
    let done = sieve.run(base::primes_up_to(range.end.isqrt()), range, watch, see);
    SIEVE.set(Some(sieve));
    done
}

thread_local! {
    static SIEVE: Cell<Option<Box<Sieve>>> = const { Cell::new(None) };
}

/// The sieve of one range.
struct Sieve {
    primes: Rc<BasePrimes>,
    /// So many of each remainder are in use: the squares of the others are further up.
    used: [usize; REMAINDERS.len()],
    /// Those that are no larger than a block.
    of_block: Turns,
    /// Larger ones, of which a segment has whole turns.
    of_segment: Turns,
    /// Still larger ones, of which most segments have a multiple.
    strikes: Strikes,
    /// The largest.
    buckets: Buckets,
    caches: Caches,
    /// The bytes of a segment, and behind them room for a turn that begins in it.
    bytes: Vec<u8>,
    /// What was in that room of the segment before.
    behind: Vec<u8>,
}

impl Default for Sieve {
    fn default() -> Self {
        Self {
            primes: Rc::default(),
            used: Default::default(),
            of_block: Turns::default(),
            of_segment: Turns::default(),
            strikes: Strikes::default(),
            buckets: Buckets::default(),
            caches: Caches::of_this_processor(),
            bytes: Vec::new(),
            behind: Vec::new(),
        }
    }
}

impl Sieve {
    fn run(
        &mut self,
        primes: Rc<BasePrimes>,
        range: &Range<u64>,
        watch: &mut dyn Watch,
        mut see: impl FnMut(&[u8]),
    ) -> Result<(), Stopped> {
        (self.primes, self.used) = (primes, Default::default());
        self.of_block.clear();
        self.of_segment.clear();
        self.strikes.clear();
        self.bytes.clear();
        let end = range.end.div_ceil(WHEEL);
        let mut at = range.start / WHEEL;
        let segment = self.caches.divided(end - at);
        self.buckets.clear(index(range.end.isqrt()), end - at, segment);
        while at < end {
            let length = segment.min(usize::try_from(end - at).unwrap_or(usize::MAX));
            self.sieve_segment(at, length);
            let segment = &mut self.bytes[..length];
            correct(segment, at, range);
            see(segment);
            at += length as u64;
            watch.step(range.end.min(at * WHEEL) - range.start)?;
        }
        Ok(())
    }

    /// Sieves the bytes from byte `first` on.
    fn sieve_segment(&mut self, first: u64, length: usize) {
        self.begin(first, length);
        self.take_into_use(first, length);
        for begin in (0..length).step_by(self.caches.block) {
            self.of_block.strike(&mut self.bytes[begin..], self.caches.block.min(length - begin));
        }
        self.of_segment.strike(&mut self.bytes, length);
        self.strikes.strike(&mut self.bytes[..length]);
        self.buckets.strike(&mut self.bytes[..length]);
    }

    /// Puts the patterns into the segment, without the multiples that the last segment's turns have cleared behind its end.
    fn begin(&mut self, first: u64, length: usize) {
        let room = self.caches.room();
        self.behind.clear();
        self.behind.extend_from_slice(&self.bytes[self.bytes.len().saturating_sub(room)..]);
        self.bytes.resize(length, 0);
        presieve::fill(&mut self.bytes, first);
        for (byte, behind) in self.bytes.iter_mut().zip(&self.behind) {
            *byte &= behind;
        }
        self.bytes.resize(length + room, u8::MAX);
    }

    /// Takes the base primes into use whose squares lie in this segment.
    fn take_into_use(&mut self, first: u64, length: usize) {
        let end = (first + length as u64) * WHEEL;
        for (place, (primes, used)) in self.primes.iter().zip(&mut self.used).enumerate() {
            let waiting = &primes[*used..];
            let (primes, _) = waiting.split_at(waiting.partition_point(|prime| u64::from(*prime).pow(2) < end));
            *used += primes.len();
            let (of_block, others) = split_behind(primes, self.caches.block);
            let (of_segment, others) = split_behind(others, self.caches.largest_turn());
            self.of_block.add(place, of_block, first, &mut self.bytes);
            self.of_segment.add(place, of_segment, first, &mut self.bytes);
            let (most_segments, others) = split_behind(others, self.caches.largest_strike());
            self.strikes.add(place, most_segments, first);
            self.buckets.add(place, others, first);
        }
    }
}

/// Those up to `most`, and the others.
fn split_behind(primes: &[u32], most: usize) -> (&[u32], &[u32]) {
    primes.split_at(primes.partition_point(|prime| *prime as usize <= most))
}

/// Sets the bits of the primes of the patterns, which are no multiples of a smaller number, and clears 1 and what is outside of the
/// range.
fn correct(bytes: &mut [u8], first: u64, range: &Range<u64>) {
    for prime in presieve::primes() {
        let place = (prime / WHEEL).checked_sub(first).and_then(|place| usize::try_from(place).ok());
        if let Some(byte) = place.and_then(|place| bytes.get_mut(place)) {
            *byte |= bit(prime);
        }
    }
    if first == 0 {
        bytes[0] &= !bit(1);
    }
    let last = bytes.len() - 1;
    for place in [0, last] {
        let number = |remainder| (first + place as u64) * WHEEL + remainder;
        for remainder in REMAINDERS.into_iter().filter(|remainder| !range.contains(&number(*remainder))) {
            bytes[place] &= !bit(remainder);
        }
    }
}

/// An index of something in memory.
pub fn index(number: u64) -> usize {
    usize::try_from(number).expect("it is less than the memory, and pointers have 64 bits")
}

fn short(number: u64) -> u32 {
    u32::try_from(number).expect("base primes are below 2^26, and steps shorter")
}

/// Whether the number is prime, by trial division. The tests compare the sieve with it.
#[cfg(test)]
pub fn is_prime(number: u64) -> bool {
    number >= 2 && (2..=number.isqrt()).all(|divisor| !number.is_multiple_of(divisor))
}
