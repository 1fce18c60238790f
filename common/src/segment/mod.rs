//! A named segment: created whole or not at all, verified before it is touched, removed by whoever may.
//!
//! Invariants: a name in `/dev/shm` never stands for a half-made segment of ours; nobody unlinks a segment that is not the
//! one that they looked at; nothing read from a segment decides over memory safety.

mod attach;
mod create;
mod debris;
mod inspect;
mod live;
mod remove;
mod role;
mod verify;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;

use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

pub use debris::remove_creation_debris;
pub use inspect::{Lookup, RunState, list};
pub use live::{Lifecycle, Stop};
pub(crate) use live::{lifecycle_from, stop_from};
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

    /// A number that tells this segment from others of its name.
    #[must_use]
    pub fn nonce(&self) -> u64 {
        self.founding_nonce
    }

    /// When it was created.
    #[must_use]
    pub fn created(&self) -> Instant {
        Instant(self.view().header.identity.created_at.load(Relaxed))
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

    pub(crate) fn view(&self) -> &View<'_> {
        self.mapping.view()
    }

    pub(crate) fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    pub(crate) fn file(&self) -> BorrowedFd<'_> {
        use std::os::fd::AsFd;
        self.file.as_fd()
    }
}
