//! The segment's lock and its guard; owner death is part of both.
//!
//! | last owner | ledger | `lock` gives |
//! |---|---|---|
//! | released it | every published commit applied | a guard |
//! | died with it | nothing published | a guard, after the recovery has found nothing to do |
//! | died with it | published, not or half applied | a guard, after the recovery has applied it |
//! | died in the recovery | as before | the same again: applying twice is applying once |
//! | lives and keeps it | any | [`Error::Busy`] with who it is, when patience ends; it is never stolen |
//! | never existed | any | [`Error::Damaged`]: the word names a thread that there is not |
//!
//! Invariant: whoever has a [`Guard`] sees a ledger in which the value equals the wrapped sum of the contributions.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::ledger::{self, LockHolder};
use crate::plant::{self, Fault, Point};
use crate::segment::Segment;
use crate::sys::mutex::Attempt;

/// How long a waiter waits before it looks at who holds the lock.
const SLICE: Duration = Duration::from_secs(1);

/// How long a waiter sleeps before it looks at the lock itself.
///
/// A robust mutex can lose a wake-up: the waiter that is woken dies before it has marked the lock as waited for again,
/// after another locker, who came first, has taken the mark away; the kernel wakes the next one only if it finds the lock
/// free (`handle_futex_death`, kernel/futex/core.c). So no one may rely on being woken.
const SLEEP: Duration = Duration::from_millis(50);

/// The lock, held: the one way to change the ledger. Released when dropped.
pub struct Guard<'a> {
    segment: &'a Segment,
    owner_died: bool,
}

/// How [`Segment::lock_within`] got the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquire {
    /// From an owner that released it, or from nobody.
    Released,
    /// From an owner that died with it: the ledger was recovered.
    OwnerDied,
}

/// A waiter's memory of who held the lock, which tells a slow holder from one that never was.
#[derive(Default)]
pub struct Vigil {
    /// The thread that was named and gone, 0 if none was named.
    suspect: Option<u32>,
}

impl Vigil {
    /// Looks at the holder once more, a good while after the last time.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the lock is held by nobody for the second time: of a holder that dies the kernel frees the lock
    /// before the process vanishes, so there never was one.
    pub fn watch(&mut self, segment: &Segment, holder: Option<&LockHolder>) -> Result<()> {
        let is_suspect = match holder {
            Some(holder) => holder.is_gone(),
            None => segment.view().header.core.mutex.is_taken_by_nobody(),
        };
        let suspect = is_suspect.then(|| holder.map_or(0, |holder| holder.thread));
        if suspect.is_some() && suspect == self.suspect {
            return Err(damaged("its lock is held by a thread that does not exist"));
        }
        self.suspect = suspect;
        Ok(())
    }
}

impl Segment {
    /// Takes the lock, however long it takes.
    ///
    /// Each second of waiting `waiting` is told who holds it and how long this call has waited.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the lock or the ledger is beyond what a crash can do to it; [`Error::Deadlock`] if this thread
    /// holds the lock.
    pub fn lock(&self, mut waiting: impl FnMut(Option<LockHolder>, Duration)) -> Result<Guard<'_>> {
        let mut vigil = Vigil::default();
        let mut waited = Duration::ZERO;
        loop {
            match self.lock_within(SLICE) {
                Err(Error::Busy { holder }) => {
                    vigil.watch(self, holder.as_ref())?;
                    waited += SLICE;
                    waiting(holder, waited);
                }
                outcome => return outcome,
            }
        }
    }

    /// Takes the lock, or gives up when `patience` has passed on the monotonic clock.
    ///
    /// # Errors
    /// [`Error::Busy`] with the holder when patience has passed; [`Error::Damaged`] and [`Error::Deadlock`] as in
    /// [`Self::lock`].
    #[inline]
    pub fn lock_within(&self, patience: Duration) -> Result<Guard<'_>> {
        match self.mapping().lock().try_lock() {
            Attempt::Locked if !ledger::recovery::is_needed(self.view()) => {
                Ok(Guard { segment: self, owner_died: false })
            }
            attempt => self.lock_slowly(attempt, patience),
        }
    }

    /// What follows on a first attempt that did not simply succeed; only here the clock is read.
    #[cold]
    fn lock_slowly(&self, mut attempt: Attempt, patience: Duration) -> Result<Guard<'_>> {
        let handle = self.mapping().lock();
        let began = Instant::now();
        while attempt == Attempt::Busy {
            let left = patience.saturating_sub(began.elapsed());
            if left.is_zero() {
                break;
            }
            // Also at the very end: the lock may have been free for the whole of the last sleep.
            attempt = match handle.lock_within(left.min(SLEEP)) {
                Attempt::Busy => handle.try_lock(),
                attempt => attempt,
            };
        }
        match attempt {
            Attempt::Locked => self.guard(false),
            Attempt::OwnerDied => self.guard(true),
            Attempt::Busy => Err(Error::Busy { holder: LockHolder::of(self.view()) }),
            Attempt::Deadlock => Err(Error::Deadlock { name: self.name().clone() }),
            Attempt::Broken(libc::ENOTRECOVERABLE) => Err(damaged("its lock was given up after a failed recovery")),
            Attempt::Broken(code) => Err(damaged(&format!("its lock answers with error {code}"))),
        }
    }

    /// The guard of a lock that was taken just now, once the ledger is sound.
    fn guard(&self, owner_died: bool) -> Result<Guard<'_>> {
        let guard = Guard { segment: self, owner_died };
        if owner_died {
            plant::at(Point::Recovering);
        }
        // Also without a death: a guard dropped by a panic between the two halves of a commit leaves the same state.
        if owner_died || ledger::recovery::is_needed(self.view()) {
            ledger::recovery::recover(self.view(), owner_died)?;
        }
        if owner_died && !plant::has(Fault::NoConsistent) {
            // Last: until here another death hands the whole recovery to the next owner.
            self.mapping()
                .lock()
                .make_consistent()
                .map_err(|code| damaged(&format!("its lock cannot be recovered: error {code}")))?;
        }
        Ok(guard)
    }
}

impl<'a> Guard<'a> {
    /// How the lock was had.
    #[must_use]
    pub fn acquired(&self) -> Acquire {
        if self.owner_died { Acquire::OwnerDied } else { Acquire::Released }
    }

    /// The segment whose lock it is.
    #[must_use]
    pub fn segment(&self) -> &'a Segment {
        self.segment
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        // It fails only for a thread that does not hold the lock, which the guard rules out: it is not Send.
        let _ = self.segment.mapping().lock().unlock();
    }
}

fn damaged(what: &str) -> Error {
    Error::Damaged { what: what.to_owned() }
}
