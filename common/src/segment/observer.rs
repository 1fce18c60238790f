//! A mapped segment that is only looked at.

use std::os::fd::AsFd;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::thread::futex;

use super::error::AttachError;
use super::inherited::PathDescriptor;
use super::requests::{Lifecycle, Stop};
use super::role::Role;
use super::verify::{self, Verified};
use crate::clock::BootTime;
use crate::layout::View;
use crate::name::SegmentName;
use crate::redo::Damage;
use crate::sys::mapping::{self, MapError, Mapping};
use crate::sys::role_file::{Owner, RoleFile};
use crate::system_error::SystemError;
use crate::terms::Terms;

/// A segment that this process has mapped to look at it, and to wait for notices.
///
/// It does not count as present and prevents nobody from removing the segment, which may be of another PID namespace. It has no lock, because its mutex is not
/// checked, and no role. A [`Segment`](super::Segment) is attached, and can be observed, too.
///
/// ```compile_fail
/// fn lock(observer: &common::Observer) {
///     common::Ledger::of(observer).lock(|_, _| {}).unwrap();
/// }
/// ```
pub struct Observer {
    name: SegmentName,
    pub(super) terms: Terms,
    nonce: u64,
    mapping: Mapping,
    /// Holds this process's roles, if it is attached; closing it gives them up.
    pub(super) file: RoleFile,
    /// The process that opened it. A forked child has the roles no more (`inherited.rs`).
    pub(super) opener: Owner,
    /// For forked children, if they may attach again.
    pub(super) place: Option<PathDescriptor>,
}

impl AsRef<Self> for Observer {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Observer {
    /// Maps the segment of that name.
    ///
    /// # Errors
    /// As [`Segment::attach`](super::Segment::attach), except for what concerns its mutex and its removers.
    pub fn open(name: &SegmentName) -> Result<Self, AttachError> {
        let file = verify::open(name, OFlags::RDWR)?;
        let verified = verify::verify(name, file.as_fd(), verify::PATIENCE)?;
        Self::map_verified(name, verified, file)
    }

    /// Maps the segment that was verified in the file, to which the name must still belong.
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
        let observer = Self::new(name, verified.terms, verified.nonce, mapping, file);
        // The mapping was opened by name again: it must show the verified segment.
        if observer.view().header.identity.nonce.load(Relaxed) == verified.nonce {
            Ok(observer)
        } else {
            Err(no_segment())
        }
    }

    pub(super) fn new(name: &SegmentName, terms: Terms, nonce: u64, mapping: Mapping, file: RoleFile) -> Self {
        Self { name: name.clone(), terms, nonce, mapping, file, opener: Owner::this_process(), place: None }
    }

    /// The segment's name.
    #[must_use]
    pub fn name(&self) -> &SegmentName {
        &self.name
    }

    /// The terms of the run.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// A random number that tells this segment from others of its name.
    #[must_use]
    pub fn nonce(&self) -> u64 {
        self.nonce
    }

    /// When it was created.
    #[must_use]
    pub fn created(&self) -> BootTime {
        BootTime(self.view().header.identity.created_at.load(Relaxed))
    }

    /// Whether the name still stands for this segment. If the kernel does not say, it does.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        match &self.place {
            Some(place) => place.is_linked(),
            None => self.file().map_or(true, |file| rustix::fs::fstat(file).map_or(true, |stat| stat.st_nlink > 0)),
        }
    }

    /// Whether another process coordinates the run.
    ///
    /// # Errors
    /// [`SystemError`] if the kernel cannot be asked.
    pub fn has_coordinator(&self) -> Result<bool, SystemError> {
        Role::Coordinator.is_held(&self.name, self.file()?)
    }

    /// How far the life of the segment has come.
    #[must_use]
    pub fn lifecycle(&self) -> Lifecycle {
        // Acquire: who sees a closed run sees its commits. Pairs with the Release in `Segment::close` and `Segment::mark_over`.
        Lifecycle::of(self.view().header.live.lifecycle.load(Acquire))
    }

    /// What the workers are asked to do.
    #[must_use]
    pub fn stop_requested(&self) -> Stop {
        Stop::of(self.view().header.live.stop.load(Relaxed))
    }

    /// The number of notices so far. Read it before the state that the notices announce.
    #[must_use]
    pub fn notices(&self) -> u32 {
        // Acquire: observing the count implies observing the change. Pairs with the Release in `Segment::notify`.
        self.view().header.live.notice.load(Acquire)
    }

    /// Waits until the number of notices differs from `seen`, at most for `patience`.
    pub fn wait_for_notice(&self, seen: u32, patience: Duration) {
        self.wait_for_change(&self.view().header.live.notice, seen, patience);
    }

    #[expect(clippy::unused_self, reason = "the word is one of this segment, which the borrow keeps mapped")]
    pub(super) fn wait_for_change(&self, word: &AtomicU32, seen: u32, patience: Duration) {
        // A year is longer than any run. The kernel takes at most i64 seconds.
        let patience = patience.min(Duration::from_secs(365 * 24 * 3600));
        let timeout = rustix::thread::Timespec::try_from(patience).ok();
        // Woken, changed, timed out or interrupted: in each case the caller looks again.
        let _ = futex::wait(word, futex::Flags::empty(), seen, timeout.as_ref());
    }

    /// Whether the pages that were touched so far are still those of the segment. Ask after a load.
    ///
    /// # Errors
    /// [`Damage`] if another program truncated the segment.
    #[inline]
    pub(crate) fn must_be_whole(&self) -> Result<(), Box<Damage>> {
        if self.mapping.is_truncated() { Err(Damage::truncated()) } else { Ok(()) }
    }

    /// The same, for loads that have no error: a panic is better than a value that nobody stored.
    #[inline]
    #[track_caller]
    pub(crate) fn assert_whole(&self) {
        if let Err(damage) = self.must_be_whole() {
            panic!("segment \"{}\": {damage}", self.name);
        }
    }

    pub(crate) fn view(&self) -> &View<'_> {
        self.mapping.view()
    }

    pub(super) fn mapping(&self) -> &Mapping {
        &self.mapping
    }
}
