//! Sums of squares by AVX-512 IFMA: one instruction multiplies 52-bit numbers and adds the low 52 bits of the products to a
//! sum, another one the bits above.
//!
//! Invariant: no sum overflows, see [`MOST_ROWS`]; the intrinsics run only on processors that have them.

#[cfg(target_arch = "x86_64")]
use super::InstructionSet;

/// Parallel sums: enough to keep both multipliers busy (the instruction takes 4 cycles, <https://uops.info>).
const VECTORS: usize = 8;

/// Numbers in a row.
pub const ROW: u64 = 8 * VECTORS as u64;

/// The most rows: the sum of 2^12 numbers of 52 bits has 64 bits.
pub const MOST_ROWS: u64 = 1 << 12;

/// The end of the numbers: their squares have at most 32 bits above the 52nd.
pub const END: u64 = 1 << 42;

/// Below it, a square has no bits above the 52nd.
#[cfg(target_arch = "x86_64")]
const NARROW: u64 = 1 << 26;

/// The sum of the squares of the `rows` x [`ROW`] numbers from `first` on; nothing without AVX-512 IFMA.
///
/// # Panics
/// If `rows` is larger than [`MOST_ROWS`] or the numbers go beyond [`END`].
pub fn sum_of_squares(first: u64, rows: u64) -> Option<i128> {
    assert!(rows <= MOST_ROWS && first <= END - rows * ROW, "the sums could overflow");
    #[cfg(target_arch = "x86_64")]
    if InstructionSet::Avx512Ifma.is_available() {
        let is_narrow = first + rows * ROW <= NARROW;
        let sums = if is_narrow { sums::<false> } else { sums::<true> };
        // SAFETY: the function is safe but for the two features that its attribute enables and those that these imply
        // (AVX2, FMA, F16C); `is_available` has just found them all.
        let (low, high) = unsafe { sums(first, rows) };
        return Some(i128::from(low) + (i128::from(high) << 52));
    }
    None
}

/// The sums of the squares' low 52 bits and of the bits above, if there are any.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512ifma")]
fn sums<const ARE_WIDE: bool>(first: u64, rows: u64) -> (u64, u64) {
    use std::arch::x86_64::{
        _mm512_add_epi64 as add, _mm512_and_epi64 as and, _mm512_madd52hi_epu64 as madd_high,
        _mm512_madd52lo_epu64 as madd_low, _mm512_reduce_add_epi64 as reduce, _mm512_set1_epi64 as all,
        _mm512_setr_epi64 as each, _mm512_setzero_si512 as zero, _mm512_srli_epi64 as shift_right,
    };
    let mut numbers = [add(all(first.cast_signed()), each(0, 1, 2, 3, 4, 5, 6, 7)); VECTORS];
    for vector in 1..VECTORS {
        numbers[vector] = add(numbers[vector - 1], all(8));
    }
    let (mut lows, mut highs) = ([zero(); VECTORS], [zero(); VECTORS]);
    for _ in 0..rows {
        for ((number, low), high) in numbers.iter().zip(&mut lows).zip(&mut highs) {
            *low = madd_low(*low, *number, *number);
            if ARE_WIDE {
                *high = madd_high(*high, *number, *number);
            }
        }
        // Apart from the products: on an AMD EPYC (Zen 4), additions among them took the multipliers' turns, and a row took a
        // quarter longer.
        for number in &mut numbers {
            *number = add(*number, all(ROW.cast_signed()));
        }
    }
    // Moves the carries to the high sums first: then the sum of all 64 lows, of 52 bits each, fits.
    let (mut low_sum, mut high_sum) = (zero(), zero());
    for (low, high) in lows.into_iter().zip(highs) {
        low_sum = add(low_sum, and(low, all((1 << 52) - 1)));
        high_sum = add(high_sum, add(high, shift_right::<52>(low)));
    }
    (reduce(low_sum).cast_unsigned(), reduce(high_sum).cast_unsigned())
}
