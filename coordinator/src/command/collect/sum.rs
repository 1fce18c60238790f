//! The sum of all parts: of integers exact, of fractions in the order of the parts.

use common::{Cells, Number, Value, ValueType, WideSum};

/// A sum of parts.
pub struct Sum {
    kind: ValueType,
    cells: Vec<Cell>,
}

/// The sum of one cell.
#[derive(Clone, Copy)]
enum Cell {
    Integer(WideSum),
    Fraction(f64),
}

/// The sum of all parts.
#[derive(Debug)]
pub struct Total {
    kind: ValueType,
    /// The numbers; nothing if one has more than 128 bits.
    exact: Option<Cells<Number>>,
    value: Cells<Value>,
}

impl Sum {
    /// Nothing added yet.
    pub fn new(kind: ValueType, cells: u32) -> Self {
        let zero = if kind.is_float() { Cell::Fraction(0.0) } else { Cell::Integer(WideSum::default()) };
        Self { kind, cells: vec![zero; cells as usize] }
    }

    /// Adds a part's total, which has as many cells.
    pub fn add(&mut self, part: &Cells<Number>) {
        for (cell, number) in self.cells.iter_mut().zip(part.as_slice()) {
            match (cell, *number) {
                (Cell::Integer(sum), Number::Integer(integer)) => sum.add(integer),
                (Cell::Fraction(sum), number) => *sum += number.to_f64(),
                (Cell::Integer(_), Number::Float(_)) => unreachable!("a result that was read has its job's type"),
            }
        }
    }

    /// The total.
    pub fn total(&self) -> Total {
        let numbers: Option<Vec<Number>> = self.cells.iter().map(|cell| cell.number()).collect();
        let values: Vec<Value> = self.cells.iter().map(|cell| cell.value(self.kind)).collect();
        Total { kind: self.kind, exact: numbers.map(Cells::from), value: values.into() }
    }
}

impl Cell {
    fn number(self) -> Option<Number> {
        match self {
            Self::Fraction(sum) => Some(Number::Float(sum)),
            Self::Integer(sum) => sum.total().map(Number::Integer),
        }
    }

    fn value(self, kind: ValueType) -> Value {
        match self {
            Self::Fraction(sum) => kind.value(sum.to_bits()),
            Self::Integer(sum) => kind.wrap(sum.remainder()),
        }
    }
}

/// Why a total is not a value of its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Misfit {
    /// This number does not fit.
    Number(Number),
    /// A number has more than 128 bits.
    Wide,
}

impl Total {
    /// As a value of the job's type: integers wrap around.
    pub fn value(&self) -> &Cells<Value> {
        &self.value
    }

    /// The exact integers; nothing for fractions, or beyond 128 bits.
    pub fn exact(&self) -> Option<Cells<i128>> {
        let integers: Option<Vec<i128>> =
            self.exact.as_ref()?.as_slice().iter().map(|number| number.integer()).collect();
        integers.map(Cells::from)
    }

    /// The first number that does not fit the job's type.
    pub fn misfit(&self) -> Option<Misfit> {
        let Some(numbers) = &self.exact else { return Some(Misfit::Wide) };
        let range = self.kind.range();
        let fits = |number: &&Number| match (**number, &range) {
            (Number::Integer(integer), Some((least, most))) => (*least..=*most).contains(&integer),
            (number, _) => number.to_f64().is_finite(),
        };
        numbers.as_slice().iter().find(|number| !fits(number)).copied().map(Misfit::Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(kind: ValueType, parts: &[Number]) -> Total {
        let mut sum = Sum::new(kind, 1);
        for part in parts {
            sum.add(&(*part).into());
        }
        sum.total()
    }

    #[test]
    fn the_value_wraps_as_the_type_does_and_the_misfit_is_named() {
        let most = Number::Integer(i32::MAX.into());
        let wrapped = sum(ValueType::I32, &[most, Number::Integer(1)]);
        assert_eq!(wrapped.value().to_string(), "-2147483648");
        assert_eq!(wrapped.misfit(), Some(Misfit::Number(Number::Integer(1 << 31))));
        assert_eq!(sum(ValueType::I32, &[most]).misfit(), None);
        let infinite = sum(ValueType::F64, &[Number::Float(f64::MAX); 2]);
        let beyond = Misfit::Number(Number::Float(f64::INFINITY));
        assert_eq!((infinite.misfit(), infinite.exact()), (Some(beyond), None));
    }

    #[test]
    fn beyond_128_bits_only_the_value_is_known() {
        let wide = sum(ValueType::I64, &[Number::Integer(i128::MAX); 2]);
        assert_eq!((wide.value().to_string().as_str(), wide.exact(), wide.misfit()), ("-2", None, Some(Misfit::Wide)));
    }

    #[test]
    fn fractions_are_added_in_order() {
        let parts = [1e16, 1.0, -1e16].map(Number::Float);
        assert_eq!(sum(ValueType::F64, &parts).value().to_string(), "0.0");
        assert_eq!(sum(ValueType::F64, &[parts[0], parts[2], parts[1]]).value().to_string(), "1.0");
    }
}
