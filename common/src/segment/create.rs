//! Creation: built under a name of its own, then renamed into place.
//!
//! `renameat2(RENAME_NOREPLACE)` gives the name to exactly one of any number of creators, and to a finished segment
//! (rename(2)). A creator that is killed before leaves a file under its creation name, which nobody attaches to and which
//! the next start removes; one that is killed after leaves a whole segment.

use std::cell::RefCell;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Relaxed, Release};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::role::Role;
use super::{Lifecycle, Segment, debris, inspect, verify};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::layout::{Extent, LAYOUT_HASH, MAGIC, VERSION, View};
use crate::name::{FOLDER, SegmentName};
use crate::plant::{self, Point};
use crate::random;
use crate::sys::mapping::{self, MapError};
use crate::terms::{Origin, Terms};

/// How often a creation is begun anew when its file was taken for debris between its first two system calls.
const ATTEMPTS: u32 = 8;

impl Segment {
    /// Creates a segment and attaches to it; under [`Origin::Run`] as its coordinator.
    ///
    /// # Errors
    /// [`Error::Exists`] if something has the name, [`Error::Terms`] if the terms make no sense,
    /// [`Error::Permission`] or [`Error::System`] if the system refuses: memory, descriptors or rights are missing.
    pub fn create(name: &SegmentName, terms: &Terms) -> Result<Self> {
        Self::create_with(name, terms, |_| {})
    }

    /// Creates a segment whose cells `initialise` has given their first values by the time that anybody can see them.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub(crate) fn create_with(name: &SegmentName, terms: &Terms, initialise: impl Fn(View<'_>)) -> Result<Self> {
        terms.check().map_err(|what| Error::Terms { what })?;
        let extent = terms.extent();
        for _ in 0..ATTEMPTS {
            let nonce = random::random();
            let creation = Creation(debris::creation_name(nonce));
            let (mapping, file) = match mapping::create(&creation.0, extent) {
                Ok(allocated) => allocated,
                Err(MapError::Os(Errno::EXIST | Errno::NOENT)) => continue,
                Err(error) => return Err(cannot_create(name, error)),
            };
            let segment = Self {
                name: name.clone(),
                terms: terms.clone(),
                founding_nonce: nonce,
                mapping,
                tickets: RefCell::default(),
                file: Rc::new(file),
            };
            initialise(*segment.view());
            segment.found(extent, nonce)?;
            plant::at(Point::Created);
            match creation.publish(name) {
                Ok(()) => return Ok(segment),
                Err(Errno::NOENT) => {}
                Err(Errno::EXIST) => return Err(exists(name)),
                Err(error) => return Err(Error::system("create segment", name, error)),
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
            self.open_as_coordinator();
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

/// The file of a segment that is not published; it is removed when this is dropped, and gone once it is published.
struct Creation(String);

impl Creation {
    fn publish(&self, name: &SegmentName) -> Result<(), Errno> {
        let from = format!("{FOLDER}/{}", self.0);
        renameat_with(CWD, from, CWD, name.path(), RenameFlags::NOREPLACE)
    }
}

impl Drop for Creation {
    fn drop(&mut self) {
        // Published, or taken for debris, or never made: then there is nothing of that name, which no one else uses.
        let _ = rustix::shm::unlink(self.0.as_str());
    }
}

fn cannot_create(name: &SegmentName, error: MapError) -> Error {
    match error {
        MapError::Os(Errno::ACCESS | Errno::PERM) => Error::Permission { name: name.clone(), doing: "create" },
        MapError::Os(error) => Error::system("create segment", name, error),
        MapError::Changed => Error::system("create segment", name, Errno::INVAL),
        MapError::Mutex(what) => Error::Damaged { what },
    }
}

/// What is known of the segment that has the name already.
fn exists(name: &SegmentName) -> Error {
    let is_stale = inspect::state(name) == Some(inspect::RunState::Stale);
    let state = if is_stale { ": it was left behind by a run whose coordinator died" } else { "" };
    Error::Exists { name: name.clone(), state, stale: is_stale }
}
