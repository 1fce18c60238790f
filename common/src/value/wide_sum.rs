//! Sums that may pass 128 bits on their way.

/// A sum of integers of 128 bits. Fewer than 2^64 of them fit, whatever stands between the first and the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WideSum {
    /// The sum of the high halves, and that of the low ones.
    high: i128,
    low: u128,
}

impl WideSum {
    /// Adds an integer.
    pub fn add(&mut self, integer: i128) {
        self.high += integer >> 64;
        self.low += integer.cast_unsigned() & u128::from(u64::MAX);
    }

    /// The sum; nothing if it has more than 128 bits.
    #[must_use]
    pub fn total(self) -> Option<i128> {
        let high = i64::try_from(self.high + (self.low >> 64).cast_signed()).ok()?;
        Some((i128::from(high) << 64) | self.remainder())
    }

    /// The sum modulo 2^64: all that a wrapping value keeps of it.
    #[must_use]
    pub fn remainder(self) -> i128 {
        self.low.cast_signed() & i128::from(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(parts: &[i128]) -> WideSum {
        let mut sum = WideSum::default();
        for part in parts {
            sum.add(*part);
        }
        sum
    }

    #[test]
    fn a_total_of_128_bits_is_exact_even_if_a_sum_before_it_has_more() {
        for (parts, total) in [
            (&[i128::MAX, 1, -1] as &[_], Some(i128::MAX)),
            (&[i128::MIN, i128::MIN, i128::MAX], None),
            (&[i128::MIN, i128::MIN, i128::MAX, i128::MAX], Some(-2)),
            (&[i128::MAX, 1], None),
            (&[i128::MIN, -1], None),
            (&[], Some(0)),
        ] {
            assert_eq!(sum(parts).total(), total, "{parts:?}");
        }
    }

    proptest! {
        #[test]
        fn the_total_is_the_sum_if_that_has_128_bits(parts in prop::collection::vec(any::<i128>(), 0..20)) {
            // Floor and remainder of each part apart, so that nothing is lost.
            let (floors, rest) = parts.iter().fold((0_i128, 0_i128), |(floors, rest), part| {
                (floors + part.div_euclid(1 << 32), rest + part.rem_euclid(1 << 32))
            });
            let high = (floors + rest.div_euclid(1 << 32)).checked_mul(1 << 32);
            prop_assert_eq!(sum(&parts).total(), high.map(|high| high + rest.rem_euclid(1 << 32)));
            let remainders: i128 = parts.iter().map(|part| part.rem_euclid(1 << 64)).sum();
            prop_assert_eq!(sum(&parts).remainder(), remainders.rem_euclid(1 << 64));
        }
    }
}
