//! Roles: what a process is to a segment, as a lock on one byte of its file. The kernel drops the lock at any death.

use std::fmt::Display;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::io::Errno;

use crate::layout::{Geometry, Slot};
use crate::sys::record_lock::{Hold, is_held, try_lock, unlock};
use crate::sys::role_file::RoleFile;
use crate::system_error::SystemError;

/// How often the presence is tried while a remover has it: the remover either unlinks the segment or gives up at once.
const ATTEMPTS_TO_SHARE: u32 = 50;

/// How often a role is tried that somebody has: between fork and exec a process shares its descriptors with its child, so a role
/// may outlive its holder for a moment.
const ATTEMPTS_TO_TAKE: u32 = 20;

/// What a process is to a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// An attached process.
    Present,
    /// The process that supervises the run.
    Coordinator,
    /// The process that is about to unlink the name.
    Remover,
    /// The process that works under a ticket.
    Ticket(u32),
    /// The coordinator that launched the ticket's worker, until it has ended what that worker started.
    Launcher(u32),
}

impl Role {
    /// Takes the role exclusively, if nobody has it. Returns whether it succeeded.
    pub(crate) fn try_take(self, name: impl Display, file: &RoleFile) -> Result<bool, SystemError> {
        try_lock(file, self.byte(), Hold::Exclusive).map_err(|error| SystemError::new("lock", name, error))
    }

    /// Takes the role together with others, unless somebody has it exclusively. Returns whether it succeeded.
    pub(super) fn try_share(self, name: impl Display, file: &RoleFile) -> Result<bool, SystemError> {
        try_lock(file, self.byte(), Hold::Shared).map_err(|error| SystemError::new("lock", name, error))
    }

    /// The same as [`Self::try_take`], for a moment again and again.
    pub(crate) fn take_patiently(self, name: impl Display, file: &RoleFile) -> Result<bool, SystemError> {
        patiently(ATTEMPTS_TO_TAKE, || self.try_take(&name, file))
    }

    /// The same as [`Self::try_share`], for a moment again and again.
    pub(super) fn share_patiently(self, name: impl Display, file: &RoleFile) -> Result<bool, SystemError> {
        patiently(ATTEMPTS_TO_SHARE, || self.try_share(&name, file))
    }

    /// Takes the role in a file that only its creator uses.
    pub(super) fn claim(self, file: &RoleFile) -> Result<(), Errno> {
        try_lock(file, self.byte(), Hold::Shared).map(drop)
    }

    /// Whether another open file description than `file` has the role.
    pub(crate) fn is_held(self, name: impl Display, file: impl AsFd) -> Result<bool, SystemError> {
        is_held(file, self.byte(), 1, Hold::Exclusive)
            .map_err(|error| SystemError::new("ask for locks on", name, error))
    }

    /// Gives the role up.
    pub(super) fn release(self, name: impl Display, file: impl AsFd) -> Result<(), SystemError> {
        unlock(file, self.byte()).map_err(|error| SystemError::new("unlock", name, error))
    }

    /// Whether another open file description than `file` has the ticket or is its launcher: one question for both bytes.
    pub(super) fn is_ticket_held(ticket: u32, name: impl Display, file: impl AsFd) -> Result<bool, SystemError> {
        is_held(file, Self::Ticket(ticket).byte(), 2, Hold::Exclusive)
            .map_err(|error| SystemError::new("ask for locks on", name, error))
    }

    /// The byte of the role. A ticket's bytes are the first two of its slot: of its worker, and of the worker's launcher.
    pub(crate) fn byte(self) -> u64 {
        match self {
            Self::Present => 0,
            Self::Coordinator => 1,
            Self::Remover => 2,
            Self::Ticket(ticket) => {
                Geometry::SLOTS_AT as u64 + u64::from(ticket.saturating_sub(1)) * size_of::<Slot>() as u64
            }
            Self::Launcher(ticket) => Self::Ticket(ticket).byte() + 1,
        }
    }
}

/// Tries until it succeeds, so many times at most, a millisecond apart. Returns whether it succeeded.
fn patiently(attempts: u32, try_once: impl Fn() -> Result<bool, SystemError>) -> Result<bool, SystemError> {
    for _ in 1..attempts {
        if try_once()? {
            return Ok(true);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    try_once()
}

#[cfg(test)]
mod tests {
    use crate::segment::{Segment, Stop};
    use crate::terms::{Mode, Terms};
    use crate::{Condition, Ledger, SegmentName, TakeOver, Then};

    /// The first chunk of a worker for that ticket, and the worker's attachment.
    fn first_chunk(name: &SegmentName, ticket: u32, orphan: Option<u32>) -> (Segment, Option<u64>) {
        let segment = Segment::attach(name).unwrap();
        let chunk = {
            let mut ledger = Ledger::of(&segment).lock(|_, _| {}).unwrap();
            let TakeOver::Taken(claim) = ledger.take(ticket).unwrap() else { panic!("it is not done") };
            ledger.first_chunk(&claim, Then::Take { size: 1, orphan }).unwrap().map(|chunk| chunk.start)
        };
        (segment, chunk)
    }

    /// Fault 54.
    #[test]
    fn a_dead_workers_chunk_is_nobody_elses_before_its_launcher_releases_it_or_dies() {
        for dies in [false, true] {
            let name: SegmentName = format!("role-test-{}-{dies}", std::process::id()).parse().unwrap();
            let terms =
                Terms { mode: Mode::Split, iterations: 3, chunk: Some(1), restarts: 9, ..Terms::by_hand("", 9) };
            let coordinator = Segment::create(&name, &terms).unwrap();
            coordinator.hold_launch(1).unwrap();
            assert!(!coordinator.is_ticket_held(1).unwrap(), "its own role does not keep it");
            let (worker, chunk) = first_chunk(&name, 1, None);
            assert_eq!(chunk, Some(0));
            drop(worker);
            let (_second, chunk) = first_chunk(&name, 2, Some(1));
            assert_eq!(chunk, Some(1), "and not the dead worker's");
            let (third, chunk) = first_chunk(&name, 3, Some(1));
            assert_eq!(chunk, Some(2));
            assert!(third.is_ticket_held(1).unwrap() && !third.has_worker(1).unwrap());
            if dies {
                drop(coordinator);
            } else {
                coordinator.release_launch(1).unwrap();
            }
            let (last, chunk) = first_chunk(&name, 4, Some(1));
            assert_eq!((chunk, last.stop_requested()), (Some(0), Stop::No));
            crate::remove(&name, Condition::Always).unwrap();
        }
    }
}
