//! Roles: what a process is to a segment, as a lock on one byte of its file. The kernel drops the lock at any death.

use std::fmt::Display;
use std::os::fd::AsFd;

use crate::layout::{Geometry, Slot};
use crate::sys::record_lock::{Hold, is_held, try_lock};
use crate::sys::role_file::RoleFile;
use crate::system_error::SystemError;

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

    /// Whether another open file description than `file` has the role.
    pub(crate) fn is_held(self, name: impl Display, file: impl AsFd) -> Result<bool, SystemError> {
        is_held(file, self.byte(), Hold::Exclusive).map_err(|error| SystemError::new("ask for locks on", name, error))
    }

    /// The byte of the role. A ticket's byte is the first of its slot.
    fn byte(self) -> u64 {
        match self {
            Self::Present => 0,
            Self::Coordinator => 1,
            Self::Remover => 2,
            Self::Ticket(ticket) => {
                Geometry::SLOTS_AT as u64 + u64::from(ticket.saturating_sub(1)) * size_of::<Slot>() as u64
            }
        }
    }
}
