//! The segment's lock. Owner death is part of its type.
//!
//! | last owner | ledger | acquiring gives |
//! |---|---|---|
//! | released it | every published commit applied | a guard |
//! | died with it | nothing published | a guard; recovery found nothing to do |
//! | died with it | published, applied in part or not at all | a guard; recovery applied the commit |
//! | died in recovery | any of these | the same: applying twice is applying once |
//! | lives and keeps it | any | [`LockError::Busy`] with the owner; the lock is never stolen |
//! | is the parent of this forked process | any | as if it were any other process; its guard does nothing here |
//! | never existed | any | [`LockError::Damaged`]: the mutex names a thread that does not exist |
//!
//! Invariant: the owner of a [`Guard`] sees a ledger whose value equals the wrapped sum of the contributions.

mod error;
mod owner;
mod owner_watch;

use std::marker::PhantomData;
use std::ops::Deref;
use std::time::{Duration, Instant};

pub use error::LockError;
pub use owner::LockOwner;
pub use owner_watch::OwnerWatch;

use crate::failpoint::{Failpoint, Mutant};
use crate::layout::Slot;
use crate::redo::{self, Damage, Record, recovery};
use crate::segment::{ForkError, Segment};
use crate::sys::fork;
use crate::sys::mutex::Attempt;

/// How long a waiter waits before it looks at the owner.
const SLICE: Duration = Duration::from_secs(1);

/// How long a waiter sleeps before it tries the lock itself.
///
/// A robust mutex can lose a wake-up. The woken waiter dies before it has marked the lock as contended again, and another
/// thread that locked first has cleared that mark; the kernel wakes the next waiter only if it finds the lock free
/// (`handle_futex_death`, kernel/futex/core.c). So no waiter relies on being woken.
const SLEEP: Duration = Duration::from_millis(50);

/// How the lock was acquired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockOutcome {
    /// Its last owner released it, or it had none.
    Released,
    /// Its last owner died with it. The ledger is recovered.
    OwnerDied,
}

/// The acquired lock. Released when dropped, by the process that acquired it: in a forked child, which has a copy of the guard,
/// dropping it does nothing.
///
/// It borrows what it locks, or owns it in an [`Arc`](std::sync::Arc).
pub struct Guard<S: Deref<Target: AsRef<Segment>>> {
    locked: S,
    acquisition: Acquisition,
}

/// Which process acquired a lock, and how.
pub struct Acquisition {
    /// Twice the generation of the process that acquired it; one more if the last owner died with it. One word, because a guard
    /// is moved right after it is made: a load of two words that were just stored waits for both stores.
    word: u64,
    /// Neither `Send` nor `Sync`: the kernel ties a robust mutex to the thread that owns it (`set_robust_list(2)`).
    thread: PhantomData<*mut ()>,
}

impl Acquisition {
    #[inline]
    fn now(owner_died: bool) -> Self {
        Self { word: u64::from(fork::generation()) << 1 | u64::from(owner_died), thread: PhantomData }
    }

    /// Whether this process acquired the lock.
    #[inline]
    pub fn is_own(&self) -> bool {
        self.word >> 1 == u64::from(fork::generation())
    }

    /// Checks that this process acquired the lock of `segment`, and not its parent before a fork.
    #[inline]
    pub fn must_be_own(&self, segment: &Segment) -> Result<(), ForkError> {
        if self.is_own() { Ok(()) } else { Err(Self::is_of_parent(segment)) }
    }

    #[cold]
    fn is_of_parent(segment: &Segment) -> ForkError {
        ForkError::LockOfParent { name: segment.name().clone() }
    }
}

impl<S: Deref<Target: AsRef<Segment>>> Guard<S> {
    /// Acquires the lock, however long it takes. Calls `waiting` each second with the owner and the time waited so far.
    ///
    /// # Errors
    /// [`LockError::Damaged`] if the lock or the ledger is damaged, or another program truncated the segment;
    /// [`LockError::Deadlock`] if this thread owns the lock; [`LockError::Forked`] in a forked child that cannot attach again.
    pub fn acquire(locked: S, mut waiting: impl FnMut(Option<LockOwner>, Duration)) -> Result<Self, LockError>
    where
        S: Clone,
    {
        let mut watch = OwnerWatch::default();
        let mut waited = Duration::ZERO;
        loop {
            match Self::acquire_within(locked.clone(), SLICE) {
                Err(LockError::Busy { owner }) => {
                    watch.check((*locked).as_ref(), owner.as_ref())?;
                    waited += SLICE;
                    waiting(owner, waited);
                }
                outcome => return outcome,
            }
        }
    }

    /// Acquires the lock, or gives up when `patience` has passed on the monotonic clock.
    ///
    /// # Errors
    /// [`LockError::Busy`] with the owner when patience has passed; the others as [`Self::acquire`].
    #[inline]
    pub fn acquire_within(locked: S, patience: Duration) -> Result<Self, LockError> {
        match Self::attempt((*locked).as_ref())? {
            (Attempt::Locked, true) => Ok(Self::new(locked, false)),
            (attempt, _) => Self::acquire_slowly(locked, attempt, patience),
        }
    }

    /// Acquires the lock if nobody holds it, this thread included.
    ///
    /// # Errors
    /// As [`Self::acquire`], except for [`LockError::Deadlock`]. Boxed, so that the guard comes back in registers.
    #[inline]
    pub fn try_acquire(locked: S) -> Result<Option<Self>, Box<LockError>> {
        match Self::attempt((*locked).as_ref()) {
            Ok((Attempt::Locked, true)) => Ok(Some(Self::new(locked, false))),
            attempt => Self::try_slowly(locked, attempt),
        }
    }

    /// Everything after a first attempt that did not simply succeed, without waiting.
    #[cold]
    fn try_slowly(locked: S, attempt: Result<(Attempt, bool), LockError>) -> Result<Option<Self>, Box<LockError>> {
        match attempt? {
            (Attempt::Busy | Attempt::Deadlock, _) => {
                // Its owner can never release a lock whose page is gone.
                (*locked).as_ref().must_be_whole().map_err(LockError::from)?;
                Ok(None)
            }
            (attempt, _) => Ok(Some(Self::acquire_slowly(locked, attempt, Duration::ZERO)?)),
        }
    }

    /// Tries the lock once. If it is locked then, tells whether there is nothing more to do.
    #[inline]
    fn attempt(segment: &Segment) -> Result<(Attempt, bool), LockError> {
        if segment.has_inherited_roles() {
            Self::attach_again(segment)?;
        }
        let attempt = segment.mapping().lock().try_lock();
        let is_clean =
            attempt == Attempt::Locked && !recovery::is_needed(segment.view()) && !segment.mapping().is_truncated();
        Ok((attempt, is_clean))
    }

    /// In a forked child.
    #[cold]
    #[inline(never)]
    fn attach_again(segment: &Segment) -> Result<(), LockError> {
        Ok(segment.attach_again()?)
    }

    #[inline]
    fn new(locked: S, owner_died: bool) -> Self {
        Self { locked, acquisition: Acquisition::now(owner_died) }
    }

    /// Whether this process acquired the lock.
    #[inline]
    pub fn is_own(&self) -> bool {
        self.acquisition.is_own()
    }

    /// Checks that this process acquired the lock, and not its parent before a fork.
    #[inline]
    pub fn must_be_own(&self) -> Result<(), ForkError> {
        self.acquisition.must_be_own(self.segment())
    }

    /// Everything after a first attempt that did not simply succeed. Only this reads the clock.
    #[cold]
    fn acquire_slowly(locked: S, mut attempt: Attempt, patience: Duration) -> Result<Self, LockError> {
        let segment = (*locked).as_ref();
        let mutex = segment.mapping().lock();
        let began = Instant::now();
        attempt = if attempt == Attempt::Busy { mutex.spin() } else { attempt };
        while attempt == Attempt::Busy {
            // Its owner can never release a lock whose page is gone.
            segment.must_be_whole()?;
            let left = patience.saturating_sub(began.elapsed());
            if left.is_zero() {
                break;
            }
            // Tried once more at the very end: the lock may have been free for the whole of the last sleep.
            attempt = match mutex.lock_within(left.min(SLEEP)) {
                Attempt::Busy => mutex.try_lock(),
                attempt => attempt,
            };
        }
        if !matches!(attempt, Attempt::Locked | Attempt::OwnerDied) {
            segment.must_be_whole()?;
        }
        match attempt {
            Attempt::Locked => Self::recovered(locked, false),
            Attempt::OwnerDied => Self::recovered(locked, true),
            Attempt::Busy => Err(LockError::Busy { owner: LockOwner::of(segment.view()) }),
            Attempt::Deadlock => Err(LockError::Deadlock { name: segment.name().clone() }),
            Attempt::Broken(libc::ENOTRECOVERABLE) => {
                Err(Damage::new("its lock was given up after a failed recovery").into())
            }
            Attempt::Broken(code) => Err(Damage::new(format!("its lock answers with error {code}")).into()),
        }
    }

    /// The guard of a lock that was acquired just now, after recovery.
    fn recovered(locked: S, owner_died: bool) -> Result<Self, LockError> {
        let guard = Self::new(locked, owner_died);
        let segment = guard.segment();
        // Of a lost page the C library says that nobody has locked it.
        segment.must_be_whole()?;
        if owner_died {
            Failpoint::Recovering.reach();
        }
        // Also without a death: a panic between the two halves of a commit drops the guard and leaves the same state.
        if owner_died || recovery::is_needed(segment.view()) {
            recovery::recover(segment.view(), owner_died)?;
        }
        if owner_died && !Mutant::NoConsistent.is_planted() {
            // Last: until here another death hands the whole recovery to the next owner.
            let consistent = segment.mapping().lock().make_consistent();
            consistent.map_err(|code| Damage::new(format!("its lock cannot be recovered: error {code}")))?;
        }
        segment.must_be_whole()?;
        Ok(guard)
    }

    /// Commits a record that was written under this lock.
    ///
    /// # Errors
    /// [`Damage`] if the record names a ticket or a log entry outside the segment, or another program truncated the segment.
    #[inline]
    pub(crate) fn commit(&self, record: &Record) -> Result<(), Box<Damage>> {
        let segment = self.segment();
        redo::commit(segment.view(), record)?;
        segment.must_be_whole()
    }

    /// The same for a record without a chunk that finishes the ticket of this slot. Errors are as above.
    #[inline]
    pub(crate) fn commit_finishing(&self, record: &Record, slot: &Slot) -> Result<(), Box<Damage>> {
        let segment = self.segment();
        redo::commit_finishing(segment.view(), record, slot)?;
        segment.must_be_whole()
    }

    /// How the lock was acquired.
    #[must_use]
    pub fn outcome(&self) -> LockOutcome {
        if self.acquisition.word & 1 == 1 { LockOutcome::OwnerDied } else { LockOutcome::Released }
    }

    /// What it locks.
    #[inline]
    pub fn locked(&self) -> &S {
        &self.locked
    }

    /// Which process acquired it.
    #[inline]
    pub fn acquisition(&self) -> &Acquisition {
        &self.acquisition
    }

    fn segment(&self) -> &Segment {
        (*self.locked).as_ref()
    }
}

impl<S: Deref<Target: AsRef<Segment>>> Drop for Guard<S> {
    fn drop(&mut self) {
        if self.is_own() {
            // Fails only for a thread that does not own the lock. The guard is not Send, so this thread does. If the page of the
            // mutex is lost, zeros lie there: a mutex of the default kind, which the call leaves as it is. The mapping then stays
            // for good.
            let _ = self.segment().mapping().lock().unlock();
        }
    }
}
