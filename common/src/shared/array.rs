//! Several numbers of one type that processes share.

use std::fmt;
use std::time::Duration;

use super::scalar::SEAL;
use super::{Addend, Scalar, SharedCells, clear_owner_died, commit, outcome};
use crate::error::Result;
use crate::ledger::CommitError;
use crate::lock::{Guard, LockError, LockOutcome};
use crate::name::SegmentName;
use crate::segment::{AttachError, CreateError};
use crate::value::shape;

/// Several numbers of one type that several processes share, with one lock: `multiprocessing.Array`.
///
/// Its length never changes: 1 to [`MOST_SHARED_CELLS`](crate::MOST_SHARED_CELLS). The cells lie one behind the other, as in a C
/// array of that type, and a commit needs as many bytes again: 16 bytes a cell at most. Creating, attaching and removing work as
/// for a [`SharedValue`](crate::SharedValue), and so do a fork and sharing
/// it among threads.
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
    /// [`CreateError::Terms`] for no numbers or more than
    /// [`MOST_SHARED_CELLS`](crate::MOST_SHARED_CELLS); [`CreateError::Exists`] if
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

    /// Attaches to the array of that name, or creates it with these numbers if nothing has the name, as
    /// [`SharedValue::open_or_create`](crate::SharedValue::open_or_create).
    ///
    /// # Errors
    /// [`AttachError::OtherType`] also if the array has another length; the others as there.
    pub fn open_or_create(name: &SegmentName, initial: &[T]) -> Result<Self> {
        let fits = |cells: u32| cells as usize == initial.len();
        let wanted = || shape(u32::try_from(initial.len()).unwrap_or(u32::MAX), T::VALUE_TYPE.name());
        SharedCells::open_or_create(
            || SharedCells::create(name, initial.len(), initial),
            || SharedCells::attach(name, fits, wanted()),
        )
        .map(Self)
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
        self.0.len()
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
    /// crash can do, or another program truncated it; [`LockError::Forked`] in a forked child that cannot attach again.
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
    /// To learn whether an owner died, acquire the lock yourself: [`ArrayGuard::outcome`].
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
    pub fn add(&self, numbers: &[T]) -> Result<()>
    where
        T: Addend,
    {
        self.lock()?.add(numbers)
    }

    /// Acquires the lock and stores these values into the cells of their indices, all at once: [`ArrayGuard::replace`].
    ///
    /// # Errors
    /// As [`Self::lock`].
    ///
    /// # Panics
    /// If there is no such cell, before anything is stored.
    #[track_caller]
    pub fn replace(&self, values: &[(usize, T)]) -> Result<(), LockError> {
        self.lock()?.replace(values)
    }

    /// Acquires the lock and adds a number to one cell: [`ArrayGuard::add_at`].
    ///
    /// # Errors
    /// As [`Self::lock`].
    ///
    /// # Panics
    /// If there is no such cell.
    #[track_caller]
    pub fn add_at(&self, index: usize, number: T) -> Result<T, LockError>
    where
        T: Addend,
    {
        self.lock()?.add_at(index, number)
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
