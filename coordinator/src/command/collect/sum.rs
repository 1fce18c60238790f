//! The sum of all parts: of integers exact, of fractions in the order of the parts.

use common::{Cells, Number, Value, ValueType};

/// A sum of parts.
pub struct Sum {
    kind: ValueType,
    cells: Vec<Cell>,
}

/// The sum of one cell.
///
/// The halves of 128 bits are added up apart: a sum of fewer than 2^64 parts fits, whatever stands between the first and the last.
#[derive(Clone, Copy)]
enum Cell {
    Halves { high: i128, low: u128 },
    Fraction(f64),
}

/// A sum that fits into 128 bits.
#[derive(Debug)]
pub struct Total {
    kind: ValueType,
    numbers: Cells<Number>,
}

impl Sum {
    /// Nothing added yet.
    pub fn new(kind: ValueType, cells: u32) -> Self {
        let zero = if kind.is_float() { Cell::Fraction(0.0) } else { Cell::Halves { high: 0, low: 0 } };
        Self { kind, cells: vec![zero; cells as usize] }
    }

    /// Adds a part's total, which has as many cells.
    pub fn add(&mut self, part: &Cells<Number>) {
        for (cell, number) in self.cells.iter_mut().zip(part.as_slice()) {
            match (cell, *number) {
                (Cell::Halves { high, low }, Number::Integer(integer)) => {
                    *high += integer >> 64;
                    *low += integer.cast_unsigned() & u128::from(u64::MAX);
                }
                (Cell::Fraction(sum), number) => *sum += number.to_f64(),
                (Cell::Halves { .. }, Number::Float(_)) => unreachable!("a result that was read has its job's type"),
            }
        }
    }

    /// The total; nothing if it has more than 128 bits.
    pub fn total(&self) -> Option<Total> {
        let numbers: Option<Vec<Number>> = self.cells.iter().map(|cell| cell.number()).collect();
        Some(Total { kind: self.kind, numbers: numbers?.into() })
    }
}

impl Cell {
    fn number(self) -> Option<Number> {
        match self {
            Self::Fraction(sum) => Some(Number::Float(sum)),
            Self::Halves { high, low } => {
                let high = i64::try_from(high + (low >> 64).cast_signed()).ok()?;
                let low = low.cast_signed() & i128::from(u64::MAX);
                Some(Number::Integer((i128::from(high) << 64) | low))
            }
        }
    }
}

impl Total {
    /// As a value of the job's type.
    pub fn value(&self) -> Cells<Value> {
        self.numbers.map(|number| match number {
            Number::Integer(integer) => self.kind.wrap(*integer),
            Number::Float(float) => self.kind.value(float.to_bits()),
        })
    }

    /// The exact integers; nothing for fractions.
    pub fn exact(&self) -> Option<Cells<i128>> {
        let integers: Option<Vec<i128>> = self.numbers.as_slice().iter().map(|number| number.integer()).collect();
        integers.map(Cells::from)
    }

    /// The first number that does not fit the job's type.
    pub fn misfit(&self) -> Option<Number> {
        let range = self.kind.range();
        let fits = |number: &&Number| match (**number, &range) {
            (Number::Integer(integer), Some((least, most))) => (*least..=*most).contains(&integer),
            (number, _) => number.to_f64().is_finite(),
        };
        self.numbers.as_slice().iter().find(|number| !fits(number)).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(kind: ValueType, parts: &[Number]) -> Option<Total> {
        let mut sum = Sum::new(kind, 1);
        for part in parts {
            sum.add(&(*part).into());
        }
        sum.total()
    }

    #[test]
    fn a_total_of_128_bits_is_exact_even_if_a_sum_before_it_has_more() {
        let exact = |parts: &[i128]| {
            let parts: Vec<Number> = parts.iter().copied().map(Number::Integer).collect();
            sum(ValueType::I64, &parts).map(|total| total.exact().unwrap())
        };
        assert_eq!(exact(&[i128::MAX, 1, -1]), Some(Cells::One(i128::MAX)));
        assert_eq!(exact(&[i128::MIN, i128::MIN, i128::MAX]), None);
        assert_eq!(exact(&[i128::MIN, i128::MIN, i128::MAX, i128::MAX]), Some(Cells::One(-2)));
        assert_eq!(exact(&[i128::MAX, 1]), None);
        assert_eq!(exact(&[i128::MIN, -1]), None);
        assert_eq!(exact(&[]), Some(Cells::One(0)));
    }

    #[test]
    fn the_value_wraps_as_the_type_does_and_the_misfit_is_named() {
        let most = Number::Integer(i32::MAX.into());
        let wrapped = sum(ValueType::I32, &[most, Number::Integer(1)]).unwrap();
        assert_eq!(wrapped.value().to_string(), "-2147483648");
        assert_eq!(wrapped.misfit(), Some(Number::Integer(1 << 31)));
        assert_eq!(sum(ValueType::I32, &[most]).unwrap().misfit(), None);
        let infinite = sum(ValueType::F64, &[Number::Float(f64::MAX); 2]).unwrap();
        assert_eq!((infinite.misfit(), infinite.exact()), (Some(Number::Float(f64::INFINITY)), None));
    }

    #[test]
    fn fractions_are_added_in_order() {
        let parts = [1e16, 1.0, -1e16].map(Number::Float);
        assert_eq!(sum(ValueType::F64, &parts).unwrap().value().to_string(), "0.0");
        assert_eq!(sum(ValueType::F64, &[parts[0], parts[2], parts[1]]).unwrap().value().to_string(), "1.0");
    }

    proptest! {
        #[test]
        fn the_total_is_the_sum_if_that_has_128_bits(parts in prop::collection::vec(any::<i128>(), 0..20)) {
            let numbers: Vec<Number> = parts.iter().copied().map(Number::Integer).collect();
            let total = sum(ValueType::U64, &numbers).map(|total| total.exact().unwrap());
            // Floor and remainder of each part apart, so that nothing is lost.
            let (thirds, rest) = parts.iter().fold((0_i128, 0_i128), |(thirds, rest), part| {
                (thirds + part.div_euclid(1 << 32), rest + part.rem_euclid(1 << 32))
            });
            let exact = (thirds + rest.div_euclid(1 << 32)).checked_mul(1 << 32).map(|high| high + rest.rem_euclid(1 << 32));
            prop_assert_eq!(total, exact.map(Cells::One));
        }
    }
}
