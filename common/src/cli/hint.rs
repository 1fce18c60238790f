//! Exit codes and next steps, from the cause of an error.

use std::io;

use super::exit_code;
use super::nearest::{nearest, question};
use crate::error::Error;
use crate::ledger::{CommitError, TicketError};
use crate::lock::LockError;
use crate::name::{FOLDER, SegmentName};
use crate::removal::RemoveError;
use crate::segment::{AttachError, CreateError, ForkError};
use crate::system_error::SystemError;

/// The exit code for an error.
#[must_use]
pub fn exit_code(error: &Error) -> u8 {
    match error {
        Error::Create(CreateError::Terms { .. }) | Error::Commit(CommitError::Unfit { .. }) => exit_code::USAGE,
        Error::Attach(error) | Error::Remove(RemoveError::Unavailable(error)) => attach_code(error),
        Error::Lock(LockError::Busy { .. }) => exit_code::TIMEOUT,
        Error::Lock(LockError::Deadlock { .. } | LockError::Damaged(_))
        | Error::Ticket(TicketError::Damaged(_))
        | Error::Commit(CommitError::OtherMode { .. } | CommitError::Damaged(_)) => exit_code::FOREIGN,
        Error::Ticket(TicketError::NoFreeSlot { .. } | TicketError::NothingLeft { .. }) => exit_code::NOTHING_TO_DO,
        Error::Commit(CommitError::Superseded { .. } | CommitError::NoRoom { .. }) => exit_code::INCOMPLETE,
        Error::Commit(CommitError::Overflow { .. }) => exit_code::OVERFLOW,
        Error::Create(_)
        | Error::Lock(LockError::Forked(_))
        | Error::Remove(RemoveError::InUse { .. } | RemoveError::System(_))
        | Error::Ticket(TicketError::Held { .. } | TicketError::Forked(_) | TicketError::System(_))
        | Error::Commit(CommitError::Forked(_) | CommitError::System(_))
        | Error::System(_) => exit_code::UNAVAILABLE,
    }
}

fn attach_code(error: &AttachError) -> u8 {
    match error {
        AttachError::NoSegment { .. }
        | AttachError::Permission { .. }
        | AttachError::BeingRemoved { .. }
        | AttachError::Forked(_)
        | AttachError::System(_) => exit_code::UNAVAILABLE,
        AttachError::NotReady { .. }
        | AttachError::Refused { .. }
        | AttachError::OtherType { .. }
        | AttachError::Damaged(_) => exit_code::FOREIGN,
    }
}

/// The next step after an error, where there is one.
#[must_use]
pub fn hint(error: &Error) -> Option<String> {
    match error {
        Error::Create(CreateError::Exists { name }) => {
            Some(format!("look at it: coordinator status {name}; or take another name"))
        }
        Error::Create(CreateError::Permission { .. }) => Some(format!("see who may write there: ls -ld {FOLDER}")),
        Error::Create(CreateError::System(error))
        | Error::Remove(RemoveError::System(error))
        | Error::Ticket(TicketError::System(error))
        | Error::System(error) => after_system_error(error),
        Error::Attach(error) | Error::Remove(RemoveError::Unavailable(error)) => after_attaching(error),
        Error::Remove(RemoveError::InUse { name, .. }) => Some(in_use(name)),
        Error::Ticket(TicketError::NoFreeSlot { .. }) => Some("create segments with more room: --slots N".to_owned()),
        Error::Commit(error) => after_commit(error),
        Error::Lock(LockError::Damaged(_)) => Some(damaged()),
        Error::Lock(LockError::Forked(error)) | Error::Ticket(TicketError::Forked(error)) => Some(after_fork(error)),
        Error::Create(CreateError::Terms { .. }) | Error::Ticket(_) | Error::Lock(_) => None,
    }
}

fn after_attaching(error: &AttachError) -> Option<String> {
    match error {
        AttachError::NoSegment { name } => Some(existing_segments(name)),
        AttachError::Permission { name } => Some(format!("see who owns it: ls -l {}", name.path().display())),
        AttachError::BeingRemoved { name } => Some(in_use(name)),
        AttachError::Refused { name, .. } => {
            Some(format!("look at it: ls -l {0}; if nobody needs it: rm {0}", name.path().display()))
        }
        AttachError::NotReady { name } => Some(format!("try again; if its creator is dead: coordinator remove {name}")),
        AttachError::Damaged(_) => Some(damaged()),
        AttachError::Forked(error) => Some(after_fork(error)),
        AttachError::System(error) => after_system_error(error),
        AttachError::OtherType { .. } => None,
    }
}

fn after_commit(error: &CommitError) -> Option<String> {
    match error {
        CommitError::Overflow { kind: "i32", .. } => {
            Some("use a wider type (--type i64), or let the value wrap (--overflow wrap)".to_owned())
        }
        CommitError::Overflow { kind: "128 bits", .. } => {
            Some("each worker's sum must fit into 128 bits: use smaller numbers, or fractions (--type f64)".to_owned())
        }
        CommitError::Overflow { .. } => Some("let the value wrap (--overflow wrap)".to_owned()),
        CommitError::Unfit { .. } => {
            Some("fractions need --type f64; the number of cells is the kernel's: --cells N".to_owned())
        }
        CommitError::Damaged(_) => Some(damaged()),
        CommitError::Forked(error) => Some(after_fork(error)),
        CommitError::System(error) => after_system_error(error),
        CommitError::NoRoom { .. } => {
            Some("repair what failed, and resume the run: it tries these ranges again".to_owned())
        }
        CommitError::Superseded { .. } | CommitError::OtherMode { .. } => None,
    }
}

fn after_fork(error: &ForkError) -> String {
    match error {
        ForkError::Inherited { .. } | ForkError::LockOfParent { .. } => {
            "end a forked child with _exit, before it returns from the kernel; or attach in it, by the name".to_owned()
        }
        _ => "attach in the child, by the name".to_owned(),
    }
}

fn after_system_error(error: &SystemError) -> Option<String> {
    let is_full = error.source.kind() == io::ErrorKind::StorageFull;
    is_full.then(|| format!("make room (df -h {FOLDER}), or ask for less: --slots N"))
}

fn in_use(name: &SegmentName) -> String {
    format!("stop it: coordinator stop {name}; or remove it anyway: coordinator remove --force {name}")
}

fn damaged() -> String {
    "nothing more is added to it; remove it: coordinator remove --force NAME".to_owned()
}

/// The existing segments, the most similar name first; or how to create one.
fn existing_segments(name: &SegmentName) -> String {
    let existing = crate::list().unwrap_or_default();
    let mut names: Vec<&str> = existing.iter().map(|segment| segment.name.as_str()).collect();
    if names.is_empty() {
        return format!("create it: coordinator create {name}");
    }
    let near = nearest(name.as_str(), names.iter().copied());
    names.sort_by_key(|name| Some(*name) != near);
    format!("{}running now: {}; or create it: coordinator create {name}", question(near), names.join(", "))
}
