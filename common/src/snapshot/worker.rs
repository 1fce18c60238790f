//! One ticket of a snapshot.

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::clock::BootTime;
use crate::layout::{Slot, View};
use crate::ledger::{self, Cause, Committed, Phase, WorkerState};
use crate::process::{self, Process};
use crate::redo::{ClaimState, load_range};
use crate::terms::{Mode, Terms};
use crate::value::{Cells, Number, Value};

/// One ticket at one moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WorkerSnapshot {
    /// The ticket: the K of `Process-K`.
    pub ticket: u32,
    /// The process that has the ticket, or had it last; 0 before the first.
    pub pid: u32,
    /// Whether that process lives.
    pub alive: bool,
    /// Its state.
    pub state: WorkerState,
    /// How many workers had the ticket before.
    pub restarts: u32,
    /// The sum of its contributions.
    pub contribution: Option<Cells<Number>>,
    /// The shared value right after it; nothing in a split run.
    pub value_after: Option<Cells<Value>>,
    /// How many chunks are applied.
    pub chunks: u64,
    /// The number of iterations in these chunks.
    pub iterations: u64,
    /// The chunk that it holds; empty if it holds none.
    pub chunk: Range<u64>,
    /// Why nobody takes over its chunk, if it was given up.
    pub given_up: Option<Cause>,
    /// Iterations done so far: of its chunk in a split run, else of the whole range.
    pub progress: u64,
    /// When it took the ticket, since the segment's creation.
    pub attached: Option<Duration>,
    /// How long its kernel ran.
    pub computed: Option<Duration>,
    /// How long it slept.
    pub slept: Option<Duration>,
    /// How long it waited for the lock.
    pub lock_wait: Option<Duration>,
    /// When its contribution was applied, since the segment's creation.
    pub committed: Option<Duration>,
    /// When it took the ticket, on `/proc`'s clock; nothing if its process is not one of this PID namespace.
    since: Option<BootTime>,
}

impl WorkerSnapshot {
    /// Whether its process is stopped now (SIGSTOP), by `/proc`. For displays.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.alive && self.since.is_some_and(|since| process::look(self.pid, since) == Process::Stopped)
    }

    /// From now on nobody looks at its process: the id means another one here.
    pub(super) fn forget_process(&mut self) {
        self.since = None;
    }
}

/// Why the chunk of a slot was given up.
fn given_up(slot: &Slot) -> Option<Cause> {
    match slot.phase.load(Relaxed) {
        _ if load_range(&slot.chunk).is_empty() => None,
        phase if phase == Phase::Failed as u32 => Some(Cause::NoRoom),
        phase if phase == Phase::Overflowed as u32 => Some(Cause::Overflow),
        _ => None,
    }
}

/// Reads a ticket from its slot.
pub(super) fn worker(
    view: &View<'_>,
    slot: &Slot,
    ticket: u32,
    claim: ClaimState,
    alive: bool,
    created: u64,
    terms: &Terms,
) -> WorkerSnapshot {
    let done = matches!(claim, ClaimState::Done { .. });
    let since_creation = |at: u64| (at > 0).then(|| Duration::from_nanos(at.saturating_sub(created)));
    let committed_at = slot.committed_at.load(Relaxed);
    // The worker stores the times after its commit; killed in between, it leaves none.
    let took = |time: u64| (done && committed_at > 0).then(|| Duration::from_nanos(time));
    let chunks = slot.chunks.load(Relaxed);
    let Committed { contribution, value, .. } = Committed::of(view, slot, ticket, terms.value_type);
    WorkerSnapshot {
        ticket,
        pid: slot.pid.load(Relaxed),
        alive,
        state: WorkerState::of(claim, slot.phase.load(Relaxed), Some(alive)),
        restarts: ledger::restarts(claim),
        contribution: ledger::has_contributed(slot, done).then_some(contribution),
        value_after: (done && terms.mode == Mode::Repeat).then_some(value),
        chunks,
        iterations: slot.iterations.load(Relaxed),
        chunk: load_range(&slot.chunk),
        given_up: if done || alive { None } else { given_up(slot) },
        progress: slot.progress.load(Relaxed),
        attached: (claim != ClaimState::Free).then(|| since_creation(slot.attached_at.load(Relaxed))).flatten(),
        computed: took(slot.computed_ns.load(Relaxed)),
        slept: took(slot.slept_ns.load(Relaxed)),
        lock_wait: took(slot.lock_wait_ns.load(Relaxed)),
        committed: since_creation(if done { committed_at } else { 0 }),
        since: Some(BootTime(slot.attached_at.load(Relaxed))),
    }
}
