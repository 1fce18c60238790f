//! The shared value: its type, and what adding to it does.
//!
//! Invariant: the bits in the segment are the value sign-extended to 64 bits, so that its low four bytes are the C `int`
//! that `multiprocessing.Value('i')` holds.

use std::fmt;

/// The type of the shared value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// 32 bits, signed: C's `int`.
    I32,
    /// 64 bits, signed.
    I64,
}

/// What happens when a contribution does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// The value wraps around silently, as C does.
    Wrap,
    /// The contribution is refused, and nothing changes.
    Error,
}

/// A shared value as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    kind: ValueType,
    bits: u64,
}

impl ValueType {
    /// The name as options and reports give it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
        }
    }

    /// The smallest and the largest value.
    #[must_use]
    pub fn range(self) -> (i128, i128) {
        match self {
            Self::I32 => (i32::MIN.into(), i32::MAX.into()),
            Self::I64 => (i64::MIN.into(), i64::MAX.into()),
        }
    }

    /// What `total` becomes when it is reduced to this type.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "reducing modulo the type's width is what wrapping means")]
    pub fn wrap(self, total: i128) -> Value {
        let wrapped = match self {
            Self::I32 => i64::from(total as i32),
            Self::I64 => total as i64,
        };
        self.value(wrapped.cast_unsigned())
    }

    /// The value that `bits` of the segment stand for.
    #[must_use]
    pub fn value(self, bits: u64) -> Value {
        Value { kind: self, bits }
    }
}

impl Value {
    /// The value after `contribution` is added, or nothing if it does not fit and that is an error.
    #[must_use]
    pub fn add(self, contribution: i128, overflow: Overflow) -> Option<Self> {
        let exact = self.to_i128().checked_add(contribution);
        let (min, max) = self.kind.range();
        match overflow {
            Overflow::Error => exact.filter(|sum| (min..=max).contains(sum)).map(|sum| self.kind.wrap(sum)),
            Overflow::Wrap => Some(self.kind.wrap(self.to_i128().wrapping_add(contribution))),
        }
    }

    /// The bits as they stand in the segment.
    #[must_use]
    pub fn bits(self) -> u64 {
        self.bits
    }

    /// The value as a number.
    #[must_use]
    pub fn to_i128(self) -> i128 {
        let signed = self.bits.cast_signed();
        match self.kind {
            // The high half is ours to ignore: another program may have written the C `int` alone.
            #[expect(clippy::cast_possible_truncation, reason = "the value is the low 32 bits")]
            ValueType::I32 => (signed as i32).into(),
            ValueType::I64 => signed.into(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_i128().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_values_of_program_b_appear_one_after_the_other() {
        let result = 333_332_833_333_500_000;
        let mut value = ValueType::I32.wrap(0);
        for expected in [584_144_992, 1_168_289_984, 1_752_434_976, -1_958_387_328] {
            value = value.add(result, Overflow::Wrap).unwrap();
            assert_eq!(value.to_i128(), expected);
        }
    }

    #[test]
    fn an_i32_is_refused_one_past_its_ends_and_accepted_at_them() {
        let (min, max) = ValueType::I32.range();
        let zero = ValueType::I32.wrap(0);
        assert_eq!(zero.add(max, Overflow::Error).unwrap().to_i128(), max);
        assert_eq!(zero.add(min, Overflow::Error).unwrap().to_i128(), min);
        assert_eq!(zero.add(max + 1, Overflow::Error), None);
        assert_eq!(zero.add(min - 1, Overflow::Error), None);
        assert_eq!(zero.add(max + 1, Overflow::Wrap).unwrap().to_i128(), min);
        assert_eq!(zero.add(min - 1, Overflow::Wrap).unwrap().to_i128(), max);
    }

    proptest! {
        #[test]
        fn wrapping_in_any_steps_is_wrapping_the_total(parts in prop::collection::vec(any::<i64>(), 0..20)) {
            for kind in [ValueType::I32, ValueType::I64] {
                let stepwise = parts.iter().fold(kind.wrap(0), |value, part| value.add((*part).into(), Overflow::Wrap).unwrap());
                prop_assert_eq!(stepwise, kind.wrap(parts.iter().map(|part| i128::from(*part)).sum()));
            }
        }
    }
}
