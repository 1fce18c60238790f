//! The shared value: its type, and addition.
//!
//! Invariant: a cell holds what C's type of that name would, in native byte order; an `i32` is the C `int` of
//! `multiprocessing.Value('i')`. A single value has eight bytes, of which a narrower type uses the first.

mod cells;
mod number;
#[cfg(test)]
mod tests;
mod wide_sum;

use std::fmt;

pub use cells::Cells;
pub use number::Number;
pub use wide_sum::WideSum;

/// The type of the shared value, or of each cell of a shared array.
// As wide as the bits beside it in a `Value`, so that a `Value` has no padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum ValueType {
    /// 32 bits, signed: C's `int`.
    I32,
    /// 64 bits, signed.
    I64,
    /// 64 bits, unsigned.
    U64,
    /// C's `double`. The last digits of a sum depend on the order of the additions.
    F64,
    /// 32 bits, unsigned. Not for runs.
    U32,
    /// C's `float`. Not for runs.
    F32,
    /// C's `bool`: one byte, 0 or 1. Not for runs.
    Bool,
}

/// What happens when a contribution does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// The value wraps around silently, as C does; an `f64` becomes infinite.
    Wrap,
    /// The contribution is refused, and nothing changes.
    Error,
}

/// The content of a shared value, or of a cell of a shared array.
///
/// The bits beyond the type's width are ignored: another program may have written only those of the C type.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    kind: ValueType,
    bits: u64,
}

impl ValueType {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::I32, Self::I64, Self::U64, Self::F64, Self::U32, Self::F32, Self::Bool];

    /// Those that the value of a run can have.
    pub const OF_RUNS: [Self; 4] = [Self::I32, Self::I64, Self::U64, Self::F64];

    /// The name in options and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::U64 => "u64",
            Self::F64 => "f64",
            Self::U32 => "u32",
            Self::F32 => "f32",
            Self::Bool => "bool",
        }
    }

    /// The bytes of a cell in an array.
    #[must_use]
    pub fn width(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// Whether it holds fractions.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32)
    }

    /// The smallest and the largest integer; nothing for fractions.
    #[must_use]
    pub fn range(self) -> Option<(i128, i128)> {
        match self {
            Self::I32 => Some((i32::MIN.into(), i32::MAX.into())),
            Self::I64 => Some((i64::MIN.into(), i64::MAX.into())),
            Self::U64 => Some((0, u64::MAX.into())),
            Self::U32 => Some((0, u32::MAX.into())),
            Self::Bool => Some((0, 1)),
            Self::F64 | Self::F32 => None,
        }
    }

    /// Reduces `total` to this type.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "wrapping reduces modulo the type's width")]
    pub fn wrap(self, total: i128) -> Value {
        let bits = match self {
            Self::I32 => i64::from(total as i32).cast_unsigned(),
            Self::F64 | Self::F32 => return self.nearest(Number::Integer(total).to_f64()),
            _ => total.cast_unsigned() as u64,
        };
        self.value(bits)
    }

    /// The sum of a cell's bits and an integer, reduced to this integer type: its low word suffices.
    #[inline]
    pub(crate) fn wrapping_sum(self, bits: u64, added: i128) -> Value {
        let [low, _] = Number::Integer(added).words();
        self.wrap(bits.wrapping_add(low).into())
    }

    /// The value of a cell's bits.
    #[must_use]
    pub fn value(self, bits: u64) -> Value {
        Value { kind: self, bits }
    }

    /// The bits of the sum of two cells. Integers wrap around as C's unsigned ones do; a `bool` is true if one of both is.
    #[must_use]
    #[inline]
    pub fn plus(self, one: u64, other: u64) -> u64 {
        match self {
            Self::I32 | Self::U32 | Self::I64 | Self::U64 => one.wrapping_add(other),
            Self::F64 => (f64::from_bits(one) + f64::from_bits(other)).to_bits(),
            Self::F32 => u64::from((single(one) + single(other)).to_bits()),
            Self::Bool => (one | other) & 1,
        }
    }

    /// The value nearest to a fraction.
    #[expect(clippy::cast_possible_truncation, reason = "the nearest is wanted")]
    fn nearest(self, fraction: f64) -> Value {
        let bits = if self == Self::F32 { (fraction as f32).to_bits().into() } else { fraction.to_bits() };
        Value { kind: self, bits }
    }

    /// The number as a cell of this type adds it; nothing for a fraction and an integer type.
    #[must_use]
    pub fn admit(self, number: Number) -> Option<Number> {
        match number {
            Number::Integer(_) if self.is_float() => Some(Number::Float(number.to_f64())),
            Number::Float(_) if !self.is_float() => None,
            _ => Some(number),
        }
    }
}

impl Value {
    /// Adds `contribution`; nothing if the sum does not fit and `overflow` refuses that.
    #[must_use]
    pub fn add(self, contribution: impl Into<Number>, overflow: Overflow) -> Option<Self> {
        let contribution = self.kind.admit(contribution.into())?;
        match (self.number(), contribution) {
            (Number::Integer(before), Number::Integer(contribution)) => match overflow {
                Overflow::Wrap => Some(self.kind.wrap(before.wrapping_add(contribution))),
                Overflow::Error => {
                    let (min, max) = self.kind.range()?;
                    let exact = before.checked_add(contribution)?;
                    (min..=max).contains(&exact).then(|| self.kind.wrap(exact))
                }
            },
            (before, contribution) => {
                let sum = before.to_f64() + contribution.to_f64();
                (sum.is_finite() || overflow == Overflow::Wrap).then(|| self.kind.nearest(sum))
            }
        }
    }

    /// Its type.
    #[must_use]
    pub fn kind(self) -> ValueType {
        self.kind
    }

    /// The bits in the segment.
    #[must_use]
    pub fn bits(self) -> u64 {
        self.bits
    }

    /// The value as a number.
    #[must_use]
    pub fn number(self) -> Number {
        let signed = self.bits.cast_signed();
        #[expect(clippy::cast_possible_truncation, reason = "the value is the low 32 bits")]
        match self.kind {
            ValueType::I32 => Number::Integer((signed as i32).into()),
            ValueType::I64 => Number::Integer(signed.into()),
            ValueType::U64 => Number::Integer(self.bits.into()),
            ValueType::F64 => Number::Float(f64::from_bits(self.bits)),
            ValueType::U32 => Number::Integer((self.bits as u32).into()),
            ValueType::F32 => Number::Float(single(self.bits).into()),
            ValueType::Bool => Number::Integer((self.bits & 1).into()),
        }
    }
}

/// The `f32` in the low half.
#[expect(clippy::cast_possible_truncation, reason = "the value is the low 32 bits")]
fn single(bits: u64) -> f32 {
    f32::from_bits(bits as u32)
}

/// Of one type, and of the same bits of that type.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.number().words() == other.number().words()
    }
}

impl Eq for Value {}

/// The shape of a value, for messages.
pub(crate) fn shape(cells: u32, kind: &str) -> String {
    if cells == 1 { format!("a value of type {kind}") } else { format!("an array of {cells} cells of type {kind}") }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ValueType::F32 => write!(formatter, "{:?}", single(self.bits)),
            ValueType::Bool => (self.bits & 1 == 1).fmt(formatter),
            _ => self.number().fmt(formatter),
        }
    }
}
