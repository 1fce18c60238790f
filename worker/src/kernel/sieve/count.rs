//! Counting bits.

use crate::kernel::simd::{InstructionSet, Vectorized};

/// Counts the bits of the mask in all bytes.
pub fn count(bytes: &[u8], mask: u8) -> u64 {
    InstructionSet::best().run(Count { bytes, mask })
}

struct Count<'a> {
    bytes: &'a [u8],
    mask: u8,
}

impl Vectorized for Count<'_> {
    type Output = u64;

    #[expect(clippy::inline_always, reason = "code takes the instruction set of the function into which it is inlined")]
    #[inline(always)]
    fn run(self) -> u64 {
        let (words, rest) = self.bytes.as_chunks();
        let mask = u64::from_ne_bytes([self.mask; 8]);
        let in_words: u64 = words.iter().map(|word| u64::from((u64::from_ne_bytes(*word) & mask).count_ones())).sum();
        in_words + rest.iter().map(|byte| u64::from((byte & self.mask).count_ones())).sum::<u64>()
    }
}
