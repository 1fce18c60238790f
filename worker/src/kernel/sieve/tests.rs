//! The sieve against a primality test of each number, and against itself.

use std::ops::Range;

use proptest::prelude::*;

use super::wheel::WHEEL;
use super::*;
use crate::kernel::Unwatched;

/// Whether the number is prime, by Miller and Rabin's test. With these bases it is exact up to 3 · 10^23 (Sorenson and Webster,
/// "Strong pseudoprimes to twelve prime bases", 2017).
fn passes_miller_rabin(number: u64) -> bool {
    const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    if number < 2 || BASES.iter().any(|base| number.is_multiple_of(*base)) {
        return BASES.contains(&number);
    }
    let times = |left: u64, right: u64| {
        u64::try_from(u128::from(left) * u128::from(right) % u128::from(number)).expect("it is less than the number")
    };
    let twos = (number - 1).trailing_zeros();
    let power = |base: u64| {
        let odd = (number - 1) >> twos;
        let bits = (0..u64::BITS - odd.leading_zeros()).rev();
        bits.fold(1, |power, bit| times(times(power, power), if odd >> bit & 1 == 1 { base } else { 1 }))
    };
    BASES.into_iter().all(|base| {
        let mut powers = (1..twos).scan(power(base), |power, _| {
            *power = times(*power, *power);
            Some(*power)
        });
        power(base) == 1 || power(base) == number - 1 || powers.any(|power| power == number - 1)
    })
}

/// The primes that have bits, by a sieve with these caches, or else with those of this processor and the memory of the call before.
fn sieved(range: &Range<u64>, caches: Option<Caches>) -> Vec<u64> {
    let (mut primes, mut first) = (Vec::new(), range.start / WHEEL);
    let see = |bytes: &[u8]| {
        for (byte, bits) in (first..).zip(bytes) {
            let set = REMAINDERS.into_iter().enumerate().filter(|(place, _)| bits >> place & 1 == 1);
            primes.extend(set.map(|(_, remainder)| byte * WHEEL + remainder));
        }
        first += bytes.len() as u64;
    };
    match caches {
        None => sieve(range, &mut Unwatched, see).unwrap(),
        Some(caches) => {
            let base = base::primes_up_to(range.end.isqrt());
            Sieve { caches, ..Sieve::default() }.run(base, range, &mut Unwatched, see).unwrap();
        }
    }
    primes
}

fn tested(range: Range<u64>) -> Vec<u64> {
    range.filter(|number| *number > 5 && passes_miller_rabin(*number)).collect()
}

fn counted(range: &Range<u64>) -> u64 {
    let mut primes = 0;
    sieve(range, &mut Unwatched, |bytes| primes += count(bytes, u8::MAX)).unwrap();
    primes
}

#[test]
fn miller_rabin_and_trial_division_agree() {
    assert!((0..20_000).all(|number| passes_miller_rabin(number) == is_prime(number)));
    // The least strong pseudoprimes to the first seven and to the first eleven prime bases.
    assert!(!passes_miller_rabin(341_550_071_728_321) && !passes_miller_rabin(3_825_123_056_546_413_051));
}

#[test]
fn every_number_is_judged_right_around_squares_of_primes_and_powers() {
    // Among them primes near the limits of a block, a turn, and the base primes for 2^44 and 2^52.
    let squares = [101, 103, 32_749, 49_157, 419_429, 4_194_301, 67_108_859].map(|prime: u64| prime.pow(2));
    for center in squares.into_iter().chain([1 << 32, 10_000_000_000, 10_000_000_000_000, MOST]) {
        let range = center.saturating_sub(2000)..(center + 2000).min(MOST);
        assert_eq!(sieved(&range, None), tested(range), "around {center}");
    }
}

/// By primesieve 11.0.
#[test]
fn ranges_of_several_segments_have_the_known_number_of_primes() {
    for (range, primes) in [
        (10_000_000_000_000..10_000_100_000_000, 3_342_093),
        (999_999_000_000..1_000_001_000_001, 72_649),
        (4_294_000_000..4_295_967_297, 88_400),
        (1_000_000_000_000_000..1_000_000_100_000_000, 2_893_937),
        (MOST - 1_000_000..MOST, 27_703),
    ] {
        assert_eq!(counted(&range), primes, "{range:?}");
    }
}

#[test]
fn a_sieve_that_was_stopped_leaves_nothing_behind() {
    struct Stops;
    impl Watch for Stops {
        fn step(&mut self, _done: u64) -> Result<(), Stopped> {
            Err(Stopped)
        }
    }
    for range in [0..100_000_000, 1 << 40..(1 << 40) + 100_000_000] {
        assert_eq!(sieve(&range, &mut Stops, |_| {}), Err(Stopped));
        let next = range.start + 40_000_000..range.start + 40_010_000;
        assert_eq!(sieved(&next, None), tested(next));
    }
}

/// A range of at most that length somewhere below 2^`bits`, more often far down.
fn ranges(bits: u32, length: u64) -> impl Strategy<Value = Range<u64>> {
    (0..=bits, any::<u64>(), 0..=length).prop_map(move |(bits, start, length)| {
        let start = start & ((1 << bits) - 1);
        start..start + length
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_number_is_judged_right(range in ranges(43, 3000)) {
        prop_assert_eq!(sieved(&range, None), tested(range));
    }

    #[test]
    fn the_sizes_of_blocks_and_segments_do_not_matter(
        range in ranges(32, 400_000), block in 64_usize..2000, blocks in 4_usize..20, more in 0_usize..64,
    ) {
        let caches = Caches { block, segment: block * blocks + more };
        prop_assert_eq!(sieved(&range, Some(caches)), sieved(&range, None));
    }

    #[test]
    fn the_parts_of_a_range_add_up_however_it_is_cut(
        range in ranges(43, 3_000_000), cuts in prop::collection::vec(0_u64..3_000_000, 0..8),
    ) {
        let mut cuts: Vec<u64> = cuts.into_iter().map(|cut| range.end.min(range.start + cut)).collect();
        cuts.extend([range.start, range.end]);
        cuts.sort_unstable();
        let parts = cuts.windows(2).map(|cut| counted(&(cut[0]..cut[1]))).sum::<u64>();
        prop_assert_eq!(parts, counted(&range));
    }
}
