//! A snapshot: the whole ledger, read without its lock.
//!
//! The header is copied between two commits, or during one that did not move meanwhile; the rest is copied after it. For a
//! single value to which each ticket adds once, everything that the header counts never changes, so the rest is exact for the
//! header's moment. Arrays and chunks change with every commit: the whole segment is copied between two commits, or, if they
//! come too fast, the snapshot is marked as not consistent. A commit that is published and not applied counts: the copy is
//! completed from its redo record, as recovery would do it.

mod check;
mod missing;
mod seqlock;
#[cfg(test)]
mod tests;
mod worker;

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::clock::BootTime;
use crate::layout::View;
use crate::ledger::LoggedTickets;
use crate::lock::LockOwner;
use crate::name::SegmentName;
use crate::process::{self, Process};
use crate::redo::{self, ClaimState, Damage, recovery};
use crate::segment::namespace::Location;
use crate::segment::{AttachError, Lifecycle, Observer, Refusal, Role, Stop};
use crate::system_error::SystemError;
use crate::terms::Terms;
use crate::value::{Cells, Value};

pub use missing::Missing;
pub use worker::WorkerSnapshot;
use worker::worker;

/// The ledger at one moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on one another")]
pub struct Snapshot {
    /// The segment's name.
    pub name: SegmentName,
    /// The run's terms.
    pub terms: Terms,
    /// Whether tickets may still be taken.
    pub lifecycle: Lifecycle,
    /// What the workers are asked to do.
    pub stop: Stop,
    /// The process that coordinates the run, or did.
    pub coordinator: Option<u32>,
    /// Whether the coordinator lives.
    pub has_coordinator: bool,
    /// Whether a process is attached or coordinates the run; this one does not count.
    pub is_in_use: bool,
    /// Whether the ids of its processes mean something here: they are of this PID namespace.
    pub is_here: bool,
    /// Whether all of it is of one moment. If not, it is good for displays and proves nothing.
    pub is_consistent: bool,
    /// The shared value; of an array without a run the first 16 cells.
    pub value: Cells<Value>,
    /// The run's iterations below this one are given out in chunks.
    pub given_out: u64,
    /// How many chunks the run has set aside since it was begun or resumed.
    pub set_aside_count: u64,
    /// The ranges that are set aside, or that wait to be given out again, in no order.
    pub set_aside: Vec<Missing>,
    /// The reserved tickets, and the others that a worker ever had, by number.
    pub workers: Vec<WorkerSnapshot>,
    /// The tickets that are done, in the order of their commits.
    pub log: Vec<u32>,
    /// How many times the lock was acquired from a dead owner.
    pub recoveries: u64,
    /// From the creation to the close, or until now.
    pub elapsed: Duration,
    /// The owner of the lock.
    pub owner: Option<LockOwner>,
}

/// Where a snapshot is read from.
struct Source<'a> {
    name: &'a SegmentName,
    file: BorrowedFd<'a>,
    terms: &'a Terms,
}

impl Snapshot {
    /// Reads the ledger of a segment that is attached or observed.
    ///
    /// # Errors
    /// [`AttachError::Damaged`] if the ledger makes no sense; [`AttachError::Damaged`] or [`AttachError::Refused`] if another
    /// program truncated the file; [`AttachError::System`] if it cannot be read; [`AttachError::Forked`] in a forked child.
    pub fn of(segment: &impl AsRef<Observer>) -> Result<Self, AttachError> {
        let segment = segment.as_ref();
        let nonce = segment.view().header.identity.nonce.load(Relaxed);
        segment.must_be_whole().map_err(|damage| *damage)?;
        // A file that was truncated and grown again reads as zeros.
        if nonce != segment.nonce() {
            return Err(Damage { what: "its header was overwritten".to_owned() }.into());
        }
        Self::read(segment.name(), segment.file()?.as_fd(), segment.terms())
    }

    pub(crate) fn read(name: &SegmentName, file: BorrowedFd<'_>, terms: &Terms) -> Result<Self, AttachError> {
        let copied = seqlock::copy(file, terms).map_err(|error| SystemError::new("read segment", name, error))?;
        let Some((copy, is_consistent)) = copied else {
            let why = Refusal::Size { found: 0, expected: terms.geometry().size().to_string() };
            return Err(AttachError::Refused { name: name.clone(), why });
        };
        let view = copy.view();
        let owner = LockOwner::of(&view);
        let is_pending = recovery::is_needed(&view);
        // A glimpse of an array lacks the record's changes.
        let is_consistent = is_consistent && !(is_pending && copy.is_glimpse());
        if is_pending && !copy.is_glimpse() {
            redo::apply(&view).map_err(|damage| *damage)?;
        }
        Ok(Self { is_consistent, owner, ..Source { name, file, terms }.snapshot(&view)? })
    }

    /// Whether the coordinator lives and is stopped now (SIGSTOP), by `/proc`. For displays.
    #[must_use]
    pub fn has_stopped_coordinator(&self) -> bool {
        let is_stopped = |pid| process::look(pid, BootTime::now()) == Process::Stopped;
        self.is_here && self.has_coordinator && self.coordinator.is_some_and(is_stopped)
    }

    /// How many contributions are applied.
    #[must_use]
    pub fn done(&self) -> usize {
        self.log.len()
    }

    /// How many contributions the run wants, or has if it got more.
    #[must_use]
    pub fn total(&self) -> usize {
        let due = self.terms.contributions_due(self.log.iter().copied());
        self.done().max(usize::try_from(due).unwrap_or(usize::MAX))
    }

    /// The worker of a ticket.
    #[must_use]
    pub fn worker(&self, ticket: u32) -> Option<&WorkerSnapshot> {
        let index = self.workers.binary_search_by_key(&ticket, |worker| worker.ticket).ok()?;
        self.workers.get(index)
    }

    /// How many chunks of a split run are applied.
    #[must_use]
    pub fn chunks_done(&self) -> u64 {
        self.workers.iter().fold(0, |sum, worker| sum.saturating_add(worker.chunks))
    }

    /// How many iterations of a split run are given out in chunks.
    #[must_use]
    pub fn iterations_given_out(&self) -> u64 {
        self.given_out.saturating_sub(self.terms.range().start)
    }

    /// How many iterations of a split run are applied.
    #[must_use]
    pub fn iterations_done(&self) -> u64 {
        self.workers.iter().fold(0, |sum, worker| sum.saturating_add(worker.iterations))
    }
}

impl Source<'_> {
    /// Reads everything but the lock's owner from a copy.
    fn snapshot(&self, view: &View<'_>) -> Result<Snapshot, SystemError> {
        let (live, redo) = (&view.header.live, &view.header.redo);
        let created = view.header.identity.created_at.load(Relaxed);
        let closed = live.closed_at.load(Relaxed);
        let log = log(view);
        let is_here = Location::of(view.header) == Location::Here;
        let mut workers = self.workers(view, &log, created)?;
        if !is_here {
            workers.iter_mut().for_each(WorkerSnapshot::forget_process);
        }
        let has_coordinator = Role::Coordinator.is_held(self.name, self.file)?;
        Ok(Snapshot {
            name: self.name.clone(),
            terms: self.terms.clone(),
            lifecycle: Lifecycle::of(live.lifecycle.load(Relaxed)),
            stop: Stop::of(live.stop.load(Relaxed)),
            coordinator: Some(live.coordinator_pid.load(Relaxed)).filter(|pid| *pid != 0),
            has_coordinator,
            is_in_use: has_coordinator || Role::Present.is_held(self.name, self.file)?,
            is_here,
            is_consistent: true,
            value: view.cells.iter(Relaxed).map(|bits| self.terms.value_type.value(bits)).collect(),
            given_out: redo.given_out.load(Relaxed),
            set_aside_count: view.header.set_aside.chunk_count.load(Relaxed),
            set_aside: missing::set_aside(view),
            workers,
            log,
            recoveries: redo.recoveries.load(Relaxed),
            elapsed: Duration::from_nanos(if closed == 0 { BootTime::now().0 } else { closed }.saturating_sub(created)),
            owner: None,
        })
    }

    fn workers(&self, view: &View<'_>, log: &[u32], created: u64) -> Result<Vec<WorkerSnapshot>, SystemError> {
        let logged = LoggedTickets::of(self.terms.slots, log.iter().copied());
        let mut workers = Vec::new();
        for (slot, ticket) in view.slots.iter().zip(1..) {
            let claim = match ClaimState::of(slot.claim.load(Relaxed)) {
                // Done since the header was copied: it counts in the next snapshot.
                ClaimState::Done { epoch } if !logged.contains(ticket) => ClaimState::Taken { epoch },
                claim => claim,
            };
            if claim != ClaimState::Free || ticket <= self.terms.reserved() {
                let is_taken = matches!(claim, ClaimState::Taken { .. });
                let alive = is_taken && Role::Ticket(ticket).is_held(self.name, self.file)?;
                workers.push(worker(view, slot, ticket, claim, alive, created, self.terms));
            }
        }
        Ok(workers)
    }
}

/// The log, as far as the header counts it.
fn log(view: &View<'_>) -> Vec<u32> {
    let done = usize::try_from(view.header.redo.done_count.load(Relaxed)).unwrap_or(usize::MAX).min(view.log.len());
    view.log[..done].iter().map(|ticket| ticket.load(Relaxed)).collect()
}
