//! The types that a cell can hold.
//!
//! Invariant: a cell's bits mean the same here as in [`Value`](crate::Value).

use std::fmt;

use crate::value::ValueType;

/// A type that a cell of a [`SharedValue`](crate::SharedValue) or [`SharedArray`](crate::SharedArray) can hold: `i32`,
/// `i64`, `u64` or `f64`, and no other.
pub trait Scalar: Bits + PartialOrd + fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// The name by which segments know it.
    const VALUE_TYPE: ValueType;
}

/// How a scalar lies in a cell. The name cannot be reached from outside, so nobody else can implement it.
pub trait Bits: Copy {
    fn bits(self) -> u64;

    fn from_bits(bits: u64) -> Self;

    /// The sum, which wraps around at the ends of an integer.
    fn plus(self, other: Self) -> Self;
}

/// Implements an integer type: how it becomes 64 bits, and how the bits become it again.
macro_rules! integer {
    ($type:ident, $value_type:ident, $bits:expr, $from_bits:expr) => {
        impl Scalar for $type {
            const VALUE_TYPE: ValueType = ValueType::$value_type;
        }

        impl Bits for $type {
            fn bits(self) -> u64 {
                $bits(self)
            }

            fn from_bits(bits: u64) -> Self {
                $from_bits(bits)
            }

            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
        }
    };
}

integer!(i32, I32, |int| i64::from(int).cast_unsigned(), low_half);
integer!(i64, I64, Self::cast_unsigned, u64::cast_signed);
integer!(u64, U64, Self::from, Self::from);

// The high half is ours to ignore: another program may have written the C `int` alone.
#[expect(clippy::cast_possible_truncation, reason = "the value is the low 32 bits")]
fn low_half(bits: u64) -> i32 {
    bits as i32
}

impl Scalar for f64 {
    const VALUE_TYPE: ValueType = ValueType::F64;
}

impl Bits for f64 {
    fn bits(self) -> u64 {
        self.to_bits()
    }

    fn from_bits(bits: u64) -> Self {
        Self::from_bits(bits)
    }

    fn plus(self, other: Self) -> Self {
        self + other
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::{Number, Overflow};

    /// Whether the scalar comes back from its bits, and means and adds the same as a `Value` of its type.
    fn agrees<T: Scalar + Into<Number>>(one: T, other: T) -> bool {
        let value = T::VALUE_TYPE.value(one.bits());
        let sum = value.add(other, Overflow::Wrap).expect("they are of one type");
        T::from_bits(one.bits()) == one && value.number() == one.into() && sum.bits() == one.plus(other).bits()
    }

    #[test]
    fn the_ends_of_each_type_lie_in_a_cell_as_the_type_says() {
        for ends in [[i32::MIN, i32::MAX], [i32::MAX, 1], [i32::MIN, -1]] {
            assert!(agrees(ends[0], ends[1]), "{ends:?}");
        }
        for ends in [[i64::MIN, i64::MAX], [i64::MAX, 1], [i64::MIN, -1]] {
            assert!(agrees(ends[0], ends[1]), "{ends:?}");
        }
        assert!(agrees(u64::MAX, u64::MAX) && agrees(u64::MIN, 1));
        assert!(agrees(f64::MAX, f64::MAX) && agrees(f64::MIN_POSITIVE, -0.0) && agrees(f64::INFINITY, 1.0));
        assert!(<f64 as Bits>::from_bits(f64::NAN.bits()).is_nan());
    }

    #[test]
    fn the_high_half_of_a_c_int_is_not_looked_at() {
        assert_eq!(i32::from_bits(0xffff_0000_8000_0001), -0x7fff_ffff);
    }

    proptest! {
        #[test]
        fn any_scalar_lies_in_a_cell_as_its_type_says(small: [i32; 2], wide: [i64; 2], unsigned: [u64; 2], fraction in [prop::num::f64::NORMAL; 2]) {
            prop_assert!(agrees(small[0], small[1]));
            prop_assert!(agrees(wide[0], wide[1]));
            prop_assert!(agrees(unsigned[0], unsigned[1]));
            prop_assert!(agrees(fraction[0], fraction[1]));
        }
    }
}
