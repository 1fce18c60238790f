//! The errors of segments and ledgers: each names the thing and the value, and knows its exit code and its next step.

use std::fmt;
use std::io;

use crate::exit_code;
use crate::ledger::LockHolder;
use crate::name::{FOLDER, SegmentName};
use crate::nearest::what_there_is;
use crate::value::Number;

/// What went wrong with a segment or its ledger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing has that name.
    #[error("no segment \"{name}\"")]
    NoSegment {
        /// The name that was asked for.
        name: SegmentName,
        /// The segments that there are.
        running: Vec<SegmentName>,
    },
    /// Something has that name already.
    #[error("segment \"{name}\" exists already{state}")]
    Exists {
        /// The name that was wanted.
        name: SegmentName,
        /// What is known of the one that has it, as the end of a sentence.
        state: &'static str,
        /// Whether nobody is left to finish it.
        stale: bool,
    },
    /// The system forbids it.
    #[error("no permission to {doing} segment \"{name}\"")]
    Permission {
        /// The segment.
        name: SegmentName,
        /// What was tried.
        doing: &'static str,
    },
    /// Live processes are attached.
    #[error("segment \"{name}\" is in use{by}")]
    InUse {
        /// The segment.
        name: SegmentName,
        /// By whom, as the end of a sentence.
        by: String,
    },
    /// It must not be attached to.
    #[error("\"{name}\" is not a segment that this program can use: {why}")]
    Refused {
        /// The name.
        name: SegmentName,
        /// The reason.
        why: Refusal,
    },
    /// Its creator has not published it.
    #[error("segment \"{name}\" is not ready: its creator has not published it")]
    NotReady {
        /// The segment.
        name: SegmentName,
    },
    /// The ledger is full.
    #[error("no free slot in segment \"{name}\": all {slots} are taken")]
    NoFreeSlot {
        /// The segment.
        name: SegmentName,
        /// How many it has.
        slots: u32,
    },
    /// The run wants no more contributions.
    #[error("nothing left to do in segment \"{name}\": {why}")]
    NothingLeft {
        /// The segment.
        name: SegmentName,
        /// What the run came to.
        why: &'static str,
    },
    /// A live process has the ticket.
    #[error("ticket {ticket} of segment \"{name}\" belongs to a live worker")]
    TicketHeld {
        /// The segment.
        name: SegmentName,
        /// The ticket.
        ticket: u32,
    },
    /// Another process has taken the ticket over.
    #[error("ticket {ticket} was given to another worker; nothing is added")]
    Superseded {
        /// The ticket.
        ticket: u32,
    },
    /// The contribution does not fit.
    #[error("overflow: adding {contribution} to {value} does not fit into {kind}")]
    Overflow {
        /// What was to be added.
        contribution: Number,
        /// The value that it was to be added to.
        value: Number,
        /// The value's type.
        kind: &'static str,
    },
    /// The contribution is not one for this value.
    #[error("{contribution} is no contribution to {}: {}", shape(*cells, kind), misfit(*cells))]
    Unfit {
        /// What was to be added.
        contribution: String,
        /// The value's type.
        kind: &'static str,
        /// How many cells it has.
        cells: u32,
    },
    /// The segment holds something else than was asked for.
    #[error("segment \"{name}\" holds {found}, not {wanted}")]
    OtherType {
        /// The segment.
        name: SegmentName,
        /// What it holds.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// The lock was not to be had in time.
    #[error("the lock is busy{}", holder.as_ref().map(|holder| format!(": {holder}")).unwrap_or_default())]
    Busy {
        /// Who has it, where that can be told.
        holder: Option<LockHolder>,
    },
    /// The lock is held by the thread that asks for it, which would wait for itself; if it never took it, it is damaged.
    #[error("the lock of segment \"{name}\" is held by this very thread")]
    Deadlock {
        /// The segment.
        name: SegmentName,
    },
    /// The lock or the ledger is damaged beyond what a crash can do.
    #[error("the segment is damaged: {what}")]
    Damaged {
        /// What is wrong.
        what: String,
    },
    /// No segment can be made for the terms.
    #[error("no segment can be made for such terms: {what}")]
    Terms {
        /// What makes no sense.
        what: &'static str,
    },
    /// A call to the system failed.
    #[error("cannot {doing} \"{name}\": {source}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// On what.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Why what has a name must not be attached to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It is a FIFO, a directory, a link or a device.
    #[error("it is {0}, not a regular file")]
    Kind(&'static str),
    /// Another user owns it.
    #[error("it belongs to user {0}")]
    Owner(u32),
    /// Others may read or write it.
    #[error("its permissions are {0:03o} and must be 600")]
    Permissions(u32),
    /// It has more than one name.
    #[error("it has {0} names (hard links)")]
    Links(u64),
    /// It is too short, too long, or not as long as its header says.
    #[error("its size is {found} bytes, not {expected}")]
    Size {
        /// Its size.
        found: u64,
        /// What its size should be.
        expected: String,
    },
    /// It does not begin as segments do.
    #[error("it does not begin as a segment does")]
    Magic,
    /// Another version made it.
    #[error("it has layout version {found}, and this program knows {known}")]
    Version {
        /// Its version.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// Another build with another layout made it.
    #[error("it was made by a build with another memory layout")]
    Layout,
    /// Another C library made its mutex.
    #[error("it was made with another C library")]
    CLibrary,
    /// It was made in another PID namespace.
    #[error("it was made in another PID namespace (container), where process ids mean other processes")]
    PidNamespace,
    /// Its header was changed.
    #[error("its header is damaged (checksum)")]
    Checksum,
    /// Its terms make no sense.
    #[error("its header is damaged ({0})")]
    Terms(&'static str),
    /// Its mutex is no mutex, or held by nobody who lives.
    #[error("its lock is damaged")]
    Mutex,
}

/// The result of what may fail with an [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The exit code that this error ends a program with.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoSegment { .. }
            | Self::Exists { .. }
            | Self::Permission { .. }
            | Self::InUse { .. }
            | Self::System { .. }
            | Self::TicketHeld { .. } => exit_code::UNAVAILABLE,
            Self::OtherType { .. }
            | Self::Refused { .. }
            | Self::NotReady { .. }
            | Self::Damaged { .. }
            | Self::Deadlock { .. } => exit_code::FOREIGN,
            Self::NoFreeSlot { .. } | Self::NothingLeft { .. } => exit_code::NOTHING_TO_DO,
            Self::Superseded { .. } => exit_code::INCOMPLETE,
            Self::Busy { .. } => exit_code::TIMEOUT,
            Self::Overflow { .. } => exit_code::OVERFLOW,
            Self::Terms { .. } | Self::Unfit { .. } => exit_code::USAGE,
        }
    }

    /// The next step, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoSegment { name, running } if running.is_empty() => {
                Some(format!("create it: coordinator create {name}"))
            }
            Self::NoSegment { name, running } => Some(what_there_is(name, running)),
            Self::Exists { name, stale: true, .. } => {
                Some(format!("finish it: coordinator resume {name}; or remove it: coordinator remove {name}"))
            }
            Self::Exists { name, .. } => Some(format!("look at it: coordinator status {name}; or take another name")),
            Self::Permission { doing: "create", .. } => Some(format!("see who may write there: ls -ld {FOLDER}")),
            Self::Permission { name, .. } => Some(format!("see who owns it: ls -l {}", name.path().display())),
            Self::InUse { name, .. } => Some(format!(
                "stop it: coordinator stop {name}; or remove it all the same: coordinator remove --force {name}"
            )),
            Self::Refused { name, .. } => {
                Some(format!("look at it: ls -l {0}; if nobody needs it: rm {0}", name.path().display()))
            }
            Self::NotReady { name } => Some(format!("try again; if its creator is dead: coordinator remove {name}")),
            Self::NoFreeSlot { .. } => Some("create segments with more room: --slots N".to_owned()),
            Self::Overflow { kind: "i32", .. } => {
                Some("use a wider type (--type i64), or let the value wrap (--overflow wrap)".to_owned())
            }
            Self::Unfit { .. } => {
                Some("fractions need --type f64; the number of cells is the kernel's: --cells N".to_owned())
            }
            Self::Overflow { .. } => Some("let the value wrap (--overflow wrap)".to_owned()),
            Self::System { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some(format!("make room (df -h {FOLDER}), or ask for less: --slots N"))
            }
            Self::Damaged { .. } => {
                Some("nothing more is added to it; remove it: coordinator remove --force NAME".to_owned())
            }
            _ => None,
        }
    }

    /// Wraps what the system said.
    pub(crate) fn system(doing: &'static str, name: impl fmt::Display, source: impl Into<io::Error>) -> Self {
        Self::System { doing, name: name.to_string(), source: source.into() }
    }
}

/// What a segment holds, as messages put it.
pub(crate) fn shape(cells: u32, kind: &str) -> String {
    if cells == 1 { format!("a value of type {kind}") } else { format!("an array of {cells} cells of type {kind}") }
}

fn misfit(cells: u32) -> &'static str {
    if cells == 1 { "it must be one number of that type" } else { "it must be a number of that type for each cell" }
}
