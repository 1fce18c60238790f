//! Looking at segments from outside: no lock, no change, nothing mapped.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rustix::fs::OFlags;

use super::role::Role;
use super::{Lifecycle, Segment, verify};
use crate::error::{Error, Result};
use crate::layout::Header;
use crate::ledger::Snapshot;
use crate::name::{FOLDER, SegmentName};
use crate::terms::{Origin, Terms};

/// Who is with a segment.
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
    /// Its result was reported, and it was kept.
    Finished,
}

impl RunState {
    /// The name as reports give it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Running => "running",
            Self::Orphaned => "orphaned",
            Self::Stale => "stale",
            Self::Finished => "finished",
        }
    }
}

/// A segment as it looks from outside.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// Its name.
    pub name: SegmentName,
    /// Who is with it.
    pub state: RunState,
    /// Its terms.
    pub terms: Terms,
    /// How many contributions are applied.
    pub done: u64,
    /// Up to where the range is given out in chunks.
    pub given_out: u64,
    /// The process that coordinates it, or did.
    pub coordinator: Option<u32>,
}

impl Lookup {
    /// How many contributions the run wants, or has if it got more.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.done.max(self.terms.workers.into())
    }
}

/// All segments of this user that this program can use, by name.
///
/// # Errors
/// [`Error::System`] if `/dev/shm` cannot be read.
pub fn list() -> Result<Vec<Lookup>> {
    let mut found: Vec<Lookup> = names()?.iter().filter_map(|name| look(name).ok()).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Looks at one segment.
pub(super) fn look(name: &SegmentName) -> Result<Lookup> {
    let file = verify::open(name, OFlags::RDONLY)?;
    // A list does not wait for what is not published.
    let verified = verify::verify(name, file.as_fd(), Duration::ZERO)?;
    let header = verified.header.header();
    Ok(Lookup {
        name: name.clone(),
        state: judge(name, file.as_fd(), &verified.terms, header)?,
        done: header.redo.done_count.load(Relaxed),
        given_out: header.redo.given_out.load(Relaxed),
        coordinator: Some(header.live.coordinator_pid.load(Relaxed)).filter(|pid| *pid != 0),
        terms: verified.terms,
    })
}

/// Who is with the segment of that name, if it is one of ours.
pub(super) fn state(name: &SegmentName) -> Option<RunState> {
    look(name).ok().map(|lookup| lookup.state)
}

/// Whether nobody is left of a run that is not over.
pub(super) fn is_stale(name: &SegmentName, file: BorrowedFd<'_>, verified: &verify::Verified) -> bool {
    judge(name, file, &verified.terms, verified.header.header()).is_ok_and(|state| state == RunState::Stale)
}

fn judge(name: &SegmentName, file: BorrowedFd<'_>, terms: &Terms, header: &Header) -> Result<RunState> {
    if header.live.lifecycle.load(Relaxed) == Lifecycle::Reported as u32 {
        return Ok(RunState::Finished);
    }
    if terms.origin == Origin::ByHand {
        return Ok(RunState::Open);
    }
    if Role::Coordinator.is_held(name, file)? {
        return Ok(RunState::Running);
    }
    Ok(if Role::Present.is_held(name, file)? { RunState::Orphaned } else { RunState::Stale })
}

impl Segment {
    /// Who is with the segment, besides this process.
    ///
    /// # Errors
    /// [`Error::System`] if the kernel cannot be asked.
    pub fn run_state(&self) -> Result<RunState> {
        judge(&self.name, self.file(), &self.terms, self.view().header)
    }
}

impl Snapshot {
    /// Reads the segment of that name without attaching to it.
    ///
    /// # Errors
    /// As [`super::Segment::attach`], and [`Error::Damaged`] if the ledger makes no sense.
    pub fn of(name: &SegmentName) -> Result<(Self, RunState)> {
        let file = verify::open(name, OFlags::RDONLY).map_err(|error| match error {
            Error::NoSegment { name, .. } => no_segment(&name),
            error => error,
        })?;
        let verified = verify::verify(name, file.as_fd(), verify::PATIENCE)?;
        let state = judge(name, file.as_fd(), &verified.terms, verified.header.header())?;
        Ok((Self::read(name, file.as_fd(), &verified.terms)?, state))
    }
}

/// The error for a name that nothing has, with the names that there are.
pub(super) fn no_segment(name: &SegmentName) -> Error {
    let running = list().unwrap_or_default().into_iter().map(|lookup| lookup.name).collect();
    Error::NoSegment { name: name.clone(), running }
}

/// The names in `/dev/shm` that segments may have.
fn names() -> Result<Vec<SegmentName>> {
    entries(|file_name| file_name.parse().ok())
}

/// What `pick` makes of the file names in `/dev/shm`.
pub(super) fn entries<T>(pick: impl Fn(&str) -> Option<T>) -> Result<Vec<T>> {
    let folder = std::fs::read_dir(FOLDER).map_err(|error| Error::system("list", FOLDER, error))?;
    Ok(folder.filter_map(Result::ok).filter_map(|entry| pick(entry.file_name().to_str()?)).collect())
}
