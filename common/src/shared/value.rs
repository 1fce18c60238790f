//! One number that several processes share.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::scalar::{SEAL, sum};
use super::{Addend, CellsGuard, Scalar, SharedCells, SharedKind};
use crate::error::Result;
use crate::lock::{LockError, LockOutcome};
use crate::name::SegmentName;
use crate::segment::{AttachError, CreateError};
use crate::value::shape;

/// One number that several processes share, with a lock: `multiprocessing.Value`.
///
/// One process creates it under a name; others attach by that name. A killed process neither leaves the lock held nor an
/// [`update`](Self::update) half done. Threads of one process may share the handle, in an [`Arc`](std::sync::Arc) or by reference; only a guard stays
/// with its thread.
///
/// Dropping the creator's handle unlinks the name, if it still stands for this segment. Attached processes keep the memory
/// until they detach; nobody else can attach. [`keep`](Self::keep) leaves the name, and so does a creator killed by a signal:
/// [`remove`](crate::remove) removes such a segment.
///
/// A forked child may use the inherited handle. It keeps the memory, is attached again by `/proc/self/fd` when it first takes the
/// lock, and is then counted as present. Dropping the handle in the child leaves the name; a guard that was held at the fork is
/// the parent's, and does nothing in the child. Children by raw `clone(2)` or `_Fork(3)`, or by `vfork(2)` without exec, must not
/// use it.
///
/// ```
/// use common::{SegmentName, SharedValue};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let name: SegmentName = format!("doc-value-{}", std::process::id()).parse()?;
/// let value = SharedValue::create(&name, 40)?;
///
/// // In another process, which was given the name:
/// let attached = SharedValue::<i32>::attach(&name)?;
/// assert_eq!(attached.add(1)?, 41);
/// let mut guard = attached.lock()?;
/// guard.set(guard.get() + 1)?;
/// drop(guard);
///
/// assert_eq!(value.get(), 42);
/// # Ok(())
/// # }
/// ```
///
/// It cannot be dropped while its lock is held, because the guard borrows it:
///
/// ```compile_fail
/// use common::SharedValue;
/// fn detach_under_the_lock(value: SharedValue<i32>) {
///     let guard = value.lock().unwrap();
///     drop(value);
///     drop(guard);
/// }
/// ```
pub struct SharedValue<T: Scalar> {
    cells: SharedCells,
    scalar: PhantomData<T>,
}

impl<T: Scalar> SharedValue<T> {
    /// Creates a value that holds `initial`. Nobody ever sees another value before it.
    ///
    /// # Errors
    /// [`CreateError::Exists`] if something has the name,
    /// [`CreateError::Permission`] or [`CreateError::System`] if the system refuses.
    pub fn create(name: &SegmentName, initial: T) -> Result<Self, CreateError> {
        Self::create_cells(name, initial).map(Self::of)
    }

    fn of(cells: SharedCells) -> Self {
        Self { cells, scalar: PhantomData }
    }

    fn create_cells(name: &SegmentName, initial: T) -> Result<SharedCells, CreateError> {
        SharedCells::create(name, SharedKind::Value, T::VALUE_TYPE, 1, &[initial.to_cell(SEAL)])
    }

    fn attach_cells(name: &SegmentName) -> Result<SharedCells, AttachError> {
        SharedCells::attach_numbers(name, T::VALUE_TYPE, |cells| cells == 1, shape(1, T::VALUE_TYPE.name()))
    }

    /// Attaches to the value of that name. An array of one cell is a value, too.
    ///
    /// # Errors
    /// [`AttachError::OtherType`] if the segment is of another type, an array of several cells, or a run;
    /// [`AttachError::NoSegment`] if nothing has the name; the others as [`Segment::attach`](crate::Segment::attach).
    pub fn attach(name: &SegmentName) -> Result<Self, AttachError> {
        Self::attach_cells(name).map(Self::of)
    }

    /// Attaches to the value of that name, or creates it with `initial` if nothing has the name.
    ///
    /// Any number of processes may do so at once, and all get the same value. No drop of theirs unlinks the name: it stays until
    /// somebody removes it ([`remove`](crate::remove), `coordinator remove NAME`), also if all were killed. But a handle from
    /// [`create`](Self::create) unlinks it: use one of the two for a name.
    ///
    /// # Errors
    /// As [`Self::attach`] and [`Self::create`], except for [`AttachError::NoSegment`] and [`CreateError::Exists`]. A value
    /// that a container left behind is refused in the next one ([`Refusal::PidNamespace`](crate::Refusal::PidNamespace)):
    /// remove it first.
    pub fn open_or_create(name: &SegmentName, initial: T) -> Result<Self> {
        let create = || Self::create_cells(name, initial);
        SharedCells::open_or_create(create, || Self::attach_cells(name)).map(Self::of)
    }

    /// The name by which other processes attach.
    #[must_use]
    pub fn name(&self) -> &SegmentName {
        self.cells.name()
    }

    /// The current value: one load, without the lock.
    ///
    /// # Panics
    /// If another program truncated the segment.
    #[must_use]
    #[track_caller]
    pub fn get(&self) -> T {
        let value = self.load();
        self.cells.assert_whole();
        value
    }

    /// Loads the value. Ask afterwards whether the segment is whole.
    fn load(&self) -> T {
        T::from_cell(self.cells.load_only(), SEAL)
    }

    /// Acquires the lock, however long it takes.
    ///
    /// # Errors
    /// [`LockError::Deadlock`] if this thread holds it already;
    /// [`LockError::Damaged`] if the segment is damaged beyond what a crash can do to it, or another program truncated it;
    /// [`LockError::Forked`] in a forked child that cannot attach again.
    pub fn lock(&self) -> Result<ValueGuard<'_, T>, LockError> {
        Ok(ValueGuard::of(self.cells.lock()?))
    }

    /// Acquires the lock if nobody holds it, this thread included.
    ///
    /// # Errors
    /// [`LockError::Damaged`] as in [`Self::lock`].
    pub fn try_lock(&self) -> Result<Option<ValueGuard<'_, T>>, LockError> {
        Ok(self.cells.try_lock().map_err(|error| *error)?.map(ValueGuard::of))
    }

    /// Acquires the lock, or gives up when `patience` has passed.
    ///
    /// # Errors
    /// [`LockError::Busy`] with the owner when patience has passed; the others as [`Self::lock`].
    pub fn lock_within(&self, patience: Duration) -> Result<ValueGuard<'_, T>, LockError> {
        Ok(ValueGuard::of(self.cells.lock_within(patience)?))
    }

    /// Acquires the lock and replaces the value by the result of `change`: [`ValueGuard::update`].
    ///
    /// To learn whether an owner died, acquire the lock yourself: [`ValueGuard::outcome`].
    ///
    /// # Errors
    /// As [`Self::lock`].
    pub fn update(&self, change: impl FnOnce(T) -> T) -> Result<T, LockError> {
        self.lock()?.update(change)
    }

    /// Acquires the lock and adds `number`: [`ValueGuard::add`].
    ///
    /// # Errors
    /// As [`Self::lock`].
    pub fn add(&self, number: T) -> Result<T, LockError>
    where
        T: Addend,
    {
        self.lock()?.add(number)
    }

    /// Detaches and leaves the name, even from the creator's handle.
    ///
    /// The segment takes up memory until somebody removes it: [`remove`](crate::remove).
    pub fn keep(mut self) {
        self.cells.unlinks = false;
    }
}

impl<T: Scalar> fmt::Debug for SharedValue<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.load();
        let mut fields = formatter.debug_struct("SharedValue");
        fields.field("name", self.name());
        match self.cells.must_be_whole() {
            Ok(()) => fields.field("value", &value).finish(),
            Err(damage) => fields.field("damage", &damage).finish_non_exhaustive(),
        }
    }
}

/// The lock of a [`SharedValue`], held; released when dropped, also by a panic.
///
/// It stays with the thread that took it:
///
/// ```compile_fail
/// fn in_another_thread(guard: common::ValueGuard<'static, i32>) {
///     std::thread::spawn(move || drop(guard));
/// }
/// ```
pub struct ValueGuard<'a, T: Scalar> {
    guard: CellsGuard<&'a SharedCells>,
    scalar: PhantomData<T>,
}

impl<'a, T: Scalar> ValueGuard<'a, T> {
    #[inline]
    fn of(guard: CellsGuard<&'a SharedCells>) -> Self {
        Self { guard, scalar: PhantomData }
    }

    /// Loads the value. Ask afterwards whether the segment is whole.
    fn load(&self) -> T {
        T::from_cell(self.guard.cells().load_only(), SEAL)
    }

    /// The value.
    ///
    /// # Panics
    /// If another program truncated the segment.
    #[must_use]
    #[track_caller]
    pub fn get(&self) -> T {
        let value = self.load();
        self.guard.cells().assert_whole();
        value
    }

    /// Stores `value` at once. It stays, whatever happens to this process.
    ///
    /// # Errors
    /// [`LockError::Forked`] if the parent of this forked process acquired the lock; nothing is changed then.
    /// [`LockError::Damaged`] if another program truncated the segment.
    pub fn set(&mut self, value: T) -> Result<(), LockError> {
        self.guard.locked().set(0, value.to_cell(SEAL))
    }

    /// Replaces the value by the result of `change`, and returns it.
    ///
    /// A process killed in the middle has changed the value or not. If `change` panics, nothing is changed.
    ///
    /// # Errors
    /// [`LockError::Damaged`] if another process damaged or truncated the segment meanwhile; [`LockError::Forked`] as in
    /// [`Self::set`].
    pub fn update(&mut self, change: impl FnOnce(T) -> T) -> Result<T, LockError> {
        let before = self.load();
        self.guard.cells().must_be_whole()?;
        let value = change(before);
        self.guard.locked().commit_only(value.to_cell(SEAL))?;
        Ok(value)
    }

    /// Adds `number` as [`update`](Self::update) does, and returns the sum. Integers wrap around.
    ///
    /// # Errors
    /// As [`Self::update`].
    pub fn add(&mut self, number: T) -> Result<T, LockError>
    where
        T: Addend,
    {
        self.update(|value| sum(value, number))
    }

    /// [`LockOutcome::OwnerDied`] if an owner of the lock died with it, or became another program, since
    /// [`clear_owner_died`](Self::clear_owner_died) was called last.
    ///
    /// The dead owner's `set` calls are done; the `update` or `add` in which it died is done or not. Whatever it still wanted
    /// to do under the lock is missing. The caller decides whether the value makes sense, repairs it under this guard, and
    /// clears the death. Until then every guard reports it.
    #[must_use]
    pub fn outcome(&self) -> LockOutcome {
        self.guard.cells().outcome()
    }

    /// Tells all processes that the value makes sense again after an owner's death.
    pub fn clear_owner_died(&mut self) {
        self.guard.locked().clear_owner_died();
    }
}
