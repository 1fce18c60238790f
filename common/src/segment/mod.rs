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
mod requests;
mod role;
pub(crate) mod verify;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering::Relaxed;

use rustix::io::Errno;
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

pub(crate) use create::creation_name;
pub use error::{AttachError, CreateError, Refusal};
pub use inherited::ForkError;
pub use no_room::NoRoom;
pub use requests::{Lifecycle, Stop};
pub use role::Role;

use inherited::Place;

use crate::clock::BootTime;
use crate::layout::View;
use crate::name::SegmentName;
use crate::process;
use crate::sys::mapping::Mapping;
use crate::sys::role_file::{Owner, RoleFile};
use crate::system_error::SystemError;
use crate::terms::{Mode, Terms};

/// A segment that this process is attached to.
///
/// Attached means mapped, and counted by the kernel as present until the process detaches or dies.
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
pub struct Segment {
    name: SegmentName,
    terms: Terms,
    nonce: u64,
    mapping: Mapping,
    /// The tickets whose roles `file` holds.
    tickets: RefCell<BTreeSet<u32>>,
    /// Holds this process's roles; closing it gives them up.
    file: RoleFile,
    /// The process that attached. A forked child has the roles no more ([`inherited`]).
    attacher: Owner,
    /// For forked children, if they may attach again.
    place: Option<Place>,
}

impl Drop for Segment {
    /// A leaked guard keeps the mapping. The process then stays present and keeps its tickets.
    fn drop(&mut self) {
        if self.mapping.lock().is_held() {
            self.file.keep();
        }
    }
}

impl Segment {
    fn new(name: &SegmentName, terms: Terms, nonce: u64, mapping: Mapping, file: RoleFile) -> Self {
        let (name, tickets, attacher) = (name.clone(), RefCell::default(), Owner::this_process());
        Self { name, terms, nonce, mapping, tickets, file, attacher, place: None }
    }

    /// The same, if it is a run. Of a shared value or array it keeps the place of the file, which has that path; nothing if
    /// another file has it.
    fn with_place(mut self, path: &str) -> Result<Option<Self>, Errno> {
        if self.terms.mode == Mode::Shared {
            self.place = Place::of(&self.file, path)?;
        }
        Ok((self.place.is_some() || self.terms.mode != Mode::Shared).then_some(self))
    }

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

    /// The same attachment, with another number of restarts than that of the run's terms.
    #[must_use]
    pub fn with_restarts(mut self, restarts: u32) -> Self {
        self.terms.restarts = restarts;
        self
    }

    /// A random number that tells this segment from others of its name.
    #[must_use]
    pub fn nonce(&self) -> u64 {
        self.nonce
    }

    /// When it was created.
    #[must_use]
    pub fn created(&self) -> BootTime {
        BootTime(self.view().header.identity.created_at.load(Relaxed))
    }

    /// Whether the name still stands for this segment. If the kernel does not say, it does.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        match &self.place {
            Some(place) => place.is_linked(),
            None => self.file().is_ok_and(|file| rustix::fs::fstat(file).map_or(true, |stat| stat.st_nlink > 0)),
        }
    }

    /// Whether another process coordinates the run.
    ///
    /// # Errors
    /// [`SystemError`] if the kernel cannot be asked.
    pub fn has_coordinator(&self) -> Result<bool, SystemError> {
        Role::Coordinator.is_held(&self.name, self.file()?)
    }

    /// Makes this process the run's coordinator, unless it has one. Returns whether it succeeded.
    ///
    /// # Errors
    /// [`SystemError`] if the kernel cannot be asked.
    pub fn become_coordinator(&self) -> Result<bool, SystemError> {
        Role::Coordinator.try_take(&self.name, self.file()?)
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
        Ok(self.has_taken(ticket) || Role::Ticket(ticket).is_held(&self.name, file)?)
    }

    /// Whether nobody else may take the ticket or its chunk: a live process works under it, or the coordinator that launched
    /// its worker has not ended yet what that worker started.
    ///
    /// # Errors
    /// [`SystemError`] if the kernel cannot be asked.
    pub(crate) fn is_ticket_held(&self, ticket: u32) -> Result<bool, SystemError> {
        Ok(self.has_taken(ticket) || Role::is_ticket_held(ticket, &self.name, self.file()?)?)
    }

    /// Keeps others from the ticket's chunk while this coordinator has a worker for it, until [`Self::release_launch`].
    ///
    /// # Errors
    /// [`SystemError`] if the kernel cannot be asked.
    pub fn hold_launch(&self, ticket: u32) -> Result<(), SystemError> {
        // Only a coordinator takes this role, and a run has one: nobody else can hold it.
        Role::Launcher(ticket).try_take(&self.name, self.file()?).map(drop)
    }

    /// Lets others take the ticket's chunk: its worker and all that it started have ended.
    ///
    /// # Errors
    /// [`SystemError`] if the kernel cannot be asked.
    pub fn release_launch(&self, ticket: u32) -> Result<(), SystemError> {
        Role::Launcher(ticket).release(&self.name, self.file()?)
    }

    /// Whether this attachment has taken the ticket.
    pub(crate) fn has_taken(&self, ticket: u32) -> bool {
        self.tickets.borrow().contains(&ticket)
    }

    /// Takes the ticket's role, unless a live process has it. Returns whether it succeeded.
    pub(crate) fn try_take_ticket(&self, ticket: u32) -> Result<bool, SystemError> {
        let is_taken = Role::Ticket(ticket).try_take(&self.name, self.file()?)?;
        if is_taken {
            self.tickets.borrow_mut().insert(ticket);
        }
        Ok(is_taken)
    }

    pub(crate) fn view(&self) -> &View<'_> {
        self.mapping.view()
    }

    pub(crate) fn mapping(&self) -> &Mapping {
        &self.mapping
    }
}
