//! The types that a cell can hold.
//!
//! Invariant: a cell's bits mean the same here as in [`Value`](crate::Value).

use std::fmt;

use crate::value::ValueType;

/// A type that a cell of a [`SharedValue`](crate::SharedValue) or [`SharedArray`](crate::SharedArray) can hold: `i32`, `i64`,
/// `u32`, `u64`, `f32`, `f64` or `bool`, and no other.
///
/// A structure is an array with a cell for each of its fields, all changed by one
/// [`update`](crate::SharedArray::update): all fields or none. Structures do not lie in a cell themselves, because a commit
/// stores each cell at once, which a processor does for eight bytes at most.
pub trait Scalar: Bits + PartialOrd + fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// The name by which segments know it.
    const VALUE_TYPE: ValueType;
}

/// A scalar that can be added to: all of them but `bool`.
pub trait Addend: Scalar {}

/// Keeps the methods of [`Bits`] to this crate: nobody else has one.
pub struct Seal(());

pub(super) const SEAL: Seal = Seal(());

/// How a scalar lies in a cell. The name cannot be reached from outside, so nobody else can implement it.
pub trait Bits: Copy {
    fn to_cell(self, seal: Seal) -> u64;

    fn from_cell(bits: u64, seal: Seal) -> Self;
}

/// Implements a type: its name, how it becomes a cell's bits, and how these become it again. Bits beyond its width are ignored.
macro_rules! scalar {
    ($type:ident, $value_type:ident, $to:expr, $from:expr) => {
        impl Scalar for $type {
            const VALUE_TYPE: ValueType = ValueType::$value_type;
        }

        impl Bits for $type {
            fn to_cell(self, _: Seal) -> u64 {
                $to(self)
            }

            fn from_cell(bits: u64, _: Seal) -> Self {
                $from(bits)
            }
        }
    };
}

scalar!(i32, I32, |int| i64::from(int).cast_unsigned(), |bits| low_half(bits).cast_signed());
scalar!(i64, I64, Self::cast_unsigned, u64::cast_signed);
scalar!(u32, U32, u64::from, low_half);
scalar!(u64, U64, Self::from, Self::from);
scalar!(f32, F32, |float: f32| u64::from(float.to_bits()), |bits| f32::from_bits(low_half(bits)));
scalar!(f64, F64, f64::to_bits, f64::from_bits);
scalar!(bool, Bool, u64::from, |bits| bits & 1 == 1);

impl Addend for i32 {}
impl Addend for i64 {}
impl Addend for u32 {}
impl Addend for u64 {}
impl Addend for f32 {}
impl Addend for f64 {}

/// The sum, which wraps around at the ends of an integer.
#[inline]
pub(super) fn sum<T: Addend>(one: T, other: T) -> T {
    T::from_cell(T::VALUE_TYPE.plus(one.to_cell(SEAL), other.to_cell(SEAL)), SEAL)
}

#[expect(clippy::cast_possible_truncation, reason = "the value is the low 32 bits")]
fn low_half(bits: u64) -> u32 {
    bits as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::{Number, Overflow};

    /// Whether the scalar comes back from its bits, and means and adds the same as a `Value` of its type.
    fn agrees<T: Addend + Into<Number>>(one: T, other: T) -> bool {
        let value = T::VALUE_TYPE.value(one.to_cell(SEAL));
        let sum = value.add(other, Overflow::Wrap).expect("they are of one type");
        T::from_cell(one.to_cell(SEAL), SEAL) == one
            && value.number() == one.into()
            && sum == T::VALUE_TYPE.value(super::sum(one, other).to_cell(SEAL))
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
        assert!(agrees(u32::MAX, u32::MAX) && agrees(u32::MIN, 1));
        assert!(f64::from_cell(f64::NAN.to_cell(SEAL), SEAL).is_nan());
        assert!(f32::from_cell(f32::NAN.to_cell(SEAL), SEAL).is_nan());
        for float in [f32::MAX, f32::MIN_POSITIVE, -0.0, f32::INFINITY, 0.1] {
            assert_eq!(f32::from_cell(float.to_cell(SEAL), SEAL).to_bits(), float.to_bits());
            assert_eq!(ValueType::F32.value(float.to_cell(SEAL)).to_string(), format!("{float:?}"));
        }
        for truth in [false, true] {
            assert_eq!(bool::from_cell(truth.to_cell(SEAL), SEAL), truth);
            assert_eq!(ValueType::Bool.value(truth.to_cell(SEAL)).to_string(), truth.to_string());
        }
    }

    #[test]
    fn the_high_half_of_a_c_int_is_not_looked_at() {
        assert_eq!(i32::from_cell(0xffff_0000_8000_0001, SEAL), -0x7fff_ffff);
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
