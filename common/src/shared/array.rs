//! Several numbers of one type that processes share.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::scalar::SEAL;
use super::{Addend, ArrayGuard, Scalar, SharedCells, SharedKind};
use crate::error::Result;
use crate::lock::LockError;
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
pub struct SharedArray<T: Scalar> {
    cells: SharedCells,
    scalar: PhantomData<T>,
}

impl<T: Scalar> SharedArray<T> {
    /// Creates an array of these numbers. Nobody ever sees other numbers before them.
    ///
    /// # Errors
    /// [`CreateError::Terms`] for no numbers or more than
    /// [`MOST_SHARED_CELLS`](crate::MOST_SHARED_CELLS); [`CreateError::Exists`] if
    /// something has the name; [`CreateError::Permission`] or [`CreateError::System`] if the system refuses.
    pub fn create(name: &SegmentName, initial: &[T]) -> Result<Self, CreateError> {
        Self::create_cells(name, initial.len(), initial).map(Self::of)
    }

    fn of(cells: SharedCells) -> Self {
        Self { cells, scalar: PhantomData }
    }

    fn create_cells(name: &SegmentName, len: usize, initial: &[T]) -> Result<SharedCells, CreateError> {
        let bits = initial.iter().map(|value| value.to_cell(SEAL));
        SharedCells::create_from(name, SharedKind::Array, T::VALUE_TYPE, len, &bits)
    }

    /// Creates an array of `len` zeros.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn zeroed(name: &SegmentName, len: usize) -> Result<Self, CreateError> {
        Self::create_cells(name, len, &[]).map(Self::of)
    }

    /// Attaches to the array of that name, whatever its length. A value is an array of one cell.
    ///
    /// # Errors
    /// [`AttachError::OtherType`] if the segment is of another type or a run; [`AttachError::NoSegment`] if nothing has the
    /// name; the others as [`Segment::attach`](crate::Segment::attach).
    pub fn attach(name: &SegmentName) -> Result<Self, AttachError> {
        let wanted = format!("an array of type {}", T::VALUE_TYPE.name());
        SharedCells::attach_numbers(name, T::VALUE_TYPE, |_| true, wanted).map(Self::of)
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
            || Self::create_cells(name, initial.len(), initial),
            || SharedCells::attach_numbers(name, T::VALUE_TYPE, fits, wanted()),
        )
        .map(Self::of)
    }

    /// The name by which other processes attach.
    #[must_use]
    pub fn name(&self) -> &SegmentName {
        self.cells.name()
    }

    /// The number of cells. It never changes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an array is never empty")]
    pub fn len(&self) -> usize {
        self.cells.len()
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
        let bits = self.cells.load(index)?;
        self.cells.assert_whole();
        Some(T::from_cell(bits, SEAL))
    }

    /// Acquires the lock, however long it takes.
    ///
    /// # Errors
    /// [`LockError::Deadlock`] if this thread holds it already; [`LockError::Damaged`] if the segment is damaged beyond what a
    /// crash can do, or another program truncated it; [`LockError::Forked`] in a forked child that cannot attach again.
    pub fn lock(&self) -> Result<ArrayGuard<'_, T>, LockError> {
        Ok(ArrayGuard::of(self.cells.lock()?))
    }

    /// Acquires the lock if nobody holds it, this thread included.
    ///
    /// # Errors
    /// [`LockError::Damaged`] as in [`Self::lock`].
    pub fn try_lock(&self) -> Result<Option<ArrayGuard<'_, T>>, LockError> {
        Ok(self.cells.try_lock().map_err(|error| *error)?.map(ArrayGuard::of))
    }

    /// Acquires the lock, or gives up when `patience` has passed.
    ///
    /// # Errors
    /// [`LockError::Busy`] with the owner when patience has passed; the others as [`Self::lock`].
    pub fn lock_within(&self, patience: Duration) -> Result<ArrayGuard<'_, T>, LockError> {
        Ok(ArrayGuard::of(self.cells.lock_within(patience)?))
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
        self.cells.unlinks = false;
    }
}

impl<T: Scalar> fmt::Debug for SharedArray<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("SharedArray");
        fields.field("name", self.name()).field("len", &self.len()).finish_non_exhaustive()
    }
}
