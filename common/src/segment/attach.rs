//! Attaching: first be counted as present, then verify, then map.

use std::os::fd::AsFd;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::error::{AttachError, Refusal};
use super::role::Role;
use super::verify::Verified;
use super::{Segment, verify};
use crate::name::SegmentName;
use crate::redo::Damage;
use crate::sys::mapping::{self, MapError};
use crate::sys::role_file::RoleFile;
use crate::system_error::SystemError;

/// How often a segment under removal is looked at again. Its remover either unlinks it or gives up at once.
const ATTEMPTS: u32 = 50;

impl Segment {
    /// Attaches to the segment of that name.
    ///
    /// # Errors
    /// [`AttachError::NoSegment`] if nothing has the name; [`AttachError::Permission`]; [`AttachError::NotReady`] if its
    /// creator does not publish it within half a second; [`AttachError::BeingRemoved`]; [`AttachError::Refused`] with the
    /// reason, among them another PID namespace, and one that is unknown for lack of `/proc`; [`AttachError::Damaged`] if its mutex cannot be used; [`AttachError::System`] if the system refuses.
    pub fn attach(name: &SegmentName) -> Result<Self, AttachError> {
        Self::map(name, true)
    }

    /// Maps the segment of that name to look at it and to wait for notices.
    ///
    /// This process does not count as present and prevents nobody from removing the segment, which may be of another PID
    /// namespace. It must not take the lock.
    ///
    /// # Errors
    /// As [`Self::attach`].
    pub fn observe(name: &SegmentName) -> Result<Self, AttachError> {
        Self::map(name, false)
    }

    fn map(name: &SegmentName, is_present: bool) -> Result<Self, AttachError> {
        let file = verify::open(name, OFlags::RDWR)?;
        // Present first: from here on nobody may treat the segment as stale, or take it over into another PID namespace.
        let mut attempts = 0;
        while is_present && !Role::Present.try_share(name, &file)? {
            attempts += 1;
            if attempts == ATTEMPTS {
                return Err(AttachError::BeingRemoved { name: name.clone() });
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let verified = verify::verify(name, file.as_fd(), verify::PATIENCE)?;
        if is_present {
            verify::must_be_here(name, verified.header.header())?;
        }
        let segment = Self::map_verified(name, verified, file)?;
        if is_present {
            segment.must_have_sound_mutex()?;
        }
        Ok(segment)
    }

    /// Maps the segment that was verified; `file` has this process's roles.
    pub(super) fn map_verified(name: &SegmentName, verified: Verified, file: RoleFile) -> Result<Self, AttachError> {
        let no_segment = || AttachError::NoSegment { name: name.clone() };
        let is_linked = rustix::fs::fstat(&file).is_ok_and(|stat| stat.st_nlink > 0);
        if !is_linked {
            return Err(no_segment());
        }
        let mapping = mapping::open(name.as_str(), verified.geometry).map_err(|error| match error {
            MapError::Os(Errno::NOENT) | MapError::Changed => no_segment(),
            MapError::Os(error) => SystemError::new("map segment", name, error).into(),
            MapError::Mutex(what) => Damage { what }.into(),
        })?;
        let segment = Self::new(name, verified.terms, verified.nonce, mapping, file);
        let placed = segment.with_place(&name.path().to_string_lossy());
        let segment = placed.map_err(|error| SystemError::new("open segment", name, error))?.ok_or_else(no_segment)?;
        // The mapping was opened by name again: it must show the verified segment.
        if segment.view().header.identity.nonce.load(Relaxed) != verified.nonce {
            return Err(no_segment());
        }
        Ok(segment)
    }

    /// Refuses a mutex that is not of our kind, or whose owner is not attached.
    ///
    /// The kernel clears a dead owner's id in the mutex before it drops the owner's presence. So an owner that stays named
    /// while nobody is present is damage, and a locker would wait for ever.
    pub(super) fn must_have_sound_mutex(&self) -> Result<(), AttachError> {
        let mutex = &self.view().header.core.mutex;
        let owner = mutex.owner();
        let is_abandoned =
            owner.is_some() && !Role::Present.is_held(&self.name, self.file()?)? && mutex.owner() == owner;
        if mutex.is_of_our_kind() && !is_abandoned && !mutex.is_taken_by_nobody() {
            return Ok(());
        }
        Err(AttachError::Refused { name: self.name.clone(), why: Refusal::Mutex })
    }
}
