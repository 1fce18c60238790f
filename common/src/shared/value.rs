//! One number that several processes share.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::{Cells, Scalar, exchange, load, store};
use crate::error::{Result, shape};
use crate::lock::{Acquire, Guard};
use crate::name::SegmentName;

/// One number that several processes share, with a lock: `multiprocessing.Value`.
///
/// One process creates it under a name, others attach to it by that name. A process that is killed neither leaves the
/// lock held nor an [`update`](Self::update) half done. It stays with the thread that created it or attached: every
/// other thread attaches by itself.
///
/// The creator's drop takes the name away, if it still stands for this very segment; processes that are attached keep
/// the memory until they detach, and nobody attaches any more. [`keep`](Self::keep) leaves the name, as does the death of
/// the creator by a signal: `coordinator remove NAME` removes what was left, and [`remove`](crate::remove) does so from
/// a program.
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
pub struct SharedValue<T: Scalar>(Cells<T>);

impl<T: Scalar> SharedValue<T> {
    /// Creates a value that holds `initial`; nobody ever sees it hold anything else before.
    ///
    /// # Errors
    /// [`Error::Exists`](crate::Error::Exists) if something has the name,
    /// [`Error::Permission`](crate::Error::Permission) or [`Error::System`](crate::Error::System) if the system refuses.
    pub fn create(name: &SegmentName, initial: T) -> Result<Self> {
        Cells::create(name, 1, &[initial]).map(Self)
    }

    /// Attaches to the value of that name; an array of one cell is one too.
    ///
    /// # Errors
    /// [`Error::OtherType`](crate::Error::OtherType) if what has the name is of another type, an array of several cells,
    /// or the value of a run; [`Error::NoSegment`](crate::Error::NoSegment) if nothing has it; and the other errors of
    /// [`Segment::attach`](crate::Segment::attach).
    pub fn attach(name: &SegmentName) -> Result<Self> {
        Cells::attach(name, |cells| cells == 1, shape(1, T::VALUE_TYPE.name())).map(Self)
    }

    /// The name by which other processes attach.
    #[must_use]
    pub fn name(&self) -> &SegmentName {
        self.0.segment.name()
    }

    /// What it holds at this moment: one load, without the lock.
    #[must_use]
    pub fn get(&self) -> T {
        load(self.cell())
    }

    /// Takes the lock, however long it takes.
    ///
    /// # Errors
    /// [`Error::Deadlock`](crate::Error::Deadlock) if this thread holds it already;
    /// [`Error::Damaged`](crate::Error::Damaged) if the segment is damaged beyond what a crash can do to it.
    pub fn lock(&self) -> Result<ValueGuard<'_, T>> {
        Ok(ValueGuard { value: self, guard: self.0.lock()? })
    }

    /// Takes the lock if nobody holds it, this thread included.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) as in [`Self::lock`].
    pub fn try_lock(&self) -> Result<Option<ValueGuard<'_, T>>> {
        Ok(self.0.try_lock()?.map(|guard| ValueGuard { value: self, guard }))
    }

    /// Takes the lock, or gives up when `patience` has passed.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) with who holds it when patience has passed, and those of [`Self::lock`].
    pub fn lock_within(&self, patience: Duration) -> Result<ValueGuard<'_, T>> {
        Ok(ValueGuard { value: self, guard: self.0.segment.lock_within(patience)? })
    }

    /// Takes the lock and replaces the value by what `change` makes of it: [`ValueGuard::update`].
    ///
    /// Programs that need to know whether the last holder died take the lock themselves: [`ValueGuard::acquired`].
    ///
    /// # Errors
    /// As [`Self::lock`].
    pub fn update(&self, change: impl FnOnce(T) -> T) -> Result<T> {
        self.lock()?.update(change)
    }

    /// Takes the lock and adds `number`: [`ValueGuard::add`].
    ///
    /// # Errors
    /// As [`Self::lock`].
    pub fn add(&self, number: T) -> Result<T> {
        self.lock()?.add(number)
    }

    /// Detaches and leaves the name, also of the value's creator.
    ///
    /// The segment then takes up memory until somebody removes it: [`remove`](crate::remove), or `coordinator remove`.
    pub fn keep(mut self) {
        self.0.unlinks = false;
    }

    fn cell(&self) -> &AtomicU64 {
        &self.0.segment.view().header.core.value
    }
}

impl<T: Scalar> fmt::Debug for SharedValue<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SharedValue").field("name", self.name()).field("value", &self.get()).finish()
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
    /// What the value holds.
    #[must_use]
    pub fn get(&self) -> T {
        self.value.get()
    }

    /// Makes it hold `value`: one store, in place from now on, whatever happens to this process.
    pub fn set(&mut self, value: T) {
        store(self.value.cell(), value);
    }

    /// Replaces the value by what `change` makes of it, and returns that.
    ///
    /// Killed in the middle of it, the process has changed the value or not. If `change` panics, nothing is changed.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) if another process has damaged the segment meanwhile.
    pub fn update(&mut self, change: impl FnOnce(T) -> T) -> Result<T> {
        let value = change(self.get());
        exchange(&mut self.guard, std::iter::once(value))?;
        Ok(value)
    }

    /// Adds `number` as [`update`](Self::update) would, and returns the sum; integers wrap around at their ends.
    ///
    /// # Errors
    /// As [`Self::update`].
    pub fn add(&mut self, number: T) -> Result<T> {
        self.update(|value| value.plus(number))
    }

    /// How the lock was had: [`Acquire::OwnerDied`] says that its last holder died with it, or became another program.
    ///
    /// The value is then what that holder left: what it `set` before it died is in place, and the `update` or `add` in
    /// which it died was made or not. What it was still about to do under the lock is missing, so whether the value
    /// makes sense is for the caller to judge, and to mend under this guard.
    ///
    /// Only the first guard after the death tells of it. If [`SharedValue::update`] or [`SharedValue::add`] comes first,
    /// which takes the lock for itself, nobody is told.
    #[must_use]
    pub fn acquired(&self) -> Acquire {
        self.guard.acquired()
    }
}
