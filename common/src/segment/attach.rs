//! Attaching: first be counted as present, then verify, then map.

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::fs::OFlags;

use super::error::{AttachError, Refusal};
use super::role::Role;
use super::{Observer, Segment, verify};
use crate::name::SegmentName;
use crate::system_error::SystemError;

/// How often a segment under removal is looked at again. Its remover either unlinks it or gives up at once.
const ATTEMPTS: u32 = 50;

impl Segment {
    /// Attaches to the segment of that name.
    ///
    /// # Errors
    /// [`AttachError::NoSegment`] if nothing has the name; [`AttachError::Permission`]; [`AttachError::NotReady`] if its
    /// creator does not publish it within half a second; [`AttachError::BeingRemoved`]; [`AttachError::Refused`] with the
    /// reason; [`AttachError::Damaged`] if its mutex cannot be used; [`AttachError::System`] if the system refuses.
    pub fn attach(name: &SegmentName) -> Result<Self, AttachError> {
        let file = verify::open(name, OFlags::RDWR)?;
        // Present first: from here on nobody may treat the segment as stale.
        let mut attempts = 0;
        while !Role::Present.try_share(name, file.as_fd())? {
            attempts += 1;
            if attempts == ATTEMPTS {
                return Err(AttachError::BeingRemoved { name: name.clone() });
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let segment = Self::of(Observer::of(name, file)?);
        if segment.has_sound_mutex()? {
            Ok(segment)
        } else {
            Err(AttachError::Refused { name: name.clone(), why: Refusal::Mutex })
        }
    }

    /// Whether the mutex is of our kind, and its owner is attached.
    ///
    /// The kernel clears a dead owner's id in the mutex before it drops the owner's presence. So an owner that stays named
    /// while nobody is present is damage, and a locker would wait for ever.
    fn has_sound_mutex(&self) -> Result<bool, SystemError> {
        let mutex = &self.view().header.core.mutex;
        let owner = mutex.owner();
        let is_abandoned =
            owner.is_some() && !Role::Present.is_held(self.name(), self.file())? && mutex.owner() == owner;
        Ok(mutex.is_of_our_kind() && !is_abandoned && !mutex.is_taken_by_nobody())
    }
}
