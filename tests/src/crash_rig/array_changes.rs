//! Victims that change cells of an array without a run.

use common::{LockedLedger, Mode, Segment, Snapshot, Terms, ValueType};

use super::contributions::integers;
use super::{Subject, terms};

/// The cells of the array: few enough that a snapshot shows them all.
const CELLS: usize = 12;

/// Lock, change, unlock.
pub struct ArrayChanges {
    kind: ValueType,
    size: usize,
    step: u32,
    cells: Vec<i128>,
}

impl ArrayChanges {
    /// Changes of that many cells of an array of that type, `i32` or `i64`: more than half of them do not fit into the record
    /// one by one.
    #[must_use]
    pub fn of(kind: ValueType, size: usize) -> Self {
        Self { kind, size, step: 1, cells: vec![0; CELLS] }
    }

    /// The cells after the step, as in `victims/steps.rs`.
    fn cells_after(&self) -> Vec<i128> {
        let mut cells = self.cells.clone();
        for offset in 0..self.size {
            let index = (self.step as usize + offset * 5) % CELLS;
            cells[index] = -i128::from(self.step) * 100 - i128::try_from(index).expect("it is small");
        }
        cells
    }
}

impl Subject for ArrayChanges {
    fn terms(&self) -> Terms {
        let cells = u32::try_from(CELLS).expect("it is small");
        Terms { mode: Mode::Shared, value_type: self.kind, cells, ..terms(1) }
    }

    fn prepare(&mut self, _: &Segment) {
        *self = Self::of(self.kind, self.size);
    }

    fn action(&self) -> &'static str {
        "change"
    }

    fn args(&self) -> Vec<String> {
        vec![self.step.to_string(), self.size.to_string(), self.kind.name().to_owned()]
    }

    fn finish(&mut self, _: LockedLedger<'_>) -> Result<(), String> {
        Ok(())
    }

    fn judge(&mut self, snapshot: &Snapshot) -> Result<bool, String> {
        let (found, after) = (integers(&snapshot.value.map(|value| value.number())), self.cells_after());
        if found != self.cells && found != after {
            return Err(format!("the cells are {found:?}, neither {:?} nor {after:?}", self.cells));
        }
        self.cells = found;
        self.step += 1;
        Ok(true)
    }
}
