//! Creation: built under a name of its own, then renamed into place.
//!
//! `renameat2(RENAME_NOREPLACE)` gives the name to exactly one of any number of creators, and to a finished segment
//! (rename(2)). A creator that is killed before leaves a file under its creation name, which nobody attaches to and which
//! the next start removes; one that is killed after leaves a whole segment.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::Ordering::{Relaxed, Release};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::role::Role;
use super::{Lifecycle, Segment, inspect, verify};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::layout::{Extent, LAYOUT_HASH, MAGIC, VERSION};
use crate::name::{FOLDER, SegmentName};
use crate::plant::{self, Point};
use crate::sys::mapping::{self, MapError, Mapping};
use crate::terms::{Origin, Terms};

/// How names of segments under creation begin. No segment name begins with a dot.
pub(super) const DEBRIS_PREFIX: &str = ".multiprocess-creating-";

/// How often a creation is begun anew when its file was taken for debris between its first two system calls.
const ATTEMPTS: u32 = 8;

impl Segment {
    /// Creates a segment and attaches to it; under [`Origin::Run`] as its coordinator.
    ///
    /// # Errors
    /// [`Error::Exists`] if something has the name, [`Error::TermsTooLong`] if the texts do not fit,
    /// [`Error::Permission`] or [`Error::System`] if the system refuses: memory, descriptors or rights are missing.
    pub fn create(name: &SegmentName, terms: &Terms) -> Result<Self> {
        let extent = Extent::new(terms.slots).filter(|_| terms.fits()).ok_or(Error::TermsTooLong)?;
        for _ in 0..ATTEMPTS {
            let nonce: u64 = rand::random();
            let creation_name = format!("{DEBRIS_PREFIX}{nonce:016x}");
            let (mapping, file) = match allocate(&creation_name, extent) {
                Ok(allocated) => allocated,
                Err(Errno::EXIST | Errno::NOENT) => continue,
                Err(Errno::ACCESS | Errno::PERM) => {
                    return Err(Error::Permission { name: name.clone(), doing: "create" });
                }
                Err(error) => return Err(Error::system("create segment", name, error)),
            };
            let segment = Self { name: name.clone(), terms: terms.clone(), mapping, file };
            segment.found(extent, nonce)?;
            plant::at(Point::Created);
            match publish(&creation_name, name) {
                Ok(()) => return Ok(segment),
                Err(Errno::NOENT) => {}
                Err(error) => {
                    discard(&creation_name);
                    return Err(if error == Errno::EXIST {
                        exists(name)
                    } else {
                        Error::system("create segment", name, error)
                    });
                }
            }
        }
        Err(Error::system("create segment", name, Errno::AGAIN))
    }

    /// Fills in the header and takes this process's roles.
    fn found(&self, extent: Extent, nonce: u64) -> Result<()> {
        let is_coordinator = self.terms.origin == Origin::Run;
        Role::Present.try_share(&self.name, self.file.as_fd())?;
        if is_coordinator {
            self.become_coordinator()?;
        }
        let header = self.view().header;
        let identity = &header.identity;
        identity.magic.store(MAGIC, Relaxed);
        identity.version.store(VERSION, Relaxed);
        identity.layout_hash.store(LAYOUT_HASH, Relaxed);
        identity.size.store(extent.size() as u64, Relaxed);
        identity.c_library.store(verify::C_LIBRARY, Relaxed);
        identity.slot_count.store(extent.slots, Relaxed);
        identity.pid_namespace.store(verify::pid_namespace(), Relaxed);
        identity.nonce.store(nonce, Relaxed);
        identity.created_at.store(Instant::now().0, Relaxed);
        self.terms.store(header);
        identity.checksum.store(verify::checksum(header, &self.terms), Relaxed);
        header.live.lifecycle.store(Lifecycle::Open as u32, Relaxed);
        // Release pairs with the Acquire in `verify`: who sees a ready segment sees all of the above.
        identity.ready.store(1, Release);
        Ok(())
    }
}

/// Makes the file, with all its pages; leaves nothing behind if that fails.
fn allocate(creation_name: &str, extent: Extent) -> Result<(Mapping, OwnedFd), Errno> {
    mapping::create(creation_name, extent).map_err(|error| {
        let errno = match error {
            MapError::Os(errno) => errno,
            MapError::Changed | MapError::Mutex(_) => Errno::INVAL,
        };
        if errno != Errno::EXIST {
            discard(creation_name);
        }
        errno
    })
}

fn publish(creation_name: &str, name: &SegmentName) -> Result<(), Errno> {
    let from = format!("{FOLDER}/{creation_name}");
    renameat_with(CWD, from, CWD, name.path(), RenameFlags::NOREPLACE)
}

fn discard(creation_name: &str) {
    // It may be gone already, taken for debris; there is nothing else to do about it.
    let _ = rustix::shm::unlink(creation_name);
}

/// What is known of the segment that has the name already.
fn exists(name: &SegmentName) -> Error {
    let is_stale = inspect::state(name) == Some(inspect::RunState::Stale);
    let state = if is_stale { ": it was left behind by a run whose coordinator died" } else { "" };
    Error::Exists { name: name.clone(), state, stale: is_stale }
}

/// Whether nobody builds the segment under that creation name any more.
pub(super) fn is_abandoned(creation_name: &str, file: BorrowedFd<'_>) -> bool {
    !Role::Present.is_held(creation_name, file).unwrap_or(true)
}
