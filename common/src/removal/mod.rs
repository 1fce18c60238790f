//! Removal: only of the very segment that was looked at, and by one remover at a time.
//!
//! `unlink` goes by name. Every remover holds the remover's role on the file that it looked at, and then checks that the name
//! still stands for that file. No other remover can have removed the name, and creators never replace a file, so the name
//! cannot stand for another segment.

mod debris;
mod marked;

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::fs::{CWD, OFlags};

pub use debris::remove_creation_debris;
pub use marked::remove_marked;

use crate::inspection::{RunState, inspect};
use crate::name::SegmentName;
use crate::segment::{AttachError, Role, Segment, verify};
use crate::sys::role_file::RoleFile;
use crate::system_error::SystemError;

/// How often a role that is held is tried, and the pause in between.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(1);

/// When a segment may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// When nobody is attached.
    Unattached,
    /// When nobody is attached and the coordinator of its run died.
    Stale,
    /// Always, even when its header is damaged or of another version.
    Always,
}

/// The result of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The name is gone.
    Removed,
    /// Nothing was done: the name was gone, or stands for another segment by now.
    NotOurs,
}

/// Why a segment is not removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoveError {
    /// Live processes are attached.
    #[error("segment \"{name}\" is in use{by}")]
    InUse {
        /// The segment.
        name: SegmentName,
        /// The processes, as the end of a sentence; may be empty.
        by: String,
    },
    /// It cannot be opened, or must not be used.
    #[error(transparent)]
    Unavailable(#[from] AttachError),
    /// The system refused.
    #[error(transparent)]
    System(#[from] SystemError),
}

/// Unlinks this very segment. Attached processes keep their mapping until they detach.
///
/// # Errors
/// [`SystemError`] if the system refuses, and in a forked child of the process that attached ([`ForkError`](crate::ForkError)): the name is not
/// the child's to take away.
pub fn unlink(segment: &Segment) -> Result<Removal, SystemError> {
    segment.must_be_attached_here()?;
    unlink_file(segment.name(), segment.file()?)
}

/// Removes the segment of that name if the condition holds; never a file that is not ours.
///
/// # Errors
/// [`RemoveError::InUse`] if processes are attached; [`RemoveError::Unavailable`] if there is no such segment, if it is not
/// stale any more, or if it must not be used; [`RemoveError::System`] if the system refuses.
pub fn remove(name: &SegmentName, condition: Condition) -> Result<(), RemoveError> {
    let file = verify::open(name, OFlags::RDWR)?;
    match verify::verify(name, file.as_fd(), verify::PATIENCE) {
        Err(AttachError::NotReady { .. }) if condition != Condition::Stale => {}
        Err(AttachError::Refused { .. }) if condition == Condition::Always && is_plain_and_ours(file.as_fd()) => {}
        verified => drop(verified?),
    }
    if condition != Condition::Always && !becomes(Role::Present, name, &file)? {
        return Err(RemoveError::InUse { name: name.clone(), by: attached(name) });
    }
    let no_segment = || AttachError::NoSegment { name: name.clone() };
    // Checked again: nobody else can attach now and change it.
    if condition == Condition::Stale {
        let verified = verify::verify(name, file.as_fd(), Duration::ZERO)?;
        if RunState::read(name, file.as_fd(), &verified.terms, verified.header.header())? != RunState::Stale {
            return Err(no_segment().into());
        }
    }
    match unlink_file(name, &file)? {
        Removal::Removed => Ok(()),
        Removal::NotOurs => Err(no_segment().into()),
    }
}

/// Takes the role exclusively, for as long as the file is open. Returns whether it succeeded within a moment.
///
/// Between fork and exec a process shares its descriptors with its child, so a role may outlive its holder for a moment.
fn becomes(role: Role, name: &SegmentName, file: &RoleFile) -> Result<bool, SystemError> {
    for _ in 0..ATTEMPTS {
        if role.try_take(name, file)? {
            return Ok(true);
        }
        std::thread::sleep(PAUSE);
    }
    Ok(false)
}

fn unlink_file(name: &SegmentName, file: &RoleFile) -> Result<Removal, SystemError> {
    if !becomes(Role::Remover, name, file)? {
        return Ok(Removal::NotOurs);
    }
    let system = |error| SystemError::new("remove segment", name, error);
    let ours = rustix::fs::fstat(file).map_err(system)?;
    let named = rustix::fs::statat(CWD, name.path(), rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
    if !named.is_ok_and(|named| (named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino)) {
        return Ok(Removal::NotOurs);
    }
    match rustix::shm::unlink(name.as_str()) {
        Ok(()) => Ok(Removal::Removed),
        Err(rustix::io::Errno::NOENT) => Ok(Removal::NotOurs),
        Err(error) => Err(system(error)),
    }
}

fn is_plain(file: BorrowedFd<'_>) -> bool {
    rustix::fs::fstat(file).is_ok_and(|stat| verify::plain_file(&stat).is_ok())
}

fn is_plain_and_ours(file: BorrowedFd<'_>) -> bool {
    is_plain(file) && verify::has_our_magic(file)
}

/// The attached processes, as the end of a sentence.
fn attached(name: &SegmentName) -> String {
    let Ok((snapshot, _)) = inspect(name) else { return String::new() };
    let coordinator =
        snapshot.coordinator.filter(|_| snapshot.has_coordinator).map(|pid| format!("the coordinator (pid {pid})"));
    let workers = snapshot.workers.iter().filter(|worker| worker.alive);
    let workers = workers.map(|worker| format!("Process-{} (pid {})", worker.ticket, worker.pid));
    let all: Vec<String> = coordinator.into_iter().chain(workers).take(6).collect();
    if all.is_empty() { " by a process without a ticket".to_owned() } else { format!(" by {}", all.join(", ")) }
}
