//! Roles: what a process is to a segment, as a lock on one byte that the kernel gives up for it at any death.

use std::fmt::Display;
use std::os::fd::BorrowedFd;

use crate::error::{Error, Result};
use crate::layout::{Extent, Slot};
use crate::sys::record_lock::{Hold, is_held, try_lock};

/// What a process is to a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// One of all who are attached.
    Present,
    /// The one who supervises the run.
    Coordinator,
    /// The one who is about to unlink the name.
    Remover,
    /// The one who works under a ticket.
    Ticket(u32),
}

impl Role {
    /// Takes the role alone if nobody has it; says whether it was free.
    pub(super) fn try_take(self, name: impl Display, file: BorrowedFd<'_>) -> Result<bool> {
        try_lock(file, self.byte(), Hold::Exclusive).map_err(|error| Error::system("lock", name, error))
    }

    /// Takes the role together with others; says whether nobody had it alone.
    pub(super) fn try_share(self, name: impl Display, file: BorrowedFd<'_>) -> Result<bool> {
        try_lock(file, self.byte(), Hold::Shared).map_err(|error| Error::system("lock", name, error))
    }

    /// Whether anyone but the holder of `file` has the role.
    pub(crate) fn is_held(self, name: impl Display, file: BorrowedFd<'_>) -> Result<bool> {
        is_held(file, self.byte(), Hold::Exclusive).map_err(|error| Error::system("ask for locks on", name, error))
    }

    /// The byte that stands for the role; a ticket's is the first of its slot.
    fn byte(self) -> u64 {
        match self {
            Self::Present => 0,
            Self::Coordinator => 1,
            Self::Remover => 2,
            Self::Ticket(ticket) => {
                Extent::SLOTS_AT as u64 + u64::from(ticket.saturating_sub(1)) * size_of::<Slot>() as u64
            }
        }
    }
}

impl super::Segment {
    /// Makes this process the one that works under the ticket, unless a live one does.
    pub(crate) fn try_take_ticket(&self, ticket: u32) -> Result<bool> {
        let is_taken = Role::Ticket(ticket).try_take(&self.name, self.file())?;
        if is_taken {
            self.tickets.borrow_mut().insert(ticket);
        }
        Ok(is_taken)
    }

    /// Whether the ticket was taken through this very attachment.
    pub(crate) fn has_taken(&self, ticket: u32) -> bool {
        self.tickets.borrow().contains(&ticket)
    }
}
