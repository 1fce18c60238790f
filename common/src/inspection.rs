//! Inspection of segments from outside: no lock, no change, nothing mapped.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::fence;
use std::time::Duration;

use rustix::fs::OFlags;

use crate::layout::Header;
use crate::name::{FOLDER, SegmentName};
use crate::segment::verify;
use crate::segment::{AttachError, Lifecycle, Observer, Role};
use crate::snapshot::Snapshot;
use crate::system_error::SystemError;
use crate::terms::{Origin, Terms};

/// The processes that are with a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Made for workers started by hand, and open to them.
    Open,
    /// A coordinator supervises it.
    Running,
    /// Its coordinator died; workers are still attached.
    Orphaned,
    /// Its coordinator died, and nobody is attached.
    Stale,
    /// Its run is over, and it was kept.
    Finished,
    /// Its run is over, and its coordinator removes it, or was killed before it could.
    ToBeRemoved,
}

impl RunState {
    /// The state of a segment that is attached or observed; this process does not count.
    ///
    /// # Errors
    /// [`SystemError`] if the kernel cannot be asked.
    pub fn of(segment: &impl AsRef<Observer>) -> Result<Self, SystemError> {
        let segment = segment.as_ref();
        Self::read(segment.name(), segment.file(), segment.terms(), segment.view().header)
    }

    /// The state of a segment with these terms and this header.
    pub(crate) fn read(
        name: &SegmentName,
        file: BorrowedFd<'_>,
        terms: &Terms,
        header: &Header,
    ) -> Result<Self, SystemError> {
        let lifecycle = Lifecycle::of(header.live.lifecycle.load(Relaxed));
        // Acquire: a snapshot that is read after the state of a closed run has all its commits. A fence, because the header may
        // be a copy. Pairs with the Release in `Segment::close` and `Segment::mark_over`.
        fence(Acquire);
        match lifecycle {
            Lifecycle::Open | Lifecycle::Closed => {}
            Lifecycle::Reported | Lifecycle::Kept => return Ok(Self::Finished),
            Lifecycle::ToBeRemoved => return Ok(Self::ToBeRemoved),
        }
        if terms.origin == Origin::ByHand {
            return Ok(Self::Open);
        }
        if Role::Coordinator.is_held(name, file)? {
            return Ok(Self::Running);
        }
        Ok(if Role::Present.is_held(name, file)? { Self::Orphaned } else { Self::Stale })
    }

    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Running => "running",
            Self::Orphaned => "orphaned",
            Self::Stale => "stale",
            Self::Finished | Self::ToBeRemoved => "finished",
        }
    }

    /// Whether the run is over.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::ToBeRemoved)
    }
}

/// A segment as a list shows it.
#[derive(Clone, Debug)]
pub struct SegmentInfo {
    /// Its name.
    pub name: SegmentName,
    /// The processes that are with it.
    pub state: RunState,
    /// Its terms.
    pub terms: Terms,
    /// How many contributions are applied.
    pub done: u64,
    /// Iterations below this one are given out in chunks.
    pub given_out: u64,
    /// The process that coordinates it, or did.
    pub coordinator: Option<u32>,
}

impl SegmentInfo {
    /// Reads one segment.
    ///
    /// # Errors
    /// As [`Observer::open`]; an unpublished segment is not waited for.
    pub fn of(name: &SegmentName) -> Result<Self, AttachError> {
        let file = verify::open(name, OFlags::RDONLY)?;
        let verified = verify::verify(name, file.as_fd(), Duration::ZERO)?;
        let header = verified.header.header();
        let state = RunState::read(name, file.as_fd(), &verified.terms, header)?;
        Ok(Self {
            name: name.clone(),
            state,
            done: header.redo.done_count.load(Relaxed),
            given_out: header.redo.given_out.load(Relaxed),
            coordinator: Some(header.live.coordinator_pid.load(Relaxed)).filter(|pid| *pid != 0),
            terms: verified.terms,
        })
    }

    /// How many contributions the run wants, or has if it got more.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.done.max(self.terms.workers.into())
    }
}

/// All segments of this user that this program can use, by name.
///
/// # Errors
/// [`SystemError`] if `/dev/shm` cannot be read.
pub fn list() -> Result<Vec<SegmentInfo>, SystemError> {
    let names: Vec<SegmentName> = entries(|file_name| file_name.parse().ok())?;
    let mut found: Vec<SegmentInfo> = names.iter().filter_map(|name| SegmentInfo::of(name).ok()).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Reads the ledger and the state of the segment of that name, without attaching to it.
///
/// # Errors
/// As [`Observer::open`], and [`AttachError::Damaged`] if the ledger makes no sense.
pub fn inspect(name: &SegmentName) -> Result<(Snapshot, RunState), AttachError> {
    let file = verify::open(name, OFlags::RDONLY)?;
    let verified = verify::verify(name, file.as_fd(), verify::PATIENCE)?;
    let state = RunState::read(name, file.as_fd(), &verified.terms, verified.header.header())?;
    Ok((Snapshot::read(name, file.as_fd(), &verified.terms)?, state))
}

/// The results of `pick` for the file names in `/dev/shm`.
pub(crate) fn entries<T>(pick: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, SystemError> {
    let folder = std::fs::read_dir(FOLDER).map_err(|error| SystemError::new("list", FOLDER, error))?;
    Ok(folder.filter_map(Result::ok).filter_map(|entry| pick(entry.file_name().to_str()?)).collect())
}
