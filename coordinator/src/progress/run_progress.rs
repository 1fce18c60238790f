//! The progress of a run at one moment, for a display.
//!
//! Read from the slots and from what the coordinator knows of its children: it takes no lock, and does not ask the kernel
//! about each worker. It decides nothing.

use std::collections::HashMap;
use std::time::Duration;

use common::WorkerState::{Attached, Computing, Died, Done, Failed, Pending, Sleeping, Waiting};
use common::{Ledger, Mode, Segment, SlotView, WorkerState, process};

use crate::figures;
use crate::worker_outcome::WorkerOutcomes;

/// The order of the states in a display.
const ORDER: [WorkerState; 8] = [Computing, Sleeping, Waiting, Attached, Pending, Done, Died, Failed];

/// What the coordinator knows of its workers.
pub struct KnownWorkers<'a> {
    /// The live process that it launched for a ticket.
    pub children: HashMap<u32, u32>,
    /// How the others ended.
    pub outcomes: &'a WorkerOutcomes,
}

/// The progress of one worker.
pub struct WorkerProgress {
    pub ticket: u32,
    pub state: WorkerState,
    /// Iterations that are computed of what it computes now, and how many that has.
    pub computed: (u64, u64),
    pub restarts: u32,
    pub chunks: u64,
}

/// The progress of a run.
pub struct RunProgress {
    pub mode: Mode,
    pub workers: Vec<WorkerProgress>,
    /// Contributions that are applied, and how many are due.
    pub done: usize,
    pub total: usize,
    /// Iterations of a split range that are applied.
    pub iterations: u64,
    /// Iterations of a split range that are applied or computed, and how many it has.
    computed: (u64, u64),
    /// How much of the run is done, from 0 to 1.
    pub part: f64,
}

impl RunProgress {
    /// Reads every used ticket, that long after the run began.
    pub fn read(segment: &Segment, known: &KnownWorkers<'_>, elapsed: Duration) -> Self {
        let terms = segment.terms();
        let mut progress = Self {
            mode: terms.mode,
            workers: Vec::new(),
            done: Ledger::of(segment).done() as usize,
            total: terms.reserved() as usize,
            iterations: 0,
            computed: (0, terms.length()),
            part: 0.0,
        };
        let mut begun = 0.0;
        for ticket in 1..=terms.slots {
            let Some(slot) = Ledger::of(segment).slot(ticket) else { break };
            let is_reserved = ticket <= terms.reserved();
            if !is_reserved && slot.state == Pending {
                break;
            }
            let worker = worker(segment, known, ticket, &slot);
            progress.iterations = progress.iterations.saturating_add(slot.iterations);
            progress.computed.0 = progress.computed.0.saturating_add(worker.computed.0);
            // The run does not wait for a dead worker that had joined by hand.
            let counts = is_reserved || !matches!(worker.state, Died | Failed);
            progress.total += usize::from(!is_reserved && counts);
            begun += begun_part(&worker);
            progress.workers.push(worker);
        }
        progress.computed.0 = progress.computed.0.saturating_add(progress.iterations);
        progress.part = if terms.mode == Mode::Split {
            ratio(progress.computed)
        } else {
            // Discounts unfinished work by the delay's share of the elapsed time: how long a sleeper still sleeps is
            // unknown.
            let (delay, elapsed) = (terms.delay.max().as_secs_f64(), elapsed.as_secs_f64());
            let awake = if elapsed > 0.0 { 1.0 - (delay / elapsed).min(1.0) } else { 0.0 };
            let total = approximate(progress.total as u64);
            if total > 0.0 { ((approximate(progress.done as u64) + begun * awake) / total).min(1.0) } else { 1.0 }
        };
        progress
    }

    /// A run of which nothing is done.
    #[cfg(test)]
    pub fn none(mode: Mode) -> Self {
        Self { mode, workers: Vec::new(), done: 0, total: 4, iterations: 0, computed: (0, 100), part: 0.0 }
    }

    /// How much of a split range is computed.
    pub fn per_cent(&self) -> u128 {
        figures::per_cent(self.computed.0, self.computed.1)
    }

    /// How many chunks are applied.
    pub fn chunks(&self) -> u64 {
        self.workers.iter().map(|worker| worker.chunks).sum()
    }

    /// How many workers are in each state, in the order of a worker's life, without empty states.
    pub fn counts(&self) -> Vec<(WorkerState, usize)> {
        let count = |state: &WorkerState| self.workers.iter().filter(|worker| worker.state == *state).count();
        ORDER.iter().map(|state| (*state, count(state))).filter(|(_, count)| *count > 0).collect()
    }
}

/// The name of a state in a display.
pub fn name(state: WorkerState) -> &'static str {
    match state {
        Attached => "attaching",
        Waiting => "waiting for the lock",
        state => state.name(),
    }
}

fn worker(segment: &Segment, known: &KnownWorkers<'_>, ticket: u32, slot: &SlotView) -> WorkerProgress {
    let outcome = known.outcomes.get(ticket);
    let state = match (slot.state, known.children.get(&ticket)) {
        (Done, _) => Done,
        // It has not taken its ticket yet, which may still show what its predecessor did.
        (_, Some(child)) if *child != slot.pid => Attached,
        (state, Some(_)) => state,
        (_, None) if outcome.is_some_and(|outcome| outcome.failure.is_some()) => Failed,
        (Pending, None) => Pending,
        (state, None) if process::exists(slot.pid) => state,
        (_, None) => Died,
    };
    let total = segment.terms().at_hand(&slot.chunk);
    let computed = if state == Computing { slot.progress.min(total) } else { 0 };
    WorkerProgress {
        ticket,
        state,
        computed: (computed, total),
        // Only the coordinator knows of a worker that died before it took its ticket.
        restarts: outcome.map_or(0, |outcome| outcome.restarts).max(slot.restarts),
        chunks: slot.chunks,
    }
}

/// How much of an unfinished contribution is computed.
fn begun_part(worker: &WorkerProgress) -> f64 {
    match worker.state {
        Computing => ratio(worker.computed),
        Sleeping | Waiting => 1.0,
        _ => 0.0,
    }
}

/// A share from 0 to 1; 1 of an empty total.
fn ratio((part, total): (u64, u64)) -> f64 {
    if total > 0 { (approximate(part) / approximate(total)).min(1.0) } else { 1.0 }
}

#[expect(clippy::cast_precision_loss, reason = "for a display")]
fn approximate(count: u64) -> f64 {
    count as f64
}
