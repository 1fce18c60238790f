//! The multiples of the smallest primes, as patterns that repeat.

use std::sync::OnceLock;

use super::index;
use super::wheel::{WHEEL, bit, from};
use crate::kernel::simd::{InstructionSet, Vectorized};

/// The primes of each pattern. It repeats after as many bytes as their product says. Two or three primes together keep the number
/// of passes small, and the patterns small enough for the second-level cache.
const GROUPS: [&[u64]; 9] =
    [&[7, 11, 13, 17], &[19, 23, 29], &[31, 37, 41], &[43, 47], &[53, 59], &[61, 67], &[71, 73], &[79, 83], &[89, 97]];

/// Primes above it are struck one by one.
pub const LAST: u64 = 97;

/// All primes of the patterns.
pub fn primes() -> impl Iterator<Item = u64> {
    GROUPS.into_iter().flatten().copied()
}

fn patterns() -> &'static [Vec<u8>; GROUPS.len()] {
    static PATTERNS: OnceLock<[Vec<u8>; GROUPS.len()]> = OnceLock::new();
    PATTERNS.get_or_init(|| GROUPS.map(pattern))
}

/// The pattern from byte 0 on, in which the primes themselves are multiples, too.
fn pattern(primes: &[u64]) -> Vec<u8> {
    let period: u64 = primes.iter().product();
    let mut pattern = vec![u8::MAX; index(period)];
    for prime in primes {
        let (mut factor, _) = from(1);
        while prime * factor < period * WHEEL {
            pattern[index(prime * factor / WHEEL)] &= !bit(prime * factor);
            factor = from(factor + 1).0;
        }
    }
    pattern
}

/// Fills the bytes from byte `first` on: a bit is set unless a prime of the patterns divides its number.
pub fn fill(bytes: &mut [u8], first: u64) {
    let patterns = patterns();
    let mut places = patterns.each_ref().map(|pattern| index(first % pattern.len() as u64));
    let mut filled = 0;
    while filled < bytes.len() {
        let rest = |(pattern, place): (&Vec<u8>, &usize)| pattern.len() - place;
        let until_one_ends = patterns.iter().zip(&places).map(rest).min().unwrap_or(0);
        let piece = &mut bytes[filled..];
        let length = until_one_ends.min(piece.len());
        let mut from = patterns.iter().zip(&places).map(|(pattern, place)| &pattern[*place..][..length]);
        let from = std::array::from_fn(|_| from.next().unwrap_or_default());
        InstructionSet::best().run(Intersect { into: &mut piece[..length], from });
        filled += length;
        for (place, pattern) in places.iter_mut().zip(patterns) {
            *place = (*place + length) % pattern.len();
        }
    }
}

/// Stores the bits that all patterns have.
struct Intersect<'a> {
    into: &'a mut [u8],
    from: [&'a [u8]; GROUPS.len()],
}

impl Vectorized for Intersect<'_> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "code takes the instruction set of the function into which it is inlined")]
    #[inline(always)]
    fn run(self) {
        let length = self.into.len();
        // As long as the piece, for the compiler to see.
        let from = self.from.map(|pattern| &pattern[..length]);
        for (place, byte) in self.into.iter_mut().enumerate() {
            *byte = from.iter().fold(u8::MAX, |bits, pattern| bits & pattern[place]);
        }
    }
}
