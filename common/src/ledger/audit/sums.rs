//! Sums of contributions, cell by cell: as the value adds them, and without wrapping.

use super::Violation;
use crate::terms::Terms;
use crate::value::{Cells, Number, Overflow, Value, WideSum};

/// What the value should be.
pub struct ValueSum(Vec<Value>);

impl ValueSum {
    pub fn new(terms: &Terms, cells: usize) -> Self {
        Self(vec![terms.value_type.wrap(0); cells])
    }

    /// Wraps in both kinds of runs: with [`Overflow::Error`], a contribution that does not fit was never added.
    pub fn add(&mut self, contribution: &Cells<Number>) {
        for (sum, number) in self.0.iter_mut().zip(contribution.as_slice()) {
            *sum = sum.add(*number, Overflow::Wrap).unwrap_or(*sum);
        }
    }

    /// Checks that the value is this sum.
    pub fn must_be(&self, value: &Cells<Value>) -> Result<(), Violation> {
        match value.as_slice().iter().zip(&self.0).find(|(value, sum)| differ(value, sum)) {
            Some((value, sum)) => Err(Violation::Value { value: value.to_string(), sum: sum.to_string() }),
            None => Ok(()),
        }
    }
}

/// The high half of an `i32` is ignored: another program may have written only the C `int`.
fn differ(value: &Value, sum: &Value) -> bool {
    match (value.number(), sum.number()) {
        // A sum may give any of the NaNs.
        (Number::Float(value), Number::Float(sum)) => {
            value.to_bits() != sum.to_bits() && !(value.is_nan() && sum.is_nan())
        }
        (value, sum) => value != sum,
    }
}

/// The sum without wrapping; nothing for fractions or beyond 128 bits.
pub struct ExactSum(Option<Vec<WideSum>>);

impl ExactSum {
    pub fn new(terms: &Terms, cells: usize) -> Self {
        Self((!terms.value_type.is_float()).then(|| vec![WideSum::default(); cells]))
    }

    pub fn add(&mut self, contribution: &Cells<Number>) {
        let Some(sums) = &mut self.0 else { return };
        for (sum, number) in sums.iter_mut().zip(contribution.as_slice()) {
            let Some(integer) = number.integer() else {
                self.0 = None;
                return;
            };
            sum.add(integer);
        }
    }

    pub fn total(self) -> Option<Cells<i128>> {
        let totals: Option<Vec<i128>> = self.0?.into_iter().map(WideSum::total).collect();
        totals.map(Cells::from)
    }
}
