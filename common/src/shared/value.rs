//! One number that several processes share.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::{Scalar, SharedCells, load, replace_all};
use crate::lock::{Guard, LockError, LockOutcome};
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
/// guard.set(guard.get() + 1);
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
pub struct SharedValue<T: Scalar>(SharedCells<T>);

impl<T: Scalar> SharedValue<T> {
    /// Creates a value that holds `initial`. Nobody ever sees another value before it.
    ///
    /// # Errors
    /// [`CreateError::Exists`] if something has the name,
    /// [`CreateError::Permission`] or [`CreateError::System`] if the system refuses.
    pub fn create(name: &SegmentName, initial: T) -> Result<Self, CreateError> {
        SharedCells::create(name, 1, &[initial]).map(Self)
    }

    /// Attaches to the value of that name. An array of one cell is a value, too.
    ///
    /// # Errors
    /// [`AttachError::OtherType`] if the segment is of another type, an array of several cells, or a run;
    /// [`AttachError::NoSegment`] if nothing has the name; the others as [`Segment::attach`](crate::Segment::attach).
    pub fn attach(name: &SegmentName) -> Result<Self, AttachError> {
        SharedCells::attach(name, |cells| cells == 1, shape(1, T::VALUE_TYPE.name())).map(Self)
    }

    /// The name by which other processes attach.
    #[must_use]
    pub fn name(&self) -> &SegmentName {
        self.0.segment.name()
    }

    /// The current value: one load, without the lock.
    ///
    /// # Panics
    /// If another program truncated the segment.
    #[must_use]
    #[track_caller]
    pub fn get(&self) -> T {
        let value = load(self.cell());
        self.0.segment.assert_whole();
        value
    }

    /// Acquires the lock, however long it takes.
    ///
    /// # Errors
    /// [`LockError::Deadlock`] if this thread holds it already;
    /// [`LockError::Damaged`] if the segment is damaged beyond what a crash can do to it, or another program truncated it.
    pub fn lock(&self) -> Result<ValueGuard<'_, T>, LockError> {
        Ok(ValueGuard { value: self, guard: self.0.lock()? })
    }

    /// Acquires the lock if nobody holds it, this thread included.
    ///
    /// # Errors
    /// [`LockError::Damaged`] as in [`Self::lock`].
    pub fn try_lock(&self) -> Result<Option<ValueGuard<'_, T>>, LockError> {
        Ok(self.0.try_lock()?.map(|guard| ValueGuard { value: self, guard }))
    }

    /// Acquires the lock, or gives up when `patience` has passed.
    ///
    /// # Errors
    /// [`LockError::Busy`] with the owner when patience has passed; the others as [`Self::lock`].
    pub fn lock_within(&self, patience: Duration) -> Result<ValueGuard<'_, T>, LockError> {
        Ok(ValueGuard { value: self, guard: self.0.lock_within(patience)? })
    }

    /// Acquires the lock and replaces the value by the result of `change`: [`ValueGuard::update`].
    ///
    /// To learn whether the last owner died, acquire the lock yourself: [`ValueGuard::outcome`].
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
    pub fn add(&self, number: T) -> Result<T, LockError> {
        self.lock()?.add(number)
    }

    /// Detaches and leaves the name, even from the creator's handle.
    ///
    /// The segment takes up memory until somebody removes it: [`remove`](crate::remove).
    pub fn keep(mut self) {
        self.0.unlinks = false;
    }

    fn cell(&self) -> &AtomicU64 {
        &self.0.segment.view().header.core.value
    }
}

impl<T: Scalar> fmt::Debug for SharedValue<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = load::<T>(self.cell());
        let mut fields = formatter.debug_struct("SharedValue");
        fields.field("name", self.name());
        match self.0.segment.must_be_whole() {
            Ok(()) => fields.field("value", &value).finish(),
            Err(damage) => fields.field("damage", &damage.what).finish_non_exhaustive(),
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
    value: &'a SharedValue<T>,
    guard: Guard<'a>,
}

impl<T: Scalar> ValueGuard<'_, T> {
    /// The value.
    ///
    /// # Panics
    /// If another program truncated the segment.
    #[must_use]
    #[track_caller]
    pub fn get(&self) -> T {
        self.value.get()
    }

    /// Stores `value` at once. It stays, whatever happens to this process.
    ///
    /// # Panics
    /// If another program truncated the segment.
    #[track_caller]
    pub fn set(&mut self, value: T) {
        self.value.0.set(0, value);
    }

    /// Replaces the value by the result of `change`, and returns it.
    ///
    /// A process killed in the middle has changed the value or not. If `change` panics, nothing is changed.
    ///
    /// # Errors
    /// [`LockError::Damaged`] if another process damaged or truncated the segment meanwhile.
    pub fn update(&mut self, change: impl FnOnce(T) -> T) -> Result<T, LockError> {
        let before = load(self.value.cell());
        self.value.0.segment.must_be_whole()?;
        let value = change(before);
        replace_all(&mut self.guard, std::iter::once(value))?;
        Ok(value)
    }

    /// Adds `number` as [`update`](Self::update) does, and returns the sum. Integers wrap around.
    ///
    /// # Errors
    /// As [`Self::update`].
    pub fn add(&mut self, number: T) -> Result<T, LockError> {
        self.update(|value| value.plus(number))
    }

    /// How the lock was acquired: [`LockOutcome::OwnerDied`] if its last owner died with it or became another program.
    ///
    /// The dead owner's `set` calls are done; the `update` or `add` in which it died is done or not. Whatever it still wanted
    /// to do under the lock is missing. The caller decides whether the value makes sense, and repairs it under this guard.
    ///
    /// Only the first guard after the death reports it. If [`SharedValue::update`] or [`SharedValue::add`] comes first, nobody
    /// learns of the death.
    #[must_use]
    pub fn outcome(&self) -> LockOutcome {
        self.guard.outcome()
    }
}
