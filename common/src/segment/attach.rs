//! Attaching: first be counted as present, then verify, then map.

use std::os::fd::AsFd;

use rustix::fs::OFlags;

use super::error::{AttachError, Refusal};
use super::role::Role;
use super::verify::Verified;
use super::{Observer, Segment, verify};
use crate::name::SegmentName;
use crate::sys::role_file::RoleFile;
use crate::system_error::SystemError;

impl Segment {
    /// Attaches to the segment of that name.
    ///
    /// # Errors
    /// [`AttachError::NoSegment`] if nothing has the name; [`AttachError::Permission`]; [`AttachError::NotReady`] if its
    /// creator does not publish it within half a second; [`AttachError::BeingRemoved`]; [`AttachError::Refused`] with the
    /// reason, among them another PID namespace, and one that is unknown for lack of `/proc`; [`AttachError::Damaged`] if its mutex cannot be used; [`AttachError::System`] if the system refuses.
    pub fn attach(name: &SegmentName) -> Result<Self, AttachError> {
        let file = verify::open(name, OFlags::RDWR)?;
        // Present first: from here on nobody may treat the segment as stale, or take it over into another PID namespace.
        if !Role::Present.share_patiently(name, &file)? {
            return Err(AttachError::BeingRemoved { name: name.clone() });
        }
        let verified = verify::verify(name, file.as_fd(), verify::PATIENCE)?;
        verify::must_be_here(name, verified.header.header())?;
        let segment = Self::map_verified(name, verified, file)?;
        segment.must_have_sound_mutex()?;
        Ok(segment)
    }

    /// Maps the segment that was verified; `file` has this process's roles.
    pub(super) fn map_verified(name: &SegmentName, verified: Verified, file: RoleFile) -> Result<Self, AttachError> {
        let observer = Observer::map_verified(name, verified, file)?;
        let placed = observer.with_place(&name.path().to_string_lossy());
        let placed = placed.map_err(|error| SystemError::new("open segment", name, error))?;
        placed.map(Self::of).ok_or_else(|| AttachError::NoSegment { name: name.clone() })
    }

    /// Refuses a mutex that is not of our kind, or whose owner is not attached.
    ///
    /// The kernel clears a dead owner's id in the mutex before it drops the owner's presence. So an owner that stays named
    /// while nobody is present is damage, and a locker would wait for ever.
    pub(super) fn must_have_sound_mutex(&self) -> Result<(), AttachError> {
        let mutex = &self.view().header.core.mutex;
        let owner = mutex.owner();
        let is_abandoned =
            owner.is_some() && !Role::Present.is_held(self.name(), self.file()?)? && mutex.owner() == owner;
        if mutex.is_of_our_kind() && !is_abandoned && !mutex.is_taken_by_nobody() {
            return Ok(());
        }
        Err(AttachError::Refused { name: self.name().clone(), why: Refusal::Mutex })
    }
}
