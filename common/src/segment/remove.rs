//! Removal: only of the very segment that was looked at, and only by one remover at a time.
//!
//! `unlink` goes by name. Everyone who unlinks holds the remover's role on the file that they looked at, and checks under
//! it that the name still stands for that file: so no other remover can have taken the name away and no creator, who never
//! replaces, can have put another segment in its place.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::fs::{CWD, OFlags};

use super::role::Role;
use super::{Segment, inspect, verify};
use crate::error::{Error, Result};
use crate::ledger::Snapshot;
use crate::name::SegmentName;

/// How often a segment that is in use is looked at, and how long to wait in between.
const LOOKS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(1);

/// When a segment may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// When nobody is attached.
    Unattached,
    /// When nobody is attached and its run was left behind by a coordinator that died.
    Stale,
    /// Always, also when its header is damaged or of another version.
    Always,
}

/// What became of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The name is gone.
    Removed,
    /// The name was gone already, or stands for another segment now; nothing was done.
    NotOurs,
}

impl Segment {
    /// Unlinks this very segment; attached processes keep their mapping until they detach.
    ///
    /// # Errors
    /// [`Error::System`] if the system refuses.
    pub fn unlink(&self) -> Result<Removal> {
        unlink(&self.name, self.file())
    }
}

/// Removes the segment of that name if the condition holds; never a file that is not ours.
///
/// # Errors
/// [`Error::NoSegment`], also if a segment is not stale any more; [`Error::InUse`] with who is attached;
/// [`Error::Permission`], [`Error::Refused`], or [`Error::System`].
pub fn remove(name: &SegmentName, condition: Condition) -> Result<()> {
    let file = verify::open(name, OFlags::RDWR).map_err(|error| match error {
        Error::NoSegment { name, .. } => inspect::no_segment(&name),
        error => error,
    })?;
    match verify::verify(name, file.as_fd(), verify::PATIENCE) {
        Err(Error::NotReady { .. }) if condition != Condition::Stale => {}
        Err(Error::Refused { .. }) if condition == Condition::Always && is_plain_and_ours(file.as_fd()) => {}
        verified => drop(verified?),
    }
    if condition != Condition::Always && !becomes(Role::Present, name, file.as_fd())? {
        return Err(Error::InUse { name: name.clone(), by: attached(name) });
    }
    // Judged once more, now that nobody else can be attached and change it.
    if condition == Condition::Stale {
        let verified = verify::verify(name, file.as_fd(), Duration::ZERO)?;
        if !inspect::is_stale(name, file.as_fd(), &verified) {
            return Err(inspect::no_segment(name));
        }
    }
    match unlink(name, file.as_fd())? {
        Removal::Removed => Ok(()),
        Removal::NotOurs => Err(inspect::no_segment(name)),
    }
}

/// Takes the role alone, for as long as the file is open; says whether that was possible within a moment.
///
/// A process that starts another one shares its descriptors with it for the moment between fork and exec, so a role may
/// outlive its holder by that moment: one that is held is looked at again.
fn becomes(role: Role, name: &SegmentName, file: BorrowedFd<'_>) -> Result<bool> {
    for _ in 0..LOOKS {
        if role.try_take(name, file)? {
            return Ok(true);
        }
        std::thread::sleep(PAUSE);
    }
    Ok(false)
}

fn unlink(name: &SegmentName, file: BorrowedFd<'_>) -> Result<Removal> {
    if !becomes(Role::Remover, name, file)? {
        return Ok(Removal::NotOurs);
    }
    let system = |error| Error::system("remove segment", name, error);
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

pub(super) fn is_plain(file: BorrowedFd<'_>) -> bool {
    rustix::fs::fstat(file).is_ok_and(|stat| verify::plain_file(&stat).is_ok())
}

fn is_plain_and_ours(file: BorrowedFd<'_>) -> bool {
    is_plain(file) && verify::has_our_magic(file)
}

/// Who is attached, as the end of a sentence.
fn attached(name: &SegmentName) -> String {
    let Ok((snapshot, _)) = Snapshot::of(name) else { return String::new() };
    let coordinator =
        snapshot.coordinator.filter(|_| snapshot.has_coordinator).map(|pid| format!("the coordinator (pid {pid})"));
    let workers = snapshot.workers.iter().filter(|worker| worker.alive);
    let workers = workers.map(|worker| format!("Process-{} (pid {})", worker.ticket, worker.pid));
    let all: Vec<String> = coordinator.into_iter().chain(workers).take(6).collect();
    if all.is_empty() {
        " by a process that works under no ticket".to_owned()
    } else {
        format!(" by {}", all.join(", "))
    }
}
