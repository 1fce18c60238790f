//! A reading of the whole ledger without its lock.
//!
//! The header is copied between two commits, or with one under way that did not move meanwhile; the rest is copied after
//! it. What the header counts as done never changes, so the rest is exact for the header's moment, whatever was committed
//! since. A commit that is published and not applied, because its worker was stopped or killed there, counts: the copy is
//! completed from the redo record, exactly as a recovery would do it.

mod check;
mod worker;

use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::fence;
use std::time::Duration;

use rustix::io::Errno;

use super::holder::LockHolder;
use super::recovery;
use super::redo::apply;
use super::state::State;
use crate::clock::Instant;
use crate::error::{Error, Refusal, Result};
use crate::layout::{Core, Extent, View};
use crate::name::SegmentName;
use crate::segment::{Lifecycle, Role, Stop, lifecycle_from, stop_from};
use crate::sys::image::{HeaderImage, Image};
use crate::terms::{Mode, Terms};
use crate::value::Value;

pub use check::Violation;
use worker::worker;
pub use worker::{WorkerSnapshot, WorkerState};

/// How often a copy of the header is tried; each takes about a microsecond.
const ATTEMPTS: u32 = 100_000;

/// The ledger at one moment.
#[derive(Clone, Debug)]
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
    /// Whether it lives.
    pub has_coordinator: bool,
    /// The shared value.
    pub value: Value,
    /// Every ticket that a worker ever had, and those that a coordinator has yet to give out.
    pub workers: Vec<WorkerSnapshot>,
    /// The tickets that are done, in the order of their commits.
    pub log: Vec<u32>,
    /// How many times the lock was taken over from a dead owner.
    pub recoveries: u64,
    /// From the creation to the close, or until now.
    pub elapsed: Duration,
    /// Who holds the lock.
    pub holder: Option<LockHolder>,
}

impl Snapshot {
    pub(crate) fn read(name: &SegmentName, file: BorrowedFd<'_>, terms: &Terms) -> Result<Self> {
        let extent = Extent { slots: terms.slots };
        let system = |error| Error::system("read segment", name, error);
        let truncated = || Error::Refused {
            name: name.clone(),
            why: Refusal::Size { found: 0, expected: extent.size().to_string() },
        };
        let header = settled_header(file).map_err(system)?.ok_or_else(truncated)?;
        let image = Image::read(file, extent, header).map_err(system)?.ok_or_else(truncated)?;
        let holder = LockHolder::of(image.view());
        if recovery::is_needed(image.view()) {
            apply(image.view())?;
        }
        Self::from_view(name, file, terms, image.view(), holder)
    }

    fn from_view(
        name: &SegmentName,
        file: BorrowedFd<'_>,
        terms: &Terms,
        view: View<'_>,
        holder: Option<LockHolder>,
    ) -> Result<Self> {
        let live = &view.header.live;
        let created = view.header.identity.created_at.load(Relaxed);
        let closed = live.closed_at.load(Relaxed);
        let done = usize::try_from(view.header.redo.done_count.load(Relaxed)).unwrap_or(usize::MAX).min(view.log.len());
        let log: Vec<u32> = view.log[..done].iter().map(|ticket| ticket.load(Relaxed)).collect();
        let mut is_logged = vec![false; view.slots.len() + 1];
        for ticket in &log {
            if let Some(is_logged) = is_logged.get_mut(*ticket as usize) {
                *is_logged = true;
            }
        }
        let mut workers = Vec::new();
        for (slot, ticket) in view.slots.iter().zip(1..) {
            let state = match State::of(slot.claim.load(Relaxed)) {
                // Done since the header was copied: it counts at the next look.
                State::Done { epoch } if !is_logged[ticket as usize] => State::Taken { epoch },
                state => state,
            };
            if state != State::Free || ticket <= terms.reserved() {
                let alive = matches!(state, State::Taken { .. }) && Role::Ticket(ticket).is_held(name, file)?;
                workers.push(worker(slot, ticket, state, alive, created, terms));
            }
        }
        Ok(Self {
            name: name.clone(),
            terms: terms.clone(),
            lifecycle: lifecycle_from(live.lifecycle.load(Relaxed)),
            stop: stop_from(live.stop.load(Relaxed)),
            coordinator: Some(live.coordinator_pid.load(Relaxed)).filter(|pid| *pid != 0),
            has_coordinator: Role::Coordinator.is_held(name, file)?,
            value: terms.value_type.value(view.header.core.value.load(Relaxed)),
            workers,
            log,
            recoveries: view.header.redo.recoveries.load(Relaxed),
            elapsed: Duration::from_nanos(if closed == 0 { Instant::now().0 } else { closed }.saturating_sub(created)),
            holder,
        })
    }

    /// How many contributions are applied.
    #[must_use]
    pub fn done(&self) -> usize {
        self.log.len()
    }

    /// How many contributions the run wants, or has if it got more.
    #[must_use]
    pub fn total(&self) -> usize {
        match self.terms.reserved() {
            0 => self.done().max(self.terms.workers as usize),
            reserved => reserved as usize + self.log.iter().filter(|ticket| **ticket > reserved).count(),
        }
    }

    /// Whether every contribution that the run wants is applied.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        match self.terms.reserved() {
            0 => self.done() >= self.terms.workers as usize,
            reserved => self.workers.iter().take(reserved as usize).all(|worker| worker.state == WorkerState::Done),
        }
    }

    /// The worker of a ticket.
    #[must_use]
    pub fn worker(&self, ticket: u32) -> Option<&WorkerSnapshot> {
        let index = self.workers.binary_search_by_key(&ticket, |worker| worker.ticket).ok()?;
        self.workers.get(index)
    }

    /// The sum of all contributions without wrapping; nothing if it passes 128 bits.
    #[must_use]
    pub fn exact_total(&self) -> Option<i128> {
        self.workers.iter().filter_map(|worker| worker.contribution).try_fold(0, i128::checked_add)
    }

    /// Whether the value has wrapped around.
    #[must_use]
    pub fn has_wrapped(&self) -> bool {
        self.terms.mode == Mode::Repeat && self.exact_total() != Some(self.value.to_i128())
    }
}

/// A copy of the header during which no commit was published or applied.
fn settled_header(file: BorrowedFd<'_>) -> Result<Option<HeaderImage>, Errno> {
    let Some(mut header) = HeaderImage::read(file)? else { return Ok(None) };
    for _ in 0..ATTEMPTS {
        // Acquire pairs with the Release fences in `publish` and `record`: a copy that shows the same numbers before and
        // after shows nothing that was stored behind a later number.
        fence(Acquire);
        let Some(again) = HeaderImage::read(file)? else { return Ok(None) };
        if numbers(&header.header().core) == numbers(&again.header().core) {
            return Ok(Some(header));
        }
        header = again;
    }
    // Commits come faster than the header can be read twice: never seen, and told as what it is.
    Err(Errno::AGAIN)
}

/// The numbers of the last commits that were published and applied.
fn numbers(core: &Core) -> (u64, u64) {
    (core.published.load(Relaxed), core.applied.load(Relaxed))
}
