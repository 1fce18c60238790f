//! A named segment: created whole or not at all, and verified before it is used.
//!
//! Invariants: a name in `/dev/shm` never stands for a half-made segment of ours; nothing read from a segment decides over
//! memory safety.

mod attach;
mod create;
mod error;
mod foreign;
mod inherited;
pub(crate) mod namespace;
mod no_room;
mod observer;
mod requests;
mod role;
pub(crate) mod verify;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

pub(crate) use create::creation_name;
pub use error::{AttachError, CreateError, Refusal};
pub use inherited::ForkError;
pub use no_room::NoRoom;
pub use observer::Observer;
pub use requests::{Lifecycle, Stop};
pub use role::Role;

use crate::clock::BootTime;
use crate::layout::View;
use crate::name::SegmentName;
use crate::process;
use crate::redo::Damage;
use crate::sys::mapping::Mapping;
use crate::sys::role_file::RoleFile;
use crate::system_error::SystemError;
use crate::terms::Terms;

/// How many tickets a pass over all of them leaves mapped: 128 KiB of slots. Those of an array take more.
const STRIDE: u32 = 1024;

/// A segment that this process is attached to.
///
/// Attached means mapped, and counted by the kernel as present until the process detaches or dies. Threads may share it; only
/// what holds its lock stays with its thread.
///
/// A forked child of that process is not attached: it keeps no role, no ticket and no lock of its parent, and what needs one is
/// a [`ForkError`] there. It can attach by itself. Children that are made without the handlers of `pthread_atfork(3)` (raw
/// `clone(2)`, `_Fork(3)`, `vfork(2)` without exec) bypass this: they must not use the segment, and keep the roles of a killed
/// parent until they end.
///
/// The guard borrows the segment, so detaching while the lock is held does not compile:
///
/// ```compile_fail
/// use common::{Ledger, Segment};
/// fn detach_under_the_lock(segment: Segment) {
///     let ledger = Ledger::of(&segment).lock(|_, _| {}).unwrap();
///     drop(segment);
///     drop(ledger);
/// }
/// ```
///
/// ```compile_fail
/// fn unlock_in_another_thread(ledger: common::LockedLedger<'static>) {
///     std::thread::spawn(move || drop(ledger));
/// }
/// ```
pub struct Segment {
    /// What can be seen of it. Its file holds this process's roles; closing it gives them up.
    observer: Observer,
    /// The tickets whose roles the file holds.
    tickets: Mutex<BTreeSet<u32>>,
}

impl AsRef<Observer> for Segment {
    fn as_ref(&self) -> &Observer {
        &self.observer
    }
}

impl AsRef<Self> for Segment {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Drop for Segment {
    /// A leaked guard keeps the mapping. The process then stays present and keeps its tickets.
    fn drop(&mut self) {
        if self.mapping().lock().is_held() {
            self.observer.keep_roles();
        }
    }
}

impl Segment {
    fn of(observer: Observer) -> Self {
        Self { observer, tickets: Mutex::default() }
    }

    /// The segment's name.
    #[must_use]
    pub fn name(&self) -> &SegmentName {
        self.observer.name()
    }

    /// The terms of the run.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        self.observer.terms()
    }

    /// The same attachment, with another number of restarts than that of the run's terms.
    #[must_use]
    pub fn with_restarts(mut self, restarts: u32) -> Self {
        self.observer.terms.restarts = restarts;
        self
    }

    /// A random number that tells this segment from others of its name.
    #[must_use]
    pub fn nonce(&self) -> u64 {
        self.observer.nonce()
    }

    /// When it was created.
    #[must_use]
    pub fn created(&self) -> BootTime {
        self.observer.created()
    }

    /// Whether the name still stands for this segment. If the kernel does not say, it does.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        self.observer.is_linked()
    }

    /// Whether another process coordinates the run.
    ///
    /// # Errors
    /// [`SystemError`] if the kernel cannot be asked.
    pub fn has_coordinator(&self) -> Result<bool, SystemError> {
        self.observer.has_coordinator()
    }

    /// Makes this process the run's coordinator, unless it has one. Returns whether it succeeded.
    ///
    /// # Errors
    /// [`SystemError`] if the kernel cannot be asked.
    pub fn become_coordinator(&self) -> Result<bool, SystemError> {
        Role::Coordinator.try_take(self.name(), self.file()?)
    }

    /// Makes the coordinator look at the segment now.
    ///
    /// Sends SIGCHLD, which a coordinator handles anyway and any other process ignores by default.
    ///
    /// # Errors
    /// [`SystemError`] if the kernel cannot be asked who coordinates.
    pub fn wake_coordinator(&self) -> Result<(), SystemError> {
        let pid = process::id(self.view().header.live.coordinator_pid.load(Relaxed));
        let Some(Ok(process)) = pid.map(|pid| pidfd_open(pid, PidfdFlags::empty())) else { return Ok(()) };
        // While the role is held the process behind the descriptor is the coordinator. While a new one takes over it may be
        // a stranger, whom this signal does not harm.
        if self.has_coordinator()? {
            // It may have ended by now: then nobody needs to be woken.
            let _ = pidfd_send_signal(process, Signal::CHILD);
        }
        Ok(())
    }

    /// Whether a live process works under that ticket: another one, or this one through this attachment.
    ///
    /// # Errors
    /// [`SystemError`] if the kernel cannot be asked.
    pub fn has_worker(&self, ticket: u32) -> Result<bool, SystemError> {
        let file = self.file()?;
        Ok(self.has_taken(ticket) || Role::Ticket(ticket).is_held(self.name(), file)?)
    }

    /// Whether nobody else may take the ticket or its chunk: a live process works under it, or the coordinator that launched
    /// its worker has not ended yet what that worker started.
    ///
    /// # Errors
    /// [`SystemError`] if the kernel cannot be asked.
    pub(crate) fn is_ticket_held(&self, ticket: u32) -> Result<bool, SystemError> {
        let file = self.file()?;
        Ok(self.has_taken(ticket) || Role::is_ticket_held(ticket, self.name(), file)?)
    }

    /// Keeps others from the ticket's chunk while this coordinator has a worker for it, until [`Self::release_launch`].
    ///
    /// # Errors
    /// [`SystemError`] if the kernel cannot be asked.
    pub fn hold_launch(&self, ticket: u32) -> Result<(), SystemError> {
        // Only a coordinator takes this role, and a run has one: nobody else can hold it.
        Role::Launcher(ticket).try_take(self.name(), self.file()?).map(drop)
    }

    /// Lets others take the ticket's chunk: its worker and all that it started have ended.
    ///
    /// # Errors
    /// [`SystemError`] if the kernel cannot be asked.
    pub fn release_launch(&self, ticket: u32) -> Result<(), SystemError> {
        Role::Launcher(ticket).release(self.name(), self.file()?)
    }

    /// Whether this attachment has taken the ticket.
    pub(crate) fn has_taken(&self, ticket: u32) -> bool {
        // In a forked child the set may be locked for ever, and its tickets are the parent's.
        !self.is_inherited() && self.own_tickets().contains(&ticket)
    }

    /// Takes the ticket's role, unless a live process has it, this one included. Returns whether it succeeded.
    pub(crate) fn try_take_ticket(&self, ticket: u32) -> Result<bool, SystemError> {
        let file = self.file()?;
        // The kernel would give it again to the same description: for another thread.
        let mut own = self.own_tickets();
        let is_taken = !own.contains(&ticket) && Role::Ticket(ticket).try_take(self.name(), file)?;
        if is_taken {
            own.insert(ticket);
        }
        Ok(is_taken)
    }

    /// Keeps other threads from what only one of them may do at a time.
    pub(crate) fn take_turn(&self) -> impl Drop + use<'_> {
        self.own_tickets()
    }

    fn own_tickets(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something has cut its file short. Then its bytes must not be touched any more: that ends the process.
    #[must_use]
    pub fn is_cut_short(&self) -> bool {
        self.file().is_ok_and(|file| verify::is_cut_short(file, self.terms().geometry().size() as u64))
    }

    /// Fails if another program truncated the segment: [`Observer::must_be_whole`].
    #[inline]
    pub(crate) fn must_be_whole(&self) -> Result<(), Box<Damage>> {
        self.observer.must_be_whole()
    }

    /// Panics if another program truncated the segment: [`Observer::assert_whole`].
    #[inline]
    #[track_caller]
    pub(crate) fn assert_whole(&self) {
        self.observer.assert_whole();
    }

    /// Gives the mapped pages of a large segment back to the kernel; the next access maps them again. Call it
    /// before a long sleep.
    pub fn release_pages(&self) {
        self.mapping().release_pages();
    }

    /// The same for a pass over all tickets: call it with each ticket; it gives the pages back at every 1024th.
    pub fn release_pages_behind(&self, ticket: u32) {
        if ticket.is_multiple_of(STRIDE) {
            self.release_pages();
        }
    }

    pub(crate) fn view(&self) -> &View<'_> {
        self.observer.view()
    }

    pub(crate) fn mapping(&self) -> &Mapping {
        self.observer.mapping()
    }

    pub(crate) fn file(&self) -> Result<&RoleFile, ForkError> {
        self.observer.file()
    }
}
