//! Contributed numbers: exact integers, or fractions.

use std::fmt;

use super::Cells;

/// A number to add to a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Exact.
    Integer(i128),
    /// For cells of type `f64`.
    Float(f64),
}

impl Number {
    /// The sum; nothing beyond 128 bits.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.checked_add(b).map(Self::Integer),
            (a, b) => Some(Self::Float(a.to_f64() + b.to_f64())),
        }
    }

    /// The nearest fraction.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the nearest is wanted")]
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Float(float) => float,
        }
    }

    /// The integer; nothing for a fraction.
    #[must_use]
    pub fn integer(self) -> Option<i128> {
        match self {
            Self::Integer(integer) => Some(integer),
            Self::Float(_) => None,
        }
    }

    /// Encodes it in two words. The segment's type tells integers from fractions.
    pub(crate) fn words(self) -> [u64; 2] {
        match self {
            Self::Integer(integer) => halves(integer),
            Self::Float(float) => [float.to_bits(), 0],
        }
    }

    pub(crate) fn from_words(words: [u64; 2], is_float: bool) -> Self {
        if is_float { Self::Float(f64::from_bits(words[0])) } else { Self::Integer(whole(words)) }
    }
}

/// Splits a 128-bit number into two words, low word first.
#[expect(clippy::cast_possible_truncation, reason = "the two halves are wanted")]
fn halves(number: i128) -> [u64; 2] {
    let bits = number.cast_unsigned();
    [bits as u64, (bits >> 64) as u64]
}

/// Joins the two words of [`halves`].
fn whole([low, high]: [u64; 2]) -> i128 {
    (u128::from(low) | u128::from(high) << 64).cast_signed()
}

macro_rules! integers {
    ($($integer:ty)*) => {
        $(
            impl From<$integer> for Number {
                fn from(integer: $integer) -> Self {
                    Self::Integer(integer.into())
                }
            }

            impl From<$integer> for Cells<Number> {
                fn from(integer: $integer) -> Self {
                    Self::One(integer.into())
                }
            }
        )*
    };
}

integers!(i32 u32 i64 u64 i128);

impl From<f64> for Number {
    fn from(float: f64) -> Self {
        Self::Float(float)
    }
}

impl From<f64> for Cells<Number> {
    fn from(float: f64) -> Self {
        Self::One(float.into())
    }
}

impl From<Number> for Cells<Number> {
    fn from(number: Number) -> Self {
        Self::One(number)
    }
}

/// A fraction always has a decimal point (`2.0`), so that it reads back as a fraction.
impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(integer) => integer.fmt(formatter),
            Self::Float(float) => write!(formatter, "{float:?}"),
        }
    }
}
