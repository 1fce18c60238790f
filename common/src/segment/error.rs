//! Why a segment cannot be created or attached to.

use rustix::io::Errno;

use super::inherited::ForkError;
use super::no_room::NoRoom;
use crate::name::SegmentName;
use crate::redo::Damage;
use crate::system_error::{SystemError, debug_as_display};
use crate::terms::InvalidTerms;

/// Why a segment cannot be created.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// Something has the name already.
    #[error("segment \"{name}\" exists already")]
    Exists {
        /// The name.
        name: SegmentName,
    },
    /// The system does not permit it.
    #[error("no permission to create segment \"{name}\"")]
    Permission {
        /// The segment.
        name: SegmentName,
    },
    /// No segment can have these terms.
    #[error("invalid terms for a segment: {what}")]
    Terms {
        /// The term that makes no sense.
        what: InvalidTerms,
    },
    /// This process's PID namespace is unknown.
    #[error(
        "cannot create segment \"{name}\": this process's PID namespace is unknown: cannot read {}: {cause}",
        super::namespace::FILE
    )]
    UnknownNamespace {
        /// The segment.
        name: SegmentName,
        /// Why it cannot be read.
        cause: Errno,
    },
    /// There is no room in `/dev/shm`, or no `/dev/shm` to write into.
    #[error("cannot create segment \"{name}\": {why}")]
    NoRoom {
        /// The segment.
        name: SegmentName,
        /// What is missing.
        why: NoRoom,
    },
    /// The system refused: memory or descriptors are missing.
    #[error(transparent)]
    System(#[from] SystemError),
}

/// Why a segment cannot be attached to.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// Nothing has the name.
    #[error("no segment \"{name}\"")]
    NoSegment {
        /// The name.
        name: SegmentName,
    },
    /// The system does not permit it.
    #[error("no permission to open segment \"{name}\"")]
    Permission {
        /// The segment.
        name: SegmentName,
    },
    /// The creator has not published it.
    #[error("segment \"{name}\" is not ready: its creator has not published it")]
    NotReady {
        /// The segment.
        name: SegmentName,
    },
    /// A remover holds it.
    #[error("segment \"{name}\" is in use: it is being removed")]
    BeingRemoved {
        /// The segment.
        name: SegmentName,
    },
    /// It must not be attached to.
    #[error("\"{name}\" is not a segment that this program can use: {why}")]
    Refused {
        /// The name.
        name: SegmentName,
        /// The reason.
        why: Refusal,
    },
    /// It holds something else than was asked for.
    #[error("segment \"{name}\" holds {found}, not {wanted}")]
    OtherType {
        /// The segment.
        name: SegmentName,
        /// What it holds.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// It is damaged beyond what a crash can do.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// This process is a forked child of the one that attached.
    #[error(transparent)]
    Forked(#[from] ForkError),
    /// The system refused.
    #[error(transparent)]
    System(#[from] SystemError),
}

/// Why a file in `/dev/shm` must not be attached to.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It is a FIFO, a directory, a link or a device.
    #[error("it is {0}, not a regular file")]
    Kind(&'static str),
    /// Another user owns it.
    #[error("it belongs to user {0}")]
    Owner(u32),
    /// Other users may read or write it.
    #[error("its permissions are {0:03o} and must be 600")]
    Permissions(u32),
    /// It has more than one name.
    #[error("it has {0} names (hard links)")]
    Links(u64),
    /// Its size is not the one that its header asks for.
    #[error("its size is {found} bytes, not {expected}")]
    Size {
        /// Its size in bytes.
        found: u64,
        /// The size that it should have.
        expected: String,
    },
    /// It does not begin as segments do.
    #[error("it does not begin as a segment does")]
    Magic,
    /// Another version of the layout.
    #[error("it has layout version {found}, and this program knows {known}")]
    Version {
        /// Its version.
        found: u32,
        /// Our version.
        known: u32,
    },
    /// A build with another memory layout made it.
    #[error("it was made by a build with another memory layout")]
    Layout,
    /// Another C library made its mutex.
    #[error("it was made with another C library")]
    CLibrary,
    /// This process's PID namespace is unknown, so nobody can tell whether it is that of the segment.
    #[error("this process's PID namespace is unknown: cannot read {file}: {0}", file = super::namespace::FILE)]
    UnknownNamespace(Errno),
    /// It was made in another PID namespace.
    #[error("it was made in another PID namespace (container), where process ids mean other processes")]
    PidNamespace,
    /// Its header was changed.
    #[error("its header is damaged (checksum)")]
    Checksum,
    /// One of its terms makes no sense.
    #[error("its header is damaged ({0})")]
    Terms(&'static str),
    /// Its mutex is of another kind, or its owner does not exist.
    #[error("its lock is damaged")]
    Mutex,
}

debug_as_display!(CreateError, AttachError, Refusal);
