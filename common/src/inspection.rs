//! Inspection of segments from outside: no lock, no change, nothing mapped.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::fence;
use std::time::Duration;

use rustix::fs::OFlags;

use crate::layout::{Geometry, Header};
use crate::name::{FOLDER, SegmentName};
use crate::segment::namespace::Location;
use crate::segment::verify::{self, file_id};
use crate::segment::{AttachError, Lifecycle, Observer, Role};
use crate::snapshot::Snapshot;
use crate::system_error::SystemError;
use crate::terms::{Mode, Origin, Terms};

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
    /// Its processes are, or were, of another PID namespace (container).
    Foreign {
        /// Whether one of them lives and is attached.
        in_use: bool,
        /// Whether its run is over, and it was kept.
        is_over: bool,
    },
}

impl RunState {
    /// The state of a segment that is attached or observed; this process does not count.
    ///
    /// # Errors
    /// [`SystemError`] if the kernel cannot be asked.
    pub fn of(segment: &impl AsRef<Observer>) -> Result<Self, SystemError> {
        let segment = segment.as_ref();
        Self::read(segment.name(), segment.file()?.as_fd(), segment.terms(), segment.view().header)
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
        if lifecycle == Lifecycle::ToBeRemoved {
            return Ok(Self::ToBeRemoved);
        }
        if Location::of(header) == Location::Elsewhere {
            return Ok(Self::Foreign { in_use: is_in_use(name, file)?, is_over: lifecycle.is_over() });
        }
        if lifecycle.is_over() {
            return Ok(Self::Finished);
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
            Self::Foreign { .. } => "foreign",
        }
    }

    /// Whether the run is over.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::ToBeRemoved | Self::Foreign { is_over: true, .. })
    }

    /// Whether a segment in this state, with these terms, was left behind by processes that are gone: nobody holds it, and it
    /// was neither finished nor made for processes that come later.
    #[must_use]
    pub fn is_left_behind(self, terms: &Terms) -> bool {
        match self {
            Self::Stale => true,
            // Workers of this PID namespace cannot join it.
            Self::Foreign { in_use, is_over } => !in_use && !is_over && terms.mode != Mode::Shared,
            _ => false,
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Foreign { in_use: true, .. } => "foreign, in use",
            Self::Foreign { is_over: true, .. } => "foreign, finished",
            state => state.name(),
        })
    }
}

/// A segment as a list shows it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SegmentInfo {
    /// Its name.
    pub name: SegmentName,
    /// The processes that are with it.
    pub state: RunState,
    /// Its terms.
    pub terms: Terms,
    /// How many contributions are applied.
    pub done: u64,
    /// How many contributions the run wants, or has if it got more.
    pub total: u64,
    /// How many iterations are given out in chunks.
    pub given_out: u64,
    /// The process that coordinates it, or did.
    pub coordinator: Option<u32>,
    /// Whether a process is attached or coordinates the run.
    pub is_in_use: bool,
    /// Its file: device and inode.
    pub(crate) file: (u64, u64),
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
        let done = header.redo.done_count.load(Relaxed);
        let due = verified.terms.contributions_due(log(file.as_fd(), verified.geometry, done).into_iter());
        Ok(Self {
            name: name.clone(),
            state,
            is_in_use: is_in_use(name, file.as_fd())?,
            file: file_id(file.as_fd()).map_err(|error| SystemError::new("look at segment", name, error))?,
            done,
            total: done.max(due),
            given_out: header.redo.given_out.load(Relaxed).saturating_sub(verified.terms.range().start),
            coordinator: Some(header.live.coordinator_pid.load(Relaxed)).filter(|pid| *pid != 0),
            terms: verified.terms,
        })
    }
}

/// The tickets that are done, as far as they can be read.
fn log(file: BorrowedFd<'_>, geometry: Geometry, done: u64) -> Vec<u32> {
    let length = usize::try_from(done).unwrap_or(usize::MAX).min(geometry.slots as usize);
    let mut bytes = vec![0; length * size_of::<u32>()];
    let read = rustix::io::pread(file, &mut bytes, geometry.log_at() as u64).unwrap_or(0);
    let (tickets, _) = bytes[..read].as_chunks();
    tickets.iter().map(|ticket| u32::from_ne_bytes(*ticket)).collect()
}

/// Whether a process holds the presence or the coordinator's role: in any PID namespace, by the kernel's locks.
pub(crate) fn is_in_use(name: &SegmentName, file: BorrowedFd<'_>) -> Result<bool, SystemError> {
    Ok(Role::Present.is_held(name, file)? || Role::Coordinator.is_held(name, file)?)
}

/// Whether a process holds a role in the file of that name, whatever it is.
#[cfg(feature = "cli")]
pub(crate) fn is_name_in_use(name: &SegmentName) -> bool {
    verify::open(name, OFlags::RDONLY).is_ok_and(|file| is_in_use(name, file.as_fd()).unwrap_or(true))
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
