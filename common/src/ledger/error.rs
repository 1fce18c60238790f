//! Why a ticket cannot be taken, and why a contribution is not applied.

use crate::name::SegmentName;
use crate::redo::Damage;
use crate::segment::ForkError;
use crate::system_error::{SystemError, debug_as_display};
use crate::value::{Number, shape};

/// Why a worker gets no ticket.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum TicketError {
    /// The ledger is full.
    #[error("no free slot in segment \"{name}\": all {slots} are taken")]
    NoFreeSlot {
        /// The segment.
        name: SegmentName,
        /// How many slots it has.
        slots: u32,
    },
    /// The run wants no more contributions.
    #[error("nothing left to do in segment \"{name}\": {why}")]
    NothingLeft {
        /// The segment.
        name: SegmentName,
        /// The reason.
        why: &'static str,
    },
    /// A live process has the ticket.
    #[error("ticket {ticket} of segment \"{name}\" belongs to a live worker")]
    Held {
        /// The segment.
        name: SegmentName,
        /// The ticket.
        ticket: u32,
    },
    /// The ledger is damaged beyond what a crash can do.
    #[error(transparent)]
    Damaged(Damage),
    /// This process is a forked child, and what it wants to use is its parent's.
    #[error(transparent)]
    Forked(#[from] ForkError),
    /// The kernel cannot be asked which processes live.
    #[error(transparent)]
    System(#[from] SystemError),
}

/// Why a contribution is not applied. The ledger is unchanged.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Another process has taken the ticket over.
    #[error("ticket {ticket} was given to another worker; nothing is added")]
    Superseded {
        /// The ticket.
        ticket: u32,
    },
    /// The sum does not fit.
    #[error("overflow: adding {contribution} to {value} does not fit into {kind}")]
    Overflow {
        /// The contribution.
        contribution: Number,
        /// The value before it.
        value: Number,
        /// The value's type.
        kind: &'static str,
    },
    /// The contribution has another shape than the value.
    #[error("{contribution} is no contribution to {}: {}", shape(*cells, kind), misfit(*cells))]
    Unfit {
        /// The contribution.
        contribution: String,
        /// The value's type.
        kind: &'static str,
        /// How many cells it has.
        cells: u32,
    },
    /// No more ranges can be set aside.
    #[error("no room to set {start}..{end} aside: {most} ranges are", most = crate::layout::SET_ASIDE)]
    NoRoom {
        /// The first iteration.
        start: u64,
        /// One more than the last iteration.
        end: u64,
    },
    /// The run is of another mode.
    #[error("segment \"{name}\" holds a run of mode {found}, not one of mode {wanted}")]
    OtherMode {
        /// The segment.
        name: SegmentName,
        /// Its mode.
        found: &'static str,
        /// The mode for such a commit.
        wanted: &'static str,
    },
    /// The ledger is damaged beyond what a crash can do.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// This process is a forked child, and what it wants to use is its parent's.
    #[error(transparent)]
    Forked(#[from] ForkError),
    /// The kernel cannot be asked which processes live.
    #[error(transparent)]
    System(#[from] SystemError),
}

debug_as_display!(TicketError, CommitError);

/// The result of a step of a commit: one word for the error, so that results stay in registers.
pub(super) type Step<T> = Result<T, Box<CommitError>>;

impl From<Box<Self>> for CommitError {
    fn from(error: Box<Self>) -> Self {
        *error
    }
}

impl From<Box<Damage>> for CommitError {
    fn from(damage: Box<Damage>) -> Self {
        Self::Damaged(*damage)
    }
}

impl From<Box<Damage>> for Box<CommitError> {
    fn from(damage: Box<Damage>) -> Self {
        Self::new(CommitError::Damaged(*damage))
    }
}

impl From<ForkError> for Box<CommitError> {
    fn from(error: ForkError) -> Self {
        Self::new(CommitError::Forked(error))
    }
}

impl From<SystemError> for Box<CommitError> {
    fn from(error: SystemError) -> Self {
        Self::new(CommitError::System(error))
    }
}

fn misfit(cells: u32) -> &'static str {
    if cells == 1 { "it must be one number of that type" } else { "it must be a number of that type for each cell" }
}
