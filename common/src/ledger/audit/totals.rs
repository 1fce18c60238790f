//! What a report says of a run as a whole.

use crate::terms::Mode;
use crate::value::{Cells, Value, ValueType};

/// The value of a run, and what is to be known about it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Totals {
    /// The run's mode.
    pub mode: Mode,
    /// The type of each cell.
    pub value_type: ValueType,
    /// The shared value.
    pub value: Cells<Value>,
    /// The sum of all contributions to each cell without wrapping; nothing for fractions or beyond 128 bits.
    pub exact: Option<Cells<i128>>,
    /// Whether everything that the run wants is applied.
    pub is_complete: bool,
}

impl Totals {
    /// Whether the value, or one of its cells, has wrapped around or, for `f64`, is no longer finite.
    #[must_use]
    pub fn has_wrapped(&self) -> bool {
        let is_wrapped = |total: &Cells<i128>| {
            let values = self.value.as_slice().iter().map(|value| value.number().integer());
            total.as_slice().iter().zip(values).any(|(total, value)| value != Some(*total))
        };
        let has_left_its_range = if self.value_type.is_float() {
            self.value.as_slice().iter().any(|value| !value.number().to_f64().is_finite())
        } else {
            self.exact.as_ref().is_none_or(is_wrapped)
        };
        self.mode.has_total() && has_left_its_range
    }
}
