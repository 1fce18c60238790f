//! A named segment: created whole or not at all, verified before it is touched, removed by whoever may.
//!
//! Invariants: a name in `/dev/shm` never stands for a half-made segment of ours; nobody unlinks a segment that is not the
//! one that they looked at; nothing read from a segment decides over memory safety.

mod attach;
mod create;
mod debris;
mod inspect;
mod remove;
mod role;
mod verify;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use rustix::thread::futex;

pub use debris::remove_creation_debris;
pub use inspect::{Lookup, RunState, list};
pub use remove::{Condition, Removal, remove};
pub use role::Role;

use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::layout::View;
use crate::ledger::Snapshot;
use crate::name::SegmentName;
use crate::process;
use crate::sys::mapping::Mapping;
use crate::terms::Terms;

/// A segment that this process is attached to.
///
/// Attached means: mapped, and counted by the kernel as present until the process detaches or dies.
///
/// Detaching while the lock is held does not compile, because the guard borrows the segment:
///
/// ```compile_fail
/// use common::Segment;
/// fn detach_under_the_lock(segment: Segment) {
///     let guard = segment.lock(|_, _| {}).unwrap();
///     drop(segment);
///     drop(guard);
/// }
/// ```
pub struct Segment {
    name: SegmentName,
    terms: Terms,
    founding_nonce: u64,
    mapping: Mapping,
    /// The tickets whose roles `file` holds.
    tickets: RefCell<BTreeSet<u32>>,
    // Holds this process's roles; closing it gives them up.
    file: Rc<OwnedFd>,
}

impl Drop for Segment {
    /// A guard that was leaked keeps the mapping, and with it this process is still present and at work.
    fn drop(&mut self) {
        if self.mapping.lock().is_held() {
            std::mem::forget(Rc::clone(&self.file));
        }
    }
}

/// What a segment's life has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// Workers may take tickets.
    Open,
    /// Nobody joins any more; the result is being reported.
    Closed,
    /// The result was reported.
    Reported,
}

/// What the workers of a run are asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Nothing: go on.
    No,
    /// Finish what is begun, and begin nothing.
    Drain,
    /// Leave at once, without a contribution.
    Now,
}

impl Segment {
    /// The segment's name.
    #[must_use]
    pub fn name(&self) -> &SegmentName {
        &self.name
    }

    /// The terms of the run.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// What the workers are asked to do.
    #[must_use]
    pub fn stop_requested(&self) -> Stop {
        stop_from(self.view().header.live.stop.load(Relaxed))
    }

    /// Asks all workers to stop and wakes those that sleep; a stronger request is never weakened.
    pub fn request_stop(&self, stop: Stop) {
        let word = &self.view().header.live.stop;
        word.fetch_max(stop as u32, Relaxed);
        // An error would mean that nobody can sleep on the word either.
        let _ = futex::wake(word, futex::Flags::empty(), i32::MAX.unsigned_abs());
    }

    /// Sleeps for `duration`, or until all are asked to stop now; says whether the sleep was whole.
    #[must_use]
    pub fn sleep(&self, duration: Duration) -> bool {
        let began = Instant::now();
        loop {
            let stop = self.view().header.live.stop.load(Relaxed);
            let left = duration.saturating_sub(began.elapsed());
            if stop_from(stop) == Stop::Now {
                return false;
            }
            if left.is_zero() {
                return true;
            }
            self.wait_for_change(&self.view().header.live.stop, stop, left);
        }
    }

    /// The number of notices so far; to be read before looking at what notices tell of.
    #[must_use]
    pub fn notices(&self) -> u32 {
        // Acquire pairs with the Release in `notify`: what a notice tells of is seen by who sees the notice.
        self.view().header.live.notice.load(Acquire)
    }

    /// Waits until there are other than `seen` notices, at most for `patience`.
    pub fn wait_for_notice(&self, seen: u32, patience: Duration) {
        self.wait_for_change(&self.view().header.live.notice, seen, patience);
    }

    /// Wakes all who wait for news of the ledger.
    pub fn notify(&self) {
        let word = &self.view().header.live.notice;
        // Release pairs with the Acquire in `notices`.
        word.fetch_add(1, Release);
        let _ = futex::wake(word, futex::Flags::empty(), i32::MAX.unsigned_abs());
    }

    /// Whether another process supervises the run.
    ///
    /// # Errors
    /// [`crate::Error::System`] if the kernel cannot be asked.
    pub fn has_coordinator(&self) -> Result<bool> {
        Role::Coordinator.is_held(&self.name, self.file())
    }

    /// Makes this process the run's coordinator, unless there is one.
    ///
    /// # Errors
    /// [`crate::Error::System`] if the kernel cannot be asked.
    pub fn become_coordinator(&self) -> Result<bool> {
        Role::Coordinator.try_take(&self.name, self.file())
    }

    /// How many commits, in the order of the log, a coordinator has printed.
    #[must_use]
    pub fn told(&self) -> u32 {
        let told = self.view().header.live.told.load(Relaxed);
        u32::try_from(told).unwrap_or(u32::MAX).min(self.done())
    }

    /// Remembers, for a coordinator that takes over, how many commits were printed.
    pub fn remember_told(&self, commits: u32) {
        self.view().header.live.told.store(commits.into(), Relaxed);
    }

    /// Makes the coordinator look at the segment now.
    ///
    /// By SIGCHLD: it is what a coordinator looks up for anyway, and what any other process ignores by default.
    ///
    /// # Errors
    /// [`crate::Error::System`] if the kernel cannot be asked who coordinates.
    pub fn wake_coordinator(&self) -> Result<()> {
        let pid = process::id(self.view().header.live.coordinator_pid.load(Relaxed));
        let Some(Ok(process)) = pid.map(|pid| pidfd_open(pid, PidfdFlags::empty())) else { return Ok(()) };
        // While the role is held the process behind the descriptor is the coordinator, or, for the moment in which one takes
        // over, a stranger whom this signal does no harm.
        if self.has_coordinator()? {
            // It may end at this very moment: then there is nobody to wake.
            let _ = pidfd_send_signal(process, Signal::CHILD);
        }
        Ok(())
    }

    /// Whether a live process works under that ticket: another one, or this one through this attachment.
    ///
    /// # Errors
    /// [`crate::Error::System`] if the kernel cannot be asked.
    pub fn has_worker(&self, ticket: u32) -> Result<bool> {
        Ok(self.has_taken(ticket) || Role::Ticket(ticket).is_held(&self.name, self.file())?)
    }

    /// Whether the name still stands for this segment.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        rustix::fs::fstat(self.file()).is_ok_and(|stat| stat.st_nlink > 0)
    }

    /// Opens the segment, at first or again, as the coordinator that this process became.
    pub fn open_as_coordinator(&self) {
        let live = &self.view().header.live;
        live.coordinator_pid.store(std::process::id(), Relaxed);
        live.stop.store(Stop::No as u32, Relaxed);
        live.closed_at.store(0, Relaxed);
        live.lifecycle.store(Lifecycle::Open as u32, Relaxed);
    }

    /// Marks the result as reported, and wakes all who wait for news.
    pub fn mark_reported(&self) {
        self.view().header.live.lifecycle.store(Lifecycle::Reported as u32, Relaxed);
        self.notify();
    }

    /// A number that tells this segment from others of its name.
    #[must_use]
    pub fn nonce(&self) -> u64 {
        self.founding_nonce
    }

    /// What the segment's life has come to.
    #[must_use]
    pub fn lifecycle(&self) -> Lifecycle {
        lifecycle_from(self.view().header.live.lifecycle.load(Relaxed))
    }

    /// How many tickets are done, and with [`Self::committed`] which, in the order of their commits.
    #[must_use]
    pub fn done(&self) -> u32 {
        // Acquire pairs with the Release of `done_count` in the commit's last step: the slots of the tickets counted are
        // complete for who sees the count.
        let done = self.view().header.redo.done_count.load(Acquire);
        u32::try_from(done).unwrap_or(u32::MAX).min(self.terms.slots)
    }

    /// Everything that there is to tell, read without the lock.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`] if the ledger makes no sense, [`crate::Error::System`] if the file cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot> {
        // A file that was truncated and grown again reads as zeros: nothing of what it says is this segment's.
        if self.view().header.identity.nonce.load(Relaxed) != self.founding_nonce {
            return Err(Error::Damaged { what: "its header was overwritten".to_owned() });
        }
        Snapshot::read(&self.name, self.file(), &self.terms)
    }

    pub(crate) fn view(&self) -> View<'_> {
        self.mapping.view()
    }

    pub(crate) fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    pub(crate) fn file(&self) -> BorrowedFd<'_> {
        use std::os::fd::AsFd;
        self.file.as_fd()
    }

    #[expect(clippy::unused_self, reason = "the word is one of this segment's, which the borrow keeps mapped")]
    fn wait_for_change(&self, word: &std::sync::atomic::AtomicU32, seen: u32, patience: Duration) {
        // Longer than any run: a year. The kernel takes no more than i64 seconds.
        let patience = patience.min(Duration::from_secs(365 * 24 * 3600));
        let timeout = rustix::thread::Timespec::try_from(patience).ok();
        // Woken, changed, timed out or interrupted: the caller looks again in each case.
        let _ = futex::wait(word, futex::Flags::empty(), seen, timeout.as_ref());
    }
}

pub(crate) fn lifecycle_from(word: u32) -> Lifecycle {
    match word {
        0 => Lifecycle::Open,
        1 => Lifecycle::Closed,
        _ => Lifecycle::Reported,
    }
}

pub(crate) fn stop_from(word: u32) -> Stop {
    match word {
        0 => Stop::No,
        1 => Stop::Drain,
        // A damaged word stops the run rather than letting it go on.
        _ => Stop::Now,
    }
}
