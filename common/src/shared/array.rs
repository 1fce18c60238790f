//! Several numbers of one type that processes share.

use std::fmt;
use std::time::Duration;

use super::{Scalar, SharedCells, load, replace_all};
use crate::error::Result;
use crate::ledger::CommitError;
use crate::lock::{Guard, LockError, LockOutcome};
use crate::name::SegmentName;
use crate::segment::{AttachError, CreateError};

/// Several numbers of one type that several processes share, with one lock: `multiprocessing.Array`.
///
/// Its length never changes: 1 to [`MOST_CELLS`](crate::MOST_CELLS) cells of 56 bytes each. Creating, attaching and removing
/// work as for a [`SharedValue`](crate::SharedValue), and so does sharing it among threads.
///
/// ```
/// use common::{SegmentName, SharedArray};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let name: SegmentName = format!("doc-array-{}", std::process::id()).parse()?;
/// let array = SharedArray::create(&name, &[1, 2, 3])?;
///
/// // In another process, which was given the name: all cells are changed, or none if it is killed.
/// let attached = SharedArray::<i32>::attach(&name)?;
/// attached.update(|cells| cells.rotate_left(1))?;
/// attached.add(&[10, 10, 10])?;
///
/// assert_eq!(array.get(0), Some(12));
/// assert_eq!(array.get(3), None);
/// assert_eq!(array.lock()?.to_vec(), [12, 13, 11]);
/// # Ok(())
/// # }
/// ```
pub struct SharedArray<T: Scalar>(SharedCells<T>);

impl<T: Scalar> SharedArray<T> {
    /// Creates an array of these numbers. Nobody ever sees other numbers before them.
    ///
    /// # Errors
    /// [`CreateError::Terms`] for no numbers or more than [`MOST_CELLS`](crate::MOST_CELLS); [`CreateError::Exists`] if
    /// something has the name; [`CreateError::Permission`] or [`CreateError::System`] if the system refuses.
    pub fn create(name: &SegmentName, initial: &[T]) -> Result<Self, CreateError> {
        SharedCells::create(name, initial.len(), initial).map(Self)
    }

    /// Creates an array of `len` zeros.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn zeroed(name: &SegmentName, len: usize) -> Result<Self, CreateError> {
        SharedCells::create(name, len, &[]).map(Self)
    }

    /// Attaches to the array of that name, whatever its length. A value is an array of one cell.
    ///
    /// # Errors
    /// [`AttachError::OtherType`] if the segment is of another type or a run; [`AttachError::NoSegment`] if nothing has the
    /// name; the others as [`Segment::attach`](crate::Segment::attach).
    pub fn attach(name: &SegmentName) -> Result<Self, AttachError> {
        SharedCells::attach(name, |_| true, format!("an array of type {}", T::VALUE_TYPE.name())).map(Self)
    }

    /// The name by which other processes attach.
    #[must_use]
    pub fn name(&self) -> &SegmentName {
        self.0.segment.name()
    }

    /// The number of cells. It never changes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an array is never empty")]
    pub fn len(&self) -> usize {
        1 + self.0.segment.view().further_cells.len()
    }

    /// The current value of a cell: one load, without the lock; nothing if there is no such cell.
    ///
    /// Cells that are read one after the other may be of different moments.
    ///
    /// # Panics
    /// If another program truncated the segment.
    #[must_use]
    #[track_caller]
    pub fn get(&self, index: usize) -> Option<T> {
        self.0.get(index)
    }

    /// Acquires the lock, however long it takes.
    ///
    /// # Errors
    /// [`LockError::Deadlock`] if this thread holds it already; [`LockError::Damaged`] if the segment is damaged beyond what a
    /// crash can do, or another program truncated it.
    pub fn lock(&self) -> Result<ArrayGuard<'_, T>, LockError> {
        Ok(ArrayGuard { array: self, guard: self.0.lock()? })
    }

    /// Acquires the lock if nobody holds it, this thread included.
    ///
    /// # Errors
    /// [`LockError::Damaged`] as in [`Self::lock`].
    pub fn try_lock(&self) -> Result<Option<ArrayGuard<'_, T>>, LockError> {
        Ok(self.0.try_lock()?.map(|guard| ArrayGuard { array: self, guard }))
    }

    /// Acquires the lock, or gives up when `patience` has passed.
    ///
    /// # Errors
    /// [`LockError::Busy`] with the owner when patience has passed; the others as [`Self::lock`].
    pub fn lock_within(&self, patience: Duration) -> Result<ArrayGuard<'_, T>, LockError> {
        Ok(ArrayGuard { array: self, guard: self.0.lock_within(patience)? })
    }

    /// Acquires the lock and changes all cells at once: [`ArrayGuard::update`].
    ///
    /// To learn whether the last owner died, acquire the lock yourself: [`ArrayGuard::outcome`].
    ///
    /// # Errors
    /// As [`Self::lock`].
    pub fn update(&self, change: impl FnOnce(&mut [T])) -> Result<(), LockError> {
        self.lock()?.update(change)
    }

    /// Acquires the lock and adds a number to each cell, all at once: [`ArrayGuard::add`].
    ///
    /// # Errors
    /// As [`Self::lock`] and [`ArrayGuard::add`].
    pub fn add(&self, numbers: &[T]) -> Result<()> {
        self.lock()?.add(numbers)
    }

    /// Detaches and leaves the name, as [`SharedValue::keep`](crate::SharedValue::keep).
    pub fn keep(mut self) {
        self.0.unlinks = false;
    }
}

impl<T: Scalar> fmt::Debug for SharedArray<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("SharedArray");
        fields.field("name", self.name()).field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The lock of a [`SharedArray`], held; released when dropped, also by a panic.
pub struct ArrayGuard<'a, T: Scalar> {
    array: &'a SharedArray<T>,
    guard: Guard<'a>,
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
        self.array.0.segment.view().cells().iter().map(load).collect()
    }

    /// Stores `value` into a cell at once. It stays, whatever happens to this process.
    ///
    /// # Panics
    /// If there is no such cell, as `slice[index] = value` does, or if another program truncated the segment.
    #[track_caller]
    pub fn set(&mut self, index: usize, value: T) {
        assert!(self.array.0.set(index, value), "no cell {index} in an array of {}", self.len());
    }

    /// Gives a copy of all cells to `change`, and stores the changed copy back.
    ///
    /// A process killed in the middle has changed all cells or none. If `change` panics, nothing is changed.
    ///
    /// # Errors
    /// [`LockError::Damaged`] if another process damaged or truncated the segment meanwhile.
    pub fn update(&mut self, change: impl FnOnce(&mut [T])) -> Result<(), LockError> {
        let mut cells = self.copy();
        self.array.0.segment.must_be_whole()?;
        change(&mut cells);
        replace_all(&mut self.guard, cells.into_iter())
    }

    /// Adds a number to each cell as [`update`](Self::update) does. Integers wrap around.
    ///
    /// # Errors
    /// [`CommitError::Unfit`] if `numbers` has another length than the array; nothing is changed then. The others as
    /// [`Self::update`].
    pub fn add(&mut self, numbers: &[T]) -> Result<()> {
        let terms = self.guard.segment().terms();
        if numbers.len() != self.len() {
            let contribution = format!("a list of {} numbers", numbers.len());
            let kind = terms.value_type.name();
            return Err(CommitError::Unfit { contribution, kind, cells: terms.cells }.into());
        }
        Ok(self.update(|cells| {
            for (cell, number) in cells.iter_mut().zip(numbers) {
                *cell = cell.plus(*number);
            }
        })?)
    }

    /// How the lock was acquired: [`LockOutcome::OwnerDied`] if its last owner died with it or became another program.
    ///
    /// The dead owner's `set` calls are done, and the rest of its plan is missing, so related cells may not match. The `update`
    /// or `add` in which it died has changed all cells or none. The caller decides whether the cells make sense, and repairs
    /// them under this guard.
    ///
    /// Only the first guard after the death reports it. If [`SharedArray::update`] or [`SharedArray::add`] comes first, nobody
    /// learns of the death.
    #[must_use]
    pub fn outcome(&self) -> LockOutcome {
        self.guard.outcome()
    }
}
