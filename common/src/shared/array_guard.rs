//! The lock of a [`SharedArray`](super::SharedArray), held: reading and changing its cells.

use std::marker::PhantomData;

use super::scalar::{SEAL, sum};
use super::{Addend, CellsGuard, Scalar, SharedCells};
use crate::error::Result;
use crate::ledger::CommitError;
use crate::lock::{LockError, LockOutcome};

/// The lock of a [`SharedArray`](crate::SharedArray), held; released when dropped, also by a panic.
pub struct ArrayGuard<'a, T: Scalar> {
    guard: CellsGuard<&'a SharedCells>,
    scalar: PhantomData<T>,
}

impl<'a, T: Scalar> ArrayGuard<'a, T> {
    pub(super) fn of(guard: CellsGuard<&'a SharedCells>) -> Self {
        Self { guard, scalar: PhantomData }
    }

    fn cells(&self) -> &'a SharedCells {
        self.guard.cells()
    }

    /// Loads a cell; nothing if there is no such cell. Ask afterwards whether the segment is whole.
    fn load(&self, index: usize) -> Option<T> {
        self.cells().load(index).map(|bits| T::from_cell(bits, SEAL))
    }

    /// The number of cells.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an array is never empty")]
    pub fn len(&self) -> usize {
        self.cells().len()
    }

    /// The value of a cell; nothing if there is no such cell.
    ///
    /// # Panics
    /// If another program truncated the segment.
    #[must_use]
    #[track_caller]
    pub fn get(&self, index: usize) -> Option<T> {
        let value = self.load(index)?;
        self.cells().assert_whole();
        Some(value)
    }

    /// The values of all cells, in order.
    ///
    /// # Panics
    /// The iterator panics if another program truncated the segment.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        (0..self.len()).map_while(|index| self.get(index))
    }

    /// A copy of all cells.
    ///
    /// # Panics
    /// If another program truncated the segment.
    #[must_use]
    #[track_caller]
    pub fn to_vec(&self) -> Vec<T> {
        let cells = self.copy();
        self.cells().assert_whole();
        cells
    }

    /// A copy of all cells; it counts if the segment is whole after it.
    fn copy(&self) -> Vec<T> {
        (0..self.len()).filter_map(|index| self.load(index)).collect()
    }

    /// Stores `value` into a cell at once. It stays, whatever happens to this process.
    ///
    /// # Errors
    /// [`LockError::Forked`] if the parent of this forked process acquired the lock; nothing is changed then.
    /// [`LockError::Damaged`] if another program truncated the segment.
    ///
    /// # Panics
    /// If there is no such cell, as `slice[index] = value` does.
    #[track_caller]
    pub fn set(&mut self, index: usize, value: T) -> Result<(), LockError> {
        self.guard.locked().set(index, value.to_cell(SEAL))
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
        let mut locked = self.guard.locked();
        let changes: Vec<(u32, u64)> =
            values.iter().map(|(index, value)| (locked.index(*index), value.to_cell(SEAL))).collect();
        locked.commit(&changes)
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
        Ok(T::from_cell(self.guard.locked().add_at(index, number.to_cell(SEAL))?, SEAL))
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
        self.cells().must_be_whole()?;
        change(&mut cells);
        let before = |index: u32| self.load(index as usize).map(|before| before.to_cell(SEAL));
        let is_changed = |(index, bits): &(u32, u64)| before(*index) != Some(*bits);
        let bits = cells.into_iter().map(|value| value.to_cell(SEAL));
        let changes: Vec<(u32, u64)> = (0..).zip(bits).filter(is_changed).collect();
        self.cells().must_be_whole()?;
        self.guard.locked().commit(&changes)
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
        if numbers.len() != self.len() {
            let contribution = format!("a list of {} numbers", numbers.len());
            let cells = u32::try_from(self.len()).unwrap_or(u32::MAX);
            return Err(CommitError::Unfit { contribution, kind: T::VALUE_TYPE.name(), cells }.into());
        }
        Ok(self.update(|cells| {
            for (cell, number) in cells.iter_mut().zip(numbers) {
                *cell = sum(*cell, *number);
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
        self.cells().outcome()
    }

    /// Tells all processes that the cells make sense again after an owner's death.
    pub fn clear_owner_died(&mut self) {
        self.guard.locked().clear_owner_died();
    }
}
