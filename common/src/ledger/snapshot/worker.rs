//! One ticket of a snapshot.

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::clock::Instant;
use crate::layout::{Slot, View};
use crate::ledger::commit::Committed;
use crate::ledger::redo::range;
use crate::ledger::state::State;
use crate::ledger::ticket::Phase;
use crate::process::{self, Process};
use crate::terms::{Mode, Terms};
use crate::value::{Cells, Number, Value};

/// One ticket at one moment.
#[derive(Clone, Debug, PartialEq)]
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
    pub contribution: Option<Cells<Number>>,
    /// The shared value right after that; nothing where it is shared out in chunks.
    pub value_after: Option<Cells<Value>>,
    /// How many chunks were applied.
    pub chunks: u64,
    /// How many iterations these had.
    pub iterations: u64,
    /// The chunk that it holds; empty if it holds none.
    pub chunk: Range<u64>,
    /// Iterations done so far, of the chunk if it holds one.
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
    /// When it took the ticket, on the clock that `/proc` compares with.
    since: Instant,
}

impl WorkerSnapshot {
    /// Whether its process is stopped now, as by SIGSTOP; to explain, as `/proc` tells it.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.alive && process::look(self.pid, self.since) == Process::Stopped
    }
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
    /// It gave its chunk up, and left.
    Failed,
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
            Self::Failed => "failed",
        }
    }

    /// What a live worker in that phase does.
    pub(in crate::ledger) fn in_phase(phase: u32) -> Self {
        match phase {
            0 => Self::Attached,
            1 => Self::Computing,
            2 => Self::Sleeping,
            _ => Self::Waiting,
        }
    }
}

/// The ticket in that slot, as it stands.
pub(super) fn worker(
    view: &View<'_>,
    slot: &Slot,
    ticket: u32,
    state: State,
    alive: bool,
    created: u64,
    terms: &Terms,
) -> WorkerSnapshot {
    let done = matches!(state, State::Done { .. });
    let since_creation = |at: u64| (at > 0).then(|| Duration::from_nanos(at.saturating_sub(created)));
    let committed_at = slot.committed_at.load(Relaxed);
    // The times are stored after the commit, so a worker killed in between leaves none.
    let took = |time: u64| (done && committed_at > 0).then(|| Duration::from_nanos(time));
    let chunks = slot.chunks.load(Relaxed);
    let Committed { contribution, value, .. } = Committed::of(view, slot, ticket, terms.value_type);
    WorkerSnapshot {
        ticket,
        pid: slot.pid.load(Relaxed),
        alive,
        state: match state {
            State::Free => WorkerState::Pending,
            State::Done { .. } => WorkerState::Done,
            State::Taken { .. } if !alive && slot.phase.load(Relaxed) == Phase::Failed as u32 => WorkerState::Failed,
            State::Taken { .. } if !alive => WorkerState::Died,
            State::Taken { .. } => WorkerState::in_phase(slot.phase.load(Relaxed)),
        },
        restarts: slot.launches.load(Relaxed).saturating_sub(1),
        contribution: (done || chunks > 0).then_some(contribution),
        value_after: (done && terms.mode == Mode::Repeat).then_some(value),
        chunks,
        iterations: slot.iterations.load(Relaxed),
        chunk: range(&slot.chunk),
        progress: slot.progress.load(Relaxed),
        attached: (state != State::Free).then(|| since_creation(slot.attached_at.load(Relaxed))).flatten(),
        computed: took(slot.computed_ns.load(Relaxed)),
        slept: took(slot.slept_ns.load(Relaxed)),
        lock_wait: took(slot.lock_wait_ns.load(Relaxed)),
        committed: since_creation(if done { committed_at } else { 0 }),
        since: Instant(slot.attached_at.load(Relaxed)),
    }
}
