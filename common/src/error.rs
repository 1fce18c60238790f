//! All errors of this library in one type, for programs that treat them alike.

use crate::ledger::{CommitError, TicketError};
use crate::lock::LockError;
use crate::removal::RemoveError;
use crate::segment::{AttachError, CreateError};
use crate::system_error::{SystemError, debug_as_display};

/// Any error of this library.
#[derive(thiserror::Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum Error {
    /// A segment cannot be created.
    Create(#[from] CreateError),
    /// A segment cannot be attached to or read.
    Attach(#[from] AttachError),
    /// The lock is not acquired.
    Lock(#[from] LockError),
    /// A worker gets no ticket.
    Ticket(#[from] TicketError),
    /// A contribution is not applied.
    Commit(#[from] CommitError),
    /// A segment is not removed.
    Remove(#[from] RemoveError),
    /// The system refused.
    System(#[from] SystemError),
}

debug_as_display!(Error);

/// The result of an operation that fails with an [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
