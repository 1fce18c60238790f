//! A reading of the whole ledger without its lock.
//!
//! The header is copied between two commits, or with one under way that did not move meanwhile; the rest is copied after
//! it. Of a single value to which each ticket adds once, what the header counts as done never changes, so the rest is exact
//! for the header's moment, whatever was committed since. Arrays and chunks change with every commit: there the whole is
//! copied between two commits, or, if they come too fast for that, is told as what it is: not settled. A commit that is published and not applied, because its worker was stopped or killed there, counts: the copy is
//! completed from the redo record, exactly as a recovery would do it.

mod check;
mod settled;
mod worker;

use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::holder::LockHolder;
use super::recovery;
use super::redo::apply;
use super::state::State;
use crate::clock::Instant;
use crate::error::{Error, Refusal, Result};
use crate::layout::View;
use crate::name::SegmentName;
use crate::process::{self, Process};
use crate::segment::{Lifecycle, Role, Stop, lifecycle_from, stop_from};
use crate::terms::{Mode, Terms};
use crate::value::{Cells, Value};

pub use check::Violation;
use worker::worker;
pub use worker::{WorkerSnapshot, WorkerState};

/// The ledger at one moment.
#[derive(Clone, Debug, PartialEq)]
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
    /// Whether all of it is of one moment; if not, it shows what goes on and proves nothing.
    pub is_settled: bool,
    /// The shared value.
    pub value: Cells<Value>,
    /// Up to where the range is given out in chunks.
    pub given_out: u64,
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
        let system = |error| Error::system("read segment", name, error);
        let truncated = || Error::Refused {
            name: name.clone(),
            why: Refusal::Size { found: 0, expected: terms.extent().size().to_string() },
        };
        let (image, is_settled) = settled::image(file, terms).map_err(system)?.ok_or_else(truncated)?;
        let view = image.view();
        let holder = LockHolder::of(&view);
        if recovery::is_needed(&view) {
            apply(&view)?;
        }
        Ok(Self { is_settled, ..Self::from_view(name, file, terms, &view, holder)? })
    }

    fn from_view(
        name: &SegmentName,
        file: BorrowedFd<'_>,
        terms: &Terms,
        view: &View<'_>,
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
                workers.push(worker(view, slot, ticket, state, alive, created, terms));
            }
        }
        Ok(Self {
            name: name.clone(),
            terms: terms.clone(),
            lifecycle: lifecycle_from(live.lifecycle.load(Relaxed)),
            stop: stop_from(live.stop.load(Relaxed)),
            coordinator: Some(live.coordinator_pid.load(Relaxed)).filter(|pid| *pid != 0),
            has_coordinator: Role::Coordinator.is_held(name, file)?,
            is_settled: true,
            value: view.cells().map(|cell| terms.value_type.value(cell.load(Relaxed))),
            given_out: view.header.redo.given_out.load(Relaxed),
            workers,
            log,
            recoveries: view.header.redo.recoveries.load(Relaxed),
            elapsed: Duration::from_nanos(if closed == 0 { Instant::now().0 } else { closed }.saturating_sub(created)),
            holder,
        })
    }

    /// Whether the coordinator lives and is stopped now, as by SIGSTOP; to explain, as `/proc` tells it.
    #[must_use]
    pub fn has_stopped_coordinator(&self) -> bool {
        let is_stopped = |pid| process::look(pid, Instant::now()) == Process::Stopped;
        self.has_coordinator && self.coordinator.is_some_and(is_stopped)
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
        if self.terms.mode == Mode::Split {
            // What is read while it changes may show a chunk in none of two slots.
            return self.is_settled
                && self.given_out >= self.terms.iterations
                && self.workers.iter().all(|worker| worker.chunk.is_empty());
        }
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

    /// The sum of all contributions to each cell without wrapping; nothing for fractions, or if one passes 128 bits.
    #[must_use]
    pub fn exact_total(&self) -> Option<Cells<i128>> {
        let mut totals = vec![0_i128; self.value.as_slice().len()];
        for contribution in self.workers.iter().filter_map(|worker| worker.contribution.as_ref()) {
            for (total, number) in totals.iter_mut().zip(contribution.as_slice()) {
                *total = total.checked_add(number.integer()?)?;
            }
        }
        (!self.terms.value_type.is_float()).then(|| totals.into())
    }

    /// Whether the value, or a cell of it, has wrapped around.
    #[must_use]
    pub fn has_wrapped(&self) -> bool {
        let is_wrapped = |total: &Cells<i128>| {
            let values = self.value.as_slice().iter().map(|value| value.number().integer());
            total.as_slice().iter().zip(values).any(|(total, value)| value != Some(*total))
        };
        let is_integer = !self.terms.value_type.is_float();
        self.terms.mode.has_total() && is_integer && self.exact_total().as_ref().is_none_or(is_wrapped)
    }

    /// How many chunks of a split run are applied.
    #[must_use]
    pub fn chunks_done(&self) -> u64 {
        self.workers.iter().fold(0, |sum, worker| sum.saturating_add(worker.chunks))
    }

    /// How many iterations of a split run are applied.
    #[must_use]
    pub fn iterations_done(&self) -> u64 {
        self.workers.iter().fold(0, |sum, worker| sum.saturating_add(worker.iterations))
    }
}
