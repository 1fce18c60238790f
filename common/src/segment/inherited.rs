//! A segment in a forked child of the process that attached to it.
//!
//! | the segment is | in the child |
//! |---|---|
//! | a run | readable; whatever needs a lock or a role is a [`ForkError`] |
//! | a shared value or array | attached again at its first use that needs the lock, and then counted present |
//!
//! Attaching again goes by the descriptor and never by the name, which may stand for another segment by now. The mapping is the
//! inherited one.

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{Mode, OFlags, fstat};
use rustix::io::Errno;

use super::role::Role;
use super::verify::file_id;
use super::{Observer, Segment, namespace};
use crate::name::SegmentName;
use crate::sys::mapping::cautious;
use crate::sys::role_file::RoleFile;
use crate::system_error::{SystemError, debug_as_display};
use crate::terms;

/// Why a forked child cannot use what it has inherited.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ForkError {
    /// The segment holds a run, or its name is to be removed: the parent's part in it is not the child's.
    #[error("segment \"{name}\" was attached to by the parent of this forked process, and not by this process")]
    Inherited {
        /// The segment.
        name: SegmentName,
    },
    /// The lock was acquired before the fork: it is the parent's.
    #[error(
        "the lock of segment \"{name}\" was acquired by the parent of this forked process, and not by this process"
    )]
    LockOfParent {
        /// The segment.
        name: SegmentName,
    },
    /// The child is in another PID namespace than the segment, where its thread ids mean other threads.
    #[error("segment \"{name}\" cannot be used by this forked process: it is in another PID namespace (container)")]
    PidNamespace {
        /// The segment.
        name: SegmentName,
    },
    /// The child cannot open the file again.
    #[error("{0} (a forked child needs /proc and its inherited descriptors)")]
    Reopen(Box<SystemError>),
}

debug_as_display!(ForkError);

impl From<ForkError> for SystemError {
    fn from(error: ForkError) -> Self {
        let name = match &error {
            ForkError::Reopen(error) => error.name.clone(),
            ForkError::Inherited { name } | ForkError::LockOfParent { name } | ForkError::PidNamespace { name } => {
                name.to_string()
            }
        };
        Self::new("use segment", name, std::io::Error::other(error))
    }
}

/// Where the file of a segment is, without a lock on it: an `O_PATH` descriptor (open(2)).
pub(super) struct PathDescriptor {
    descriptor: OwnedFd,
    /// Its device and inode. A forked daemon may have closed the descriptor, and the number is another file's.
    identity: (u64, u64),
}

impl PathDescriptor {
    /// The place of `file`, which has that path now; nothing if another one has.
    pub fn of(file: &RoleFile, path: &str) -> Result<Option<Self>, Errno> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = match rustix::fs::open(path, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            descriptor => descriptor?,
        };
        let identity = file_id(&descriptor)?;
        Ok((identity == file_id(file)?).then_some(Self { descriptor, identity }))
    }

    /// Opens the file.
    fn open(&self) -> Result<RoleFile, Errno> {
        let path = format!("/proc/self/fd/{}", self.descriptor.as_raw_fd());
        // The path is a link.
        let file = RoleFile::open(path, cautious(OFlags::RDWR).difference(OFlags::NOFOLLOW))?;
        if file_id(&file)? == self.identity { Ok(file) } else { Err(Errno::BADF) }
    }

    /// Whether a name stands for the file. If the kernel does not say, it does.
    pub fn is_linked(&self) -> bool {
        fstat(&self.descriptor).map_or(true, |stat| stat.st_nlink > 0)
    }
}

impl Segment {
    /// Whether this process is a forked child of the one that attached.
    #[must_use]
    pub fn is_inherited(&self) -> bool {
        !self.observer.opener.is_of_this_generation()
    }

    /// The same, with one load, and until a shared value or array is attached again.
    #[inline]
    pub(crate) fn has_inherited_roles(&self) -> bool {
        self.observer.file.is_inherited()
    }

    /// Checks that this process attached itself, also if it was forked without the handlers.
    pub(crate) fn must_be_attached_here(&self) -> Result<(), ForkError> {
        if self.observer.opener.is_this_process() {
            Ok(())
        } else {
            Err(ForkError::Inherited { name: self.name().clone() })
        }
    }

    /// Opens the file again and is counted as present. Several threads may do it at once.
    #[cold]
    pub(crate) fn attach_again(&self) -> Result<(), ForkError> {
        self.observer.attach_again()
    }
}

impl Observer {
    /// The same, if it is a run. Of a shared value or array it keeps the place of the file, which has that path; nothing if
    /// another file has it.
    pub(super) fn with_place(mut self, path: &str) -> Result<Option<Self>, Errno> {
        if self.terms.mode == terms::Mode::Shared {
            self.place = PathDescriptor::of(&self.file, path)?;
        }
        Ok((self.place.is_some() || self.terms.mode != terms::Mode::Shared).then_some(self))
    }

    /// From now on the process keeps its roles until it ends.
    pub(super) fn keep_roles(&self) {
        self.file.keep();
    }

    /// The descriptor with the roles of this process.
    pub(crate) fn file(&self) -> Result<&RoleFile, ForkError> {
        if !self.file.is_ready() {
            self.attach_again()?;
        }
        Ok(&self.file)
    }

    /// Opens the file again and is counted as present. Several threads may do it at once.
    #[cold]
    fn attach_again(&self) -> Result<(), ForkError> {
        let name = || self.name().clone();
        let Some(place) = &self.place else { return Err(ForkError::Inherited { name: name() }) };
        let reopen = |error| ForkError::Reopen(Box::new(SystemError::new("open again segment", self.name(), error)));
        let file = place.open().map_err(reopen)?;
        let is_present = Role::Present.share_patiently(self.name(), &file);
        if !is_present.map_err(|error| ForkError::Reopen(Box::new(error)))? {
            return Err(reopen(Errno::BUSY));
        }
        // Present first, as every attacher: from here on nobody changes the word.
        if namespace::Location::of(self.view().header) != namespace::Location::Here {
            return Err(ForkError::PidNamespace { name: name() });
        }
        self.file.become_copy_of(file).map_err(reopen)
    }
}
