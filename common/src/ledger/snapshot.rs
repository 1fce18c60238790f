//! A reading of the whole ledger without its lock.
//!
//! The segment's bytes are copied and the copy is kept only if no commit was published or applied meanwhile. A commit that
//! is published and not applied, because its worker was stopped or killed there, counts: the copy is completed from the
//! redo record, exactly as a recovery would do it.

use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::Duration;

use super::commit::apply;
use super::holder::LockHolder;
use super::recovery;
use super::ticket::State;
use crate::clock::Instant;
use crate::error::{Error, Refusal, Result};
use crate::layout::{Core, Extent, Slot, View, whole};
use crate::name::SegmentName;
use crate::segment::{Lifecycle, Role, Stop, lifecycle_from, stop_from};
use crate::sys::image::{HeaderImage, Image};
use crate::terms::{Mode, Terms};
use crate::value::Value;

/// How often a copy is tried before a busy ledger is taken as it comes.
const ATTEMPTS: u32 = 100;

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
    /// How many times a ticket was taken over from a dead worker.
    pub restarts: u64,
    /// How many times the lock was taken over from a dead owner.
    pub recoveries: u64,
    /// From the creation to the close, or until now.
    pub elapsed: Duration,
    /// Who holds the lock.
    pub holder: Option<LockHolder>,
}

/// One ticket at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSnapshot {
    /// The ticket: the K of `Process-K`.
    pub ticket: u32,
    /// The process that has the ticket, or had it last; 0 before the first.
    pub pid: u32,
    /// Whether that process lives.
    pub alive: bool,
    /// What it does.
    pub state: WorkerState,
    /// How many workers had the ticket before.
    pub restarts: u32,
    /// What was contributed under it.
    pub contribution: Option<i128>,
    /// The shared value right after that.
    pub value_after: Option<Value>,
    /// Iterations done so far.
    pub progress: u64,
    /// When it took the ticket, from the segment's creation on.
    pub attached: Option<Duration>,
    /// How long its kernel ran.
    pub computed: Option<Duration>,
    /// How long it slept.
    pub slept: Option<Duration>,
    /// How long it waited for the lock.
    pub lock_wait: Option<Duration>,
    /// When its contribution was applied, from the segment's creation on.
    pub committed: Option<Duration>,
}

/// What a ticket's worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerState {
    /// No worker has taken the ticket yet.
    Pending,
    /// It has attached.
    Attached,
    /// It runs its kernel.
    Computing,
    /// It sleeps its delay.
    Sleeping,
    /// It waits for the lock or commits.
    Waiting,
    /// Its contribution is applied.
    Done,
    /// It died or left before its contribution.
    Died,
}

impl WorkerState {
    /// The name as reports give it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Attached => "attached",
            Self::Computing => "computing",
            Self::Sleeping => "sleeping",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Died => "died",
        }
    }
}

/// A ledger that contradicts itself; nothing that it says is to be reported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The value is not the sum of the contributions.
    #[error("the value is {value}, and the contributions make {sum}")]
    Value {
        /// What the segment holds.
        value: i128,
        /// What it should hold.
        sum: i128,
    },
    /// The log does not name the tickets that are done, once each.
    #[error("the log names {logged} tickets, and {done} are done")]
    Log {
        /// How many distinct tickets that are done the log names.
        logged: usize,
        /// How many tickets are done.
        done: usize,
    },
}

impl Snapshot {
    pub(crate) fn read(name: &SegmentName, file: BorrowedFd<'_>, terms: &Terms) -> Result<Self> {
        let extent = Extent { slots: terms.slots };
        let system = |error| Error::system("read segment", name, error);
        let truncated = || Error::Refused {
            name: name.clone(),
            why: Refusal::Size { found: 0, expected: extent.size().to_string() },
        };
        let mut attempt = 1;
        let image = loop {
            let image = Image::read(file, extent).map_err(system)?.ok_or_else(truncated)?;
            let after = HeaderImage::read(file).map_err(system)?.ok_or_else(truncated)?;
            if numbers(&image.view().header.core) == numbers(&after.header().core) || attempt == ATTEMPTS {
                break image;
            }
            attempt += 1;
        };
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
        let mut workers = Vec::new();
        for (slot, ticket) in view.slots.iter().zip(1..) {
            let state = State::of(slot.claim.load(Relaxed));
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
            log: view.log[..done].iter().map(|ticket| ticket.load(Relaxed)).collect(),
            restarts: live.restarts.load(Relaxed),
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
        self.done().max(self.terms.workers as usize)
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

    /// Proves the ledger's invariants.
    ///
    /// # Errors
    /// The [`Violation`] that was found.
    pub fn check(&self) -> Result<(), Violation> {
        let contributions = self.workers.iter().filter_map(|worker| worker.contribution);
        let sum = contributions.fold(0, i128::wrapping_add);
        let sum = if self.terms.mode == Mode::Repeat { self.terms.value_type.wrap(sum).to_i128() } else { 0 };
        if self.value.to_i128() != sum {
            return Err(Violation::Value { value: self.value.to_i128(), sum });
        }
        let done = self.workers.iter().filter(|worker| worker.state == WorkerState::Done).count();
        let mut logged: Vec<u32> = self.log.clone();
        logged.sort_unstable();
        logged.dedup();
        logged.retain(|ticket| self.worker(*ticket).is_some_and(|worker| worker.state == WorkerState::Done));
        if logged.len() == done && self.log.len() == done {
            Ok(())
        } else {
            Err(Violation::Log { logged: logged.len(), done })
        }
    }
}

/// The numbers of the last commits that were published and applied.
fn numbers(core: &Core) -> (u64, u64) {
    // Acquire pairs with the Release stores in `publish` and `apply`.
    (core.published.load(Acquire), core.applied.load(Acquire))
}

fn worker(slot: &Slot, ticket: u32, state: State, alive: bool, created: u64, terms: &Terms) -> WorkerSnapshot {
    let done = matches!(state, State::Done { .. });
    let since_creation = |at: u64| (at > 0).then(|| Duration::from_nanos(at.saturating_sub(created)));
    let committed_at = slot.committed_at.load(Relaxed);
    // The times are stored after the commit, so a worker killed in between leaves none.
    let took = |time: u64| (done && committed_at > 0).then(|| Duration::from_nanos(time));
    WorkerSnapshot {
        ticket,
        pid: slot.pid.load(Relaxed),
        alive,
        state: match state {
            State::Free => WorkerState::Pending,
            State::Done { .. } => WorkerState::Done,
            State::Taken { .. } if !alive => WorkerState::Died,
            State::Taken { .. } => match slot.phase.load(Relaxed) {
                0 => WorkerState::Attached,
                1 => WorkerState::Computing,
                2 => WorkerState::Sleeping,
                _ => WorkerState::Waiting,
            },
        },
        restarts: slot.launches.load(Relaxed).saturating_sub(1),
        contribution: done.then(|| whole(slot.contribution.each_ref().map(|half| half.load(Relaxed)))),
        value_after: done.then(|| terms.value_type.value(slot.value_after.load(Relaxed))),
        progress: slot.progress.load(Relaxed),
        attached: (state != State::Free).then(|| since_creation(slot.attached_at.load(Relaxed))).flatten(),
        computed: took(slot.computed_ns.load(Relaxed)),
        slept: took(slot.slept_ns.load(Relaxed)),
        lock_wait: took(slot.lock_wait_ns.load(Relaxed)),
        committed: since_creation(if done { committed_at } else { 0 }),
    }
}
