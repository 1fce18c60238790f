//! Attaching: first be counted as present, then verify, then map.

use std::cell::RefCell;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::role::Role;
use super::{Segment, inspect, verify};
use crate::error::{Error, Refusal, Result};
use crate::name::SegmentName;
use crate::sys::mapping::{self, MapError};

/// How often a segment under removal is looked at again: its remover either unlinks it or lets go at once.
const ATTEMPTS: u32 = 50;

impl Segment {
    /// Attaches to the segment of that name.
    ///
    /// # Errors
    /// [`Error::NoSegment`], with the names that there are, [`Error::Permission`], [`Error::NotReady`], or
    /// [`Error::Refused`] with the reason; [`Error::System`] if the system refuses.
    pub fn attach(name: &SegmentName) -> Result<Self> {
        Self::map(name, true).map_err(with_the_names_there_are)
    }

    /// Maps the segment of that name to look at it and wait for news: this process does not count as present, and keeps
    /// nobody from removing it.
    ///
    /// # Errors
    /// As [`Self::attach`].
    pub fn observe(name: &SegmentName) -> Result<Self> {
        Self::map(name, false).map_err(with_the_names_there_are)
    }

    fn map(name: &SegmentName, is_present: bool) -> Result<Self> {
        let file = verify::open(name, OFlags::RDWR)?;
        // Present first: from here on nobody may take the segment for stale.
        let mut attempts = 0;
        while is_present && !Role::Present.try_share(name, file.as_fd())? {
            attempts += 1;
            if attempts == ATTEMPTS {
                return Err(Error::InUse { name: name.clone(), by: ": it is being removed".to_owned() });
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let verified = verify::verify(name, file.as_fd(), verify::PATIENCE)?;
        let still_linked = rustix::fs::fstat(&file).is_ok_and(|stat| stat.st_nlink > 0);
        if !still_linked {
            return Err(Error::NoSegment { name: name.clone(), running: Vec::new() });
        }
        let mapping = mapping::open(name.as_str(), verified.extent).map_err(|error| cannot_map(name, error))?;
        let segment = Self {
            name: name.clone(),
            terms: verified.terms,
            founding_nonce: verified.nonce,
            mapping,
            tickets: RefCell::default(),
            file: Rc::new(file),
        };
        // The mapping was opened by name once more: it must show what was verified.
        let identity = &segment.view().header.identity;
        if identity.nonce.load(Relaxed) != verified.nonce {
            return Err(Error::NoSegment { name: name.clone(), running: Vec::new() });
        }
        if !is_present || segment.has_sound_mutex()? {
            Ok(segment)
        } else {
            Err(Error::Refused { name: name.clone(), why: Refusal::Mutex })
        }
    }

    /// Whether the mutex is one of our kind, and not held by a thread of no attached process.
    ///
    /// The kernel takes a dead owner's name out of the mutex before it gives up the owner's presence, so an owner that
    /// stays named while nobody is present is damage, for which a locker would wait for ever.
    fn has_sound_mutex(&self) -> Result<bool> {
        let mutex = &self.view().header.core.mutex;
        let owner = mutex.owner();
        let abandoned = owner.is_some() && !Role::Present.is_held(&self.name, self.file())? && mutex.owner() == owner;
        Ok(mutex.is_of_our_kind() && !abandoned && !mutex.is_taken_by_nobody())
    }
}

fn with_the_names_there_are(error: Error) -> Error {
    match error {
        Error::NoSegment { name, .. } => inspect::no_segment(&name),
        error => error,
    }
}

fn cannot_map(name: &SegmentName, error: MapError) -> Error {
    match error {
        MapError::Os(Errno::NOENT) | MapError::Changed => Error::NoSegment { name: name.clone(), running: Vec::new() },
        MapError::Os(error) => Error::system("map segment", name, error),
        MapError::Mutex(what) => Error::Damaged { what },
    }
}
