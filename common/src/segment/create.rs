//! Creation: built under a name of its own, then renamed into place.
//!
//! `renameat2(RENAME_NOREPLACE)` gives the name to exactly one of any number of creators, and only to a finished segment
//! (rename(2)). A creator killed before it leaves a file under its creation name, which nobody attaches to and which the
//! next start removes. A creator killed after it leaves a whole segment.

use std::sync::atomic::Ordering::Relaxed;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::error::CreateError;
use super::role::Role;
use super::{Lifecycle, Observer, Segment, namespace, no_room, verify};
use crate::clock::BootTime;
use crate::failpoint::Failpoint;
use crate::layout::{Geometry, LAYOUT_HASH, MAGIC, VERSION, View};
use crate::name::{FOLDER, SegmentName};
use crate::random;
use crate::sys::mapping::{self, MapError};
use crate::sys::role_file::{Owner, RoleFile};
use crate::system_error::SystemError;
use crate::terms::Terms;

/// How often a creation starts over when its file was removed as debris between its first system calls.
const ATTEMPTS: u32 = 8;

/// The start of creation names. No segment name begins with a dot.
const PREFIX: &str = ".multiprocess-creating-";

/// Whether a file in `/dev/shm` has a creation name.
pub(crate) fn creation_name(file_name: &str) -> Option<String> {
    file_name.starts_with(PREFIX).then(|| file_name.to_owned())
}

impl Segment {
    /// Creates a segment and attaches to it; for a run as its coordinator.
    ///
    /// # Errors
    /// [`CreateError::Exists`] if something has the name; [`CreateError::Terms`] if a term makes no sense;
    /// [`CreateError::UnknownNamespace`] without `/proc`; [`CreateError::NoRoom`] without room in `/dev/shm`;
    /// [`CreateError::Permission`] or [`CreateError::System`] if the system refuses.
    pub fn create(name: &SegmentName, terms: &Terms) -> Result<Self, CreateError> {
        Self::create_with(name, terms, |_| {})
    }

    /// Creates a segment. `initialise` gives the cells their first values before anybody can see them.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub(crate) fn create_with(
        name: &SegmentName,
        terms: &Terms,
        initialise: impl Fn(View<'_>),
    ) -> Result<Self, CreateError> {
        terms.check().map_err(|what| CreateError::Terms { what })?;
        let namespace = namespace::own();
        let namespace = namespace.map_err(|cause| CreateError::UnknownNamespace { name: name.clone(), cause })?;
        let geometry = terms.geometry();
        for _ in 0..ATTEMPTS {
            let nonce = random::random();
            let creation = Creation { name: format!("{PREFIX}{nonce:016x}"), creator: Owner::this_process() };
            // Present from here on: no other start takes the file for a dead creator's.
            let claim = |file: &RoleFile| Role::Present.claim(file);
            let (mapping, file) = match mapping::create(&creation.name, geometry, claim) {
                Ok(created) => created,
                Err(MapError::Os(Errno::EXIST)) => continue,
                Err(MapError::Os(Errno::NOENT)) if no_room::has_folder() => continue,
                Err(error) => return Err(cannot_create(name, geometry.size() as u64, error)),
            };
            let observer = Observer::new(name, terms.clone(), nonce, mapping, file).with_place(&creation.path());
            let failed = |error| cannot_create(name, geometry.size() as u64, MapError::Os(error));
            let Some(segment) = observer.map_err(failed)?.map(Self::of) else { continue };
            initialise(*segment.view());
            segment.found(geometry, nonce, namespace)?;
            Failpoint::Created.reach();
            match creation.publish(name) {
                Ok(()) => return Ok(segment),
                Err(Errno::NOENT) => {}
                Err(Errno::EXIST) => return Err(CreateError::Exists { name: name.clone() }),
                Err(error) => return Err(SystemError::new("create segment", name, error).into()),
            }
        }
        Err(SystemError::new("create segment", name, Errno::AGAIN).into())
    }

    /// Fills in the header and takes the coordinator's role.
    fn found(&self, geometry: Geometry, nonce: u64, namespace: u64) -> Result<(), SystemError> {
        if self.terms().origin.is_run() {
            self.become_coordinator()?;
            self.open_as_coordinator();
        }
        let header = self.view().header;
        let identity = &header.identity;
        identity.magic.store(MAGIC, Relaxed);
        identity.version.store(VERSION, Relaxed);
        identity.layout_hash.store(LAYOUT_HASH, Relaxed);
        identity.size.store(geometry.size() as u64, Relaxed);
        identity.c_library.store(verify::C_LIBRARY, Relaxed);
        identity.slot_count.store(geometry.slots, Relaxed);
        identity.pid_namespace.store(namespace, Relaxed);
        identity.nonce.store(nonce, Relaxed);
        identity.created_at.store(BootTime::now().0, Relaxed);
        self.terms().store(header);
        header.redo.given_out.store(self.terms().range().start, Relaxed);
        identity.checksum.store(verify::checksum(header, self.terms()), Relaxed);
        header.live.lifecycle.store(Lifecycle::Open as u32, Relaxed);
        // Pairs with nothing: whoever opens the segment by its name sees all of this, because the rename comes after it.
        identity.ready.store(1, Relaxed);
        Ok(())
    }
}

/// The file of an unpublished segment. Dropping it removes the file; once published, nothing is left to remove.
///
/// Unless it is dropped in a forked child: the parent may still be at it.
struct Creation {
    name: String,
    creator: Owner,
}

impl Creation {
    fn path(&self) -> String {
        format!("{FOLDER}/{}", self.name)
    }

    fn publish(&self, name: &SegmentName) -> Result<(), Errno> {
        renameat_with(CWD, self.path(), CWD, name.path(), RenameFlags::NOREPLACE)
    }
}

impl Drop for Creation {
    fn drop(&mut self) {
        if self.creator.is_this_process() {
            // Fails if it was published, removed as debris, or never made. Nobody else uses this name.
            let _ = rustix::shm::unlink(self.name.as_str());
        }
    }
}

fn cannot_create(name: &SegmentName, size: u64, error: MapError) -> CreateError {
    if let MapError::Os(error) = error
        && let Some(why) = no_room::explain(error, size)
    {
        return CreateError::NoRoom { name: name.clone(), why };
    }
    match error {
        MapError::Os(Errno::ACCESS | Errno::PERM) => CreateError::Permission { name: name.clone() },
        MapError::Os(error) => SystemError::new("create segment", name, error).into(),
        MapError::Changed => SystemError::new("create segment", name, Errno::INVAL).into(),
        MapError::Mutex(what) => SystemError::new("create segment", name, std::io::Error::other(what)).into(),
    }
}
