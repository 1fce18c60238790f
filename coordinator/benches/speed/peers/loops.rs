//! The sum of the squares below N by vectors, each square computed: `loops AVX2|AVX-512|"AVX-512 IFMA" N`, compiled for
//! CPUs that have them. Prints seconds an iteration.
//!
//! Eight accumulators of 64-bit lanes hide the latency of the products. The squares are those of numbers below 2^26, so
//! that neither a product's 52 bits nor a lane's sum can overflow.
#![forbid(unsafe_code)]

use std::arch::x86_64::*;
use std::time::Instant;

const ACCUMULATORS: usize = 8;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let n: u64 = arguments[2].parse().expect("a number");
    assert!(n < 1 << 26 && n % 64 == 0, "whole rounds of vectors");
    let began = Instant::now();
    let sum = sum(&arguments[1], n);
    let took = began.elapsed().as_secs_f64();
    assert_eq!(sum, u128::from(n) * u128::from(n - 1) * u128::from(2 * n - 1) / 6);
    println!("{}", took / n as f64);
}

#[cfg(not(target_feature = "avx512f"))]
fn sum(_: &str, n: u64) -> u128 {
    let start = |index: usize| {
        let first = 4 * index as i64;
        _mm256_set_epi64x(first + 3, first + 2, first + 1, first)
    };
    let mut numbers: [__m256i; ACCUMULATORS] = std::array::from_fn(start);
    let mut sums = [_mm256_setzero_si256(); ACCUMULATORS];
    let step = _mm256_set1_epi64x(4 * ACCUMULATORS as i64);
    for _ in 0..n / (4 * ACCUMULATORS as u64) {
        for (number, sum) in numbers.iter_mut().zip(&mut sums) {
            *sum = _mm256_add_epi64(*sum, _mm256_mul_epu32(*number, *number));
            *number = _mm256_add_epi64(*number, step);
        }
    }
    let lanes = |sum: &__m256i| {
        let lanes = [
            _mm256_extract_epi64::<0>(*sum),
            _mm256_extract_epi64::<1>(*sum),
            _mm256_extract_epi64::<2>(*sum),
            _mm256_extract_epi64::<3>(*sum),
        ];
        lanes.iter().map(|lane| u128::from(lane.cast_unsigned())).sum::<u128>()
    };
    sums.iter().map(lanes).sum()
}

#[cfg(target_feature = "avx512f")]
fn sum(kind: &str, n: u64) -> u128 {
    if kind == "AVX-512" { wide(n, square_and_add) } else { wide(n, fused) }
}

#[cfg(target_feature = "avx512f")]
fn square_and_add(sum: __m512i, number: __m512i) -> __m512i {
    _mm512_add_epi64(sum, _mm512_mul_epu32(number, number))
}

#[cfg(all(target_feature = "avx512f", not(target_feature = "avx512ifma")))]
use square_and_add as fused;

#[cfg(target_feature = "avx512ifma")]
fn fused(sum: __m512i, number: __m512i) -> __m512i {
    _mm512_madd52lo_epu64(sum, number, number)
}

#[cfg(target_feature = "avx512f")]
fn wide(n: u64, add_square: impl Fn(__m512i, __m512i) -> __m512i) -> u128 {
    let start = |index: usize| {
        let first = 8 * index as i64;
        let [a, b, c, d, e, f, g, h] = std::array::from_fn(|lane| first + lane as i64);
        _mm512_set_epi64(h, g, f, e, d, c, b, a)
    };
    let mut numbers: [__m512i; ACCUMULATORS] = std::array::from_fn(start);
    let mut sums = [_mm512_setzero_si512(); ACCUMULATORS];
    let step = _mm512_set1_epi64(8 * ACCUMULATORS as i64);
    for _ in 0..n / (8 * ACCUMULATORS as u64) {
        for (number, sum) in numbers.iter_mut().zip(&mut sums) {
            *sum = add_square(*sum, *number);
            *number = _mm512_add_epi64(*number, step);
        }
    }
    sums.iter().map(|sum| u128::from(_mm512_reduce_add_epi64(*sum).cast_unsigned())).sum()
}
