//! The lock of a [`SharedArray`], held: reading and changing its cells.

use super::scalar::SEAL;
use super::{Addend, Scalar, SharedArray, clear_owner_died, commit, outcome};
use crate::error::Result;
use crate::ledger::CommitError;
use crate::lock::{Guard, LockError, LockOutcome};

/// The lock of a [`SharedArray`], held; released when dropped, also by a panic.
pub struct ArrayGuard<'a, T: Scalar> {
    pub(super) array: &'a SharedArray<T>,
    pub(super) guard: Guard<'a>,
}

impl<T: Scalar> ArrayGuard<'_, T> {
    /// The number of cells.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an array is never empty")]
    pub fn len(&self) -> usize {
        self.array.len()
    }

    /// The value of a cell; nothing if there is no such cell.
    ///
    /// # Panics
    /// If another program truncated the segment.
    #[must_use]
    #[track_caller]
    pub fn get(&self, index: usize) -> Option<T> {
        self.array.get(index)
    }

    /// The values of all cells, in order.
    ///
    /// # Panics
    /// The iterator panics if another program truncated the segment.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        (0..self.len()).map_while(|index| self.array.get(index))
    }

    /// A copy of all cells.
    ///
    /// # Panics
    /// If another program truncated the segment.
    #[must_use]
    #[track_caller]
    pub fn to_vec(&self) -> Vec<T> {
        let cells = self.copy();
        self.array.0.segment.assert_whole();
        cells
    }

    /// A copy of all cells; it counts if the segment is whole after it.
    fn copy(&self) -> Vec<T> {
        (0..self.len()).filter_map(|index| self.array.0.load(index)).collect()
    }

    /// Stores `value` into a cell at once. It stays, whatever happens to this process.
    ///
    /// # Errors
    /// [`LockError::Forked`] if the parent of this forked process acquired the lock; nothing is changed then.
    ///
    /// # Panics
    /// If there is no such cell, as `slice[index] = value` does, or if another program truncated the segment.
    #[track_caller]
    pub fn set(&mut self, index: usize, value: T) -> Result<(), LockError> {
        self.guard.must_be_own()?;
        assert!(self.array.0.set(index, value), "no cell {index} in an array of {}", self.len());
        Ok(())
    }

    /// Stores all these values, each into the cell of its index; the last one counts if an index comes twice.
    ///
    /// A process killed in the middle has stored all of them or none. It costs what it changes, however long the array is.
    ///
    /// # Errors
    /// [`LockError::Damaged`] if another process damaged or truncated the segment meanwhile; [`LockError::Forked`] as in
    /// [`Self::set`].
    ///
    /// # Panics
    /// If there is no such cell, before anything is stored.
    #[track_caller]
    pub fn replace(&mut self, values: &[(usize, T)]) -> Result<(), LockError> {
        let changes: Vec<(u32, u64)> =
            values.iter().map(|(index, value)| (self.index(*index), value.to_cell(SEAL))).collect();
        commit(&mut self.guard, T::VALUE_TYPE, &changes)
    }

    /// Adds `number` to one cell as [`replace`](Self::replace) does, and returns the sum. Integers wrap around.
    ///
    /// # Errors
    /// As [`Self::replace`].
    ///
    /// # Panics
    /// If there is no such cell.
    #[track_caller]
    pub fn add_at(&mut self, index: usize, number: T) -> Result<T, LockError>
    where
        T: Addend,
    {
        let place = self.index(index);
        let before = self.array.0.load(index);
        self.array.0.segment.must_be_whole()?;
        let sum = before.map_or(number, |value| value.plus(number, SEAL));
        commit(&mut self.guard, T::VALUE_TYPE, &[(place, sum.to_cell(SEAL))])?;
        Ok(sum)
    }

    /// The index as the record holds it.
    #[track_caller]
    fn index(&self, index: usize) -> u32 {
        assert!(index < self.len(), "no cell {index} in an array of {}", self.len());
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    /// Gives a copy of all cells to `change`, and stores back those that it changed. The copy is this process's: of a long array,
    /// [`replace`](Self::replace) needs less time and memory.
    ///
    /// A process killed in the middle has changed all of them or none. If `change` panics, nothing is changed.
    ///
    /// # Errors
    /// [`LockError::Damaged`] if another process damaged or truncated the segment meanwhile; [`LockError::Forked`] as in [`Self::set`].
    pub fn update(&mut self, change: impl FnOnce(&mut [T])) -> Result<(), LockError> {
        let mut cells = self.copy();
        self.array.0.segment.must_be_whole()?;
        change(&mut cells);
        let before = |index: u32| self.array.0.load(index as usize).map(|before| before.to_cell(SEAL));
        let is_changed = |(index, bits): &(u32, u64)| before(*index) != Some(*bits);
        let bits = cells.into_iter().map(|value| value.to_cell(SEAL));
        let changes: Vec<(u32, u64)> = (0..).zip(bits).filter(is_changed).collect();
        self.array.0.segment.must_be_whole()?;
        commit(&mut self.guard, T::VALUE_TYPE, &changes)
    }

    /// Adds a number to each cell as [`update`](Self::update) does. Integers wrap around.
    ///
    /// # Errors
    /// [`CommitError::Unfit`] if `numbers` has another length than the array; nothing is changed then. The others as
    /// [`Self::update`].
    pub fn add(&mut self, numbers: &[T]) -> Result<()>
    where
        T: Addend,
    {
        let terms = self.guard.segment().terms();
        if numbers.len() != self.len() {
            let contribution = format!("a list of {} numbers", numbers.len());
            let kind = terms.value_type.name();
            return Err(CommitError::Unfit { contribution, kind, cells: terms.cells }.into());
        }
        Ok(self.update(|cells| {
            for (cell, number) in cells.iter_mut().zip(numbers) {
                *cell = cell.plus(*number, SEAL);
            }
        })?)
    }

    /// [`LockOutcome::OwnerDied`] if an owner of the lock died with it, or became another program, since
    /// [`clear_owner_died`](Self::clear_owner_died) was called last.
    ///
    /// The dead owner's `set` calls are done, and the rest of its plan is missing, so related cells may not match. The `update`,
    /// `replace` or `add` in which it died has changed all its cells or none. The caller decides whether the cells make sense,
    /// repairs them under this guard, and clears the death. Until then every guard reports it.
    #[must_use]
    pub fn outcome(&self) -> LockOutcome {
        outcome(&self.guard)
    }

    /// Tells all processes that the cells make sense again after an owner's death.
    pub fn clear_owner_died(&mut self) {
        clear_owner_died(&mut self.guard);
    }
}
