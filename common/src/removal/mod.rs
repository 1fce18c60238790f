//! Removal: only of the very segment that was looked at, and by one remover at a time.
//!
//! `unlink` goes by name. Every remover holds the remover's role on the file that it looked at, and then checks that the name
//! still stands for that file. No other remover can have removed the name, and creators never replace a file, so the name
//! cannot stand for another segment.

mod debris;
mod marked;
mod truncated;

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, OFlags};
use rustix::io::Errno;

pub use debris::remove_creation_debris;
pub use marked::remove_marked;
pub use truncated::remove_when_truncated;

use crate::attachments::Attachments;
use crate::clock::BootTime;
use crate::failpoint::Failpoint;
use crate::inspection::{RunState, inspect};
use crate::name::SegmentName;
use crate::process;
use crate::segment::verify::{self, file_id};
use crate::segment::{AttachError, ForkError, Role, Segment};
use crate::sys::role_file::RoleFile;
use crate::system_error::{SystemError, debug_as_display};
use crate::terms::Mode;

/// How many attached processes an error names.
const MOST_NAMED: usize = 6;

/// How long another remover of the same segment may take, and how often to look.
const PATIENCE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(1);

/// When a segment may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// When nobody is attached.
    Unattached,
    /// When nobody is attached and the coordinator of its run died, or it is of another PID namespace: if it
    /// [is left behind](RunState::is_left_behind).
    Stale,
    /// When it is a value that programs share, and nobody is attached.
    Unused,
    /// Always, even when its header is damaged or of another version, or when something has cut it to nothing.
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
#[derive(thiserror::Error)]
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
    /// Another process is removing it, and does not come to an end.
    #[error("segment \"{name}\" is still there: it is being removed by {by}")]
    OtherRemover {
        /// The segment.
        name: SegmentName,
        /// That process, and its state.
        by: String,
    },
    /// It cannot be opened, or must not be used.
    #[error(transparent)]
    Unavailable(#[from] AttachError),
    /// This process is a forked child, and the segment is its parent's.
    #[error(transparent)]
    Forked(#[from] ForkError),
    /// The system refused.
    #[error(transparent)]
    System(#[from] SystemError),
}

debug_as_display!(RemoveError);

/// Unlinks this very segment. Attached processes keep their mapping until they detach.
///
/// # Errors
/// [`RemoveError::OtherRemover`] if another process is about to, and does not; [`RemoveError::System`] if the system refuses;
/// [`RemoveError::Forked`] in a forked child of the process that attached: the name is not the child's to take away.
pub fn unlink(segment: &Segment) -> Result<Removal, RemoveError> {
    segment.must_be_attached_here()?;
    // The kernel tells removers apart by their descriptions, and not the threads that share one.
    let _turn = segment.take_turn();
    unlink_file(segment.name(), segment.file()?)
}

/// Removes the segment of that name if the condition holds; never a file that is not ours.
///
/// # Errors
/// [`RemoveError::InUse`] if processes are attached; [`RemoveError::OtherRemover`] if another process is about to remove it, and
/// does not; [`RemoveError::Unavailable`] if there is no such segment, if it does not meet the condition any more, or if it must
/// not be used; [`RemoveError::System`] if the system refuses.
pub fn remove(name: &SegmentName, condition: Condition) -> Result<(), RemoveError> {
    let file = verify::open(name, OFlags::RDWR)?;
    match verify::verify(name, file.as_fd(), verify::PATIENCE) {
        Err(AttachError::NotReady { .. }) if matches!(condition, Condition::Unattached | Condition::Always) => {}
        Err(AttachError::Refused { .. }) if condition == Condition::Always && may_be_forced(file.as_fd()) => {}
        verified => drop(verified?),
    }
    if condition != Condition::Always && !Role::Present.take_patiently(name, &file)? {
        return Err(RemoveError::InUse { name: name.clone(), by: attached(name, file.as_fd()) });
    }
    let no_segment = || AttachError::NoSegment { name: name.clone() };
    // Checked again: nobody else can attach now and change it.
    if matches!(condition, Condition::Stale | Condition::Unused) {
        let verified = verify::verify(name, file.as_fd(), Duration::ZERO)?;
        let state = RunState::read(name, file.as_fd(), &verified.terms, verified.header.header())?;
        let holds = match condition {
            Condition::Unused => verified.terms.mode == Mode::Shared,
            _ => state.is_left_behind(&verified.terms),
        };
        if !holds {
            return Err(no_segment().into());
        }
    }
    match unlink_file(name, &file)? {
        Removal::Removed => Ok(()),
        Removal::NotOurs => Err(no_segment().into()),
    }
}

fn unlink_file(name: &SegmentName, file: &RoleFile) -> Result<Removal, RemoveError> {
    let began = Instant::now();
    while !Role::Remover.try_take(name, file)? {
        // Another remover has looked at this file, too: it removes the name, or finds that it may not.
        if !stands_for(name, file)? {
            return Ok(Removal::NotOurs);
        }
        if began.elapsed() >= PATIENCE {
            return Err(RemoveError::OtherRemover { name: name.clone(), by: removers(file) });
        }
        std::thread::sleep(PAUSE);
    }
    Failpoint::Removing.reach();
    if !stands_for(name, file)? {
        return Ok(Removal::NotOurs);
    }
    match rustix::shm::unlink(name.as_str()) {
        Ok(()) => Ok(Removal::Removed),
        Err(Errno::NOENT) => Ok(Removal::NotOurs),
        Err(error) => Err(SystemError::new("remove segment", name, error).into()),
    }
}

/// Whether the name stands for this file.
fn stands_for(name: &SegmentName, file: impl AsFd) -> Result<bool, SystemError> {
    let system = |error| SystemError::new("look at segment", name, error);
    let ours = file_id(file).map_err(system)?;
    match rustix::fs::statat(CWD, name.path(), AtFlags::SYMLINK_NOFOLLOW) {
        Ok(named) => Ok((named.st_dev, named.st_ino) == ours),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(system(error)),
    }
}

/// The processes that have the remover's role in this file, and what they do.
fn removers(file: impl AsFd) -> String {
    let Ok(file) = file_id(file) else { return "another process".to_owned() };
    let removers = Attachments::on(&[file]).with_role(file, Role::Remover);
    let removers = removers.iter().map(|pid| format!("pid {pid}, {}", process::look(*pid, BootTime::now())));
    let removers: Vec<String> = removers.collect();
    if removers.is_empty() { "a process that cannot be seen from here".to_owned() } else { removers.join(" and ") }
}

fn is_plain(file: BorrowedFd<'_>) -> bool {
    rustix::fs::fstat(file).is_ok_and(|stat| verify::plain_file(&stat).is_ok())
}

/// Whether the file may be removed although it is no sound segment: it begins as one, or it has no byte that anybody could miss.
fn may_be_forced(file: BorrowedFd<'_>) -> bool {
    let is_empty = rustix::fs::fstat(file).is_ok_and(|stat| stat.st_size == 0);
    is_plain(file) && (is_empty || verify::has_our_magic(file))
}

/// Whether [`Condition::Always`] removes what has that name.
#[cfg(feature = "cli")]
pub(crate) fn can_be_forced(name: &SegmentName) -> bool {
    verify::open(name, OFlags::RDONLY).is_ok_and(|file| may_be_forced(file.as_fd()))
}

/// The attached processes, as the end of a sentence.
fn attached(name: &SegmentName, file: BorrowedFd<'_>) -> String {
    let Ok((snapshot, _)) = inspect(name) else { return String::new() };
    if !snapshot.is_here {
        return " in another PID namespace (container)".to_owned();
    }
    let coordinator =
        snapshot.coordinator.filter(|_| snapshot.has_coordinator).map(|pid| format!("the coordinator (pid {pid})"));
    let workers = snapshot.workers.iter().filter(|worker| worker.alive);
    let workers = workers.map(|worker| format!("Process-{} (pid {})", worker.ticket, worker.pid));
    let mut all: Vec<String> = coordinator.into_iter().chain(workers).take(MOST_NAMED).collect();
    if all.is_empty() {
        // They have no tickets: programs that share a value, above all.
        let present = file_id(file).map(|file| Attachments::on(&[file]).with_role(file, Role::Present));
        all = present.unwrap_or_default().iter().take(MOST_NAMED).map(|pid| format!("pid {pid}")).collect();
    }
    if all.is_empty() { " by a process without a ticket".to_owned() } else { format!(" by {}", all.join(", ")) }
}
