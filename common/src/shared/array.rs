//! Several numbers of one type that several processes share.

use std::fmt;
use std::time::Duration;

use super::{Cells, Scalar, exchange, load, store};
use crate::error::{Error, Result};
use crate::lock::{Acquire, Guard};
use crate::name::SegmentName;

/// Several numbers of one type that several processes share, with one lock: `multiprocessing.Array`.
///
/// Its length never changes: 1 to [`MOST_CELLS`](crate::MOST_CELLS) cells, of which each takes 56 bytes. Creating,
/// attaching and removing are as for a [`SharedValue`](crate::SharedValue), and it too stays with its thread.
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
pub struct SharedArray<T: Scalar>(Cells<T>);

impl<T: Scalar> SharedArray<T> {
    /// Creates an array of these numbers; nobody ever sees it hold anything else before.
    ///
    /// # Errors
    /// [`Error::Terms`] if there are none or more than [`MOST_CELLS`](crate::MOST_CELLS), [`Error::Exists`] if something
    /// has the name, [`Error::Permission`] or [`Error::System`] if the system refuses.
    pub fn create(name: &SegmentName, initial: &[T]) -> Result<Self> {
        Cells::create(name, initial.len(), initial).map(Self)
    }

    /// Creates an array of `len` zeros.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn zeroed(name: &SegmentName, len: usize) -> Result<Self> {
        Cells::create(name, len, &[]).map(Self)
    }

    /// Attaches to the array of that name, however long it is; a value is an array of one cell.
    ///
    /// # Errors
    /// [`Error::OtherType`] if what has the name is of another type or the value of a run; [`Error::NoSegment`] if
    /// nothing has it; and the other errors of [`Segment::attach`](crate::Segment::attach).
    pub fn attach(name: &SegmentName) -> Result<Self> {
        Cells::attach(name, |_| true, format!("an array of type {}", T::VALUE_TYPE.name())).map(Self)
    }

    /// The name by which other processes attach.
    #[must_use]
    pub fn name(&self) -> &SegmentName {
        self.0.segment.name()
    }

    /// How many cells it has, always the same.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is always a cell")]
    pub fn len(&self) -> usize {
        1 + self.0.segment.view().further_cells.len()
    }

    /// What the cell holds at this moment: one load, without the lock; nothing if there is no such cell.
    ///
    /// Cells that are read one after the other this way may be of different moments.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<T> {
        self.0.segment.cell(index).map(load)
    }

    /// Takes the lock, however long it takes.
    ///
    /// # Errors
    /// [`Error::Deadlock`] if this thread holds it already; [`Error::Damaged`] if the segment is damaged beyond what a
    /// crash can do to it.
    pub fn lock(&self) -> Result<ArrayGuard<'_, T>> {
        Ok(ArrayGuard { array: self, guard: self.0.lock()? })
    }

    /// Takes the lock if nobody holds it, this thread included.
    ///
    /// # Errors
    /// [`Error::Damaged`] as in [`Self::lock`].
    pub fn try_lock(&self) -> Result<Option<ArrayGuard<'_, T>>> {
        Ok(self.0.try_lock()?.map(|guard| ArrayGuard { array: self, guard }))
    }

    /// Takes the lock, or gives up when `patience` has passed.
    ///
    /// # Errors
    /// [`Error::Busy`] with who holds it when patience has passed, and those of [`Self::lock`].
    pub fn lock_within(&self, patience: Duration) -> Result<ArrayGuard<'_, T>> {
        Ok(ArrayGuard { array: self, guard: self.0.segment.lock_within(patience)? })
    }

    /// Takes the lock and changes all cells at once: [`ArrayGuard::update`].
    ///
    /// Programs that need to know whether the last holder died take the lock themselves: [`ArrayGuard::acquired`].
    ///
    /// # Errors
    /// As [`Self::lock`].
    pub fn update(&self, change: impl FnOnce(&mut [T])) -> Result<()> {
        self.lock()?.update(change)
    }

    /// Takes the lock and adds a number to each cell, all at once: [`ArrayGuard::add`].
    ///
    /// # Errors
    /// As [`Self::lock`] and [`ArrayGuard::add`].
    pub fn add(&self, numbers: &[T]) -> Result<()> {
        self.lock()?.add(numbers)
    }

    /// Detaches and leaves the name, also of the array's creator: as [`SharedValue::keep`](crate::SharedValue::keep).
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
    /// How many cells the array has.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is always a cell")]
    pub fn len(&self) -> usize {
        self.array.len()
    }

    /// What the cell holds; nothing if there is no such cell.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<T> {
        self.array.get(index)
    }

    /// What the cells hold, first cell first.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        self.array.0.segment.view().cells().iter().map(load)
    }

    /// A copy of all cells.
    #[must_use]
    pub fn to_vec(&self) -> Vec<T> {
        self.iter().collect()
    }

    /// Makes the cell hold `value`: one store, in place from now on, whatever happens to this process.
    ///
    /// # Panics
    /// If there is no such cell, as `slice[index] = value` does.
    #[track_caller]
    pub fn set(&mut self, index: usize, value: T) {
        let cell = self.array.0.segment.cell(index);
        let Some(cell) = cell else { panic!("there is no cell {index} in an array of {}", self.len()) };
        store(cell, value);
    }

    /// Hands a copy of all cells to `change`, and makes what it left there the cells.
    ///
    /// Killed in the middle of it, the process has changed all cells or none. If `change` panics, nothing is changed.
    ///
    /// # Errors
    /// [`Error::Damaged`] if another process has damaged the segment meanwhile.
    pub fn update(&mut self, change: impl FnOnce(&mut [T])) -> Result<()> {
        let mut cells = self.to_vec();
        change(&mut cells);
        exchange(&mut self.guard, cells.into_iter())
    }

    /// Adds a number to each cell as [`update`](Self::update) would; integers wrap around at their ends.
    ///
    /// # Errors
    /// [`Error::Unfit`] if there is not one number for each cell; nothing is changed then. Else as [`Self::update`].
    pub fn add(&mut self, numbers: &[T]) -> Result<()> {
        let terms = self.guard.segment().terms();
        if numbers.len() != self.len() {
            let contribution = format!("a list of {} numbers", numbers.len());
            return Err(Error::Unfit { contribution, kind: terms.value_type.name(), cells: terms.cells });
        }
        self.update(|cells| {
            for (cell, number) in cells.iter_mut().zip(numbers) {
                *cell = cell.plus(*number);
            }
        })
    }

    /// How the lock was had: [`Acquire::OwnerDied`] says that its last holder died with it, or became another program.
    ///
    /// The cells are then what that holder left: of several that it `set` those before its death are in place and the
    /// others are not, so what belongs together may be there in part; the `update` or `add` in which it died has changed
    /// all cells or none. Whether they make sense is for the caller to judge, and to mend under this guard.
    ///
    /// Only the first guard after the death tells of it. If [`SharedArray::update`] or [`SharedArray::add`] comes first,
    /// which takes the lock for itself, nobody is told.
    #[must_use]
    pub fn acquired(&self) -> Acquire {
        self.guard.acquired()
    }
}
