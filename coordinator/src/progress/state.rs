//! How far a run has got, at one moment, as a display wants to know it.
//!
//! Read from the slots and from what the coordinator knows of its children: no lock is taken, and the kernel is not asked
//! about each worker. It explains and decides nothing.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use common::{Glance, Mode, Segment, WorkerState, process};

use crate::outcome::Fates;

/// What the coordinator knows of its workers.
pub struct Known<'a> {
    /// The process that it launched for a ticket and that lives.
    pub children: HashMap<u32, u32>,
    /// What became of those that do not.
    pub fates: &'a Fates,
}

/// One worker.
pub struct Worker {
    pub ticket: u32,
    pub state: WorkerState,
    /// How much of what it computes is done, from 0 to 1.
    pub part: f64,
    pub restarts: u32,
    pub chunks: u64,
}

/// A run at one moment.
pub struct Look {
    pub mode: Mode,
    pub workers: Vec<Worker>,
    /// Contributions, and how many there are to be.
    pub done: usize,
    pub total: usize,
    /// Iterations that are applied, of a range that is shared out.
    pub iterations: u64,
    /// How much of the whole is done, from 0 to 1.
    pub part: f64,
}

impl Look {
    /// Looks at every ticket that is used, that long after the run began.
    pub fn at(segment: &Segment, known: &Known<'_>, elapsed: Duration) -> Self {
        let terms = segment.terms();
        // What sleeps is not nearly done, unless sleeping is the lesser part; how far it has got nobody knows.
        let awake = 1.0 - ratio(terms.delay.max().as_secs_f64(), elapsed.as_secs_f64());
        let mut look = Self {
            mode: terms.mode,
            workers: Vec::new(),
            done: segment.done() as usize,
            total: terms.reserved() as usize,
            iterations: 0,
            part: 0.0,
        };
        let mut begun = 0.0;
        for ticket in 1..=terms.slots {
            let Some(glance) = segment.glance(ticket) else { break };
            let is_reserved = ticket <= terms.reserved();
            if !is_reserved && glance.state == WorkerState::Pending {
                break;
            }
            let worker = worker(segment, known, ticket, &glance);
            look.iterations = look.iterations.saturating_add(glance.iterations);
            // Who joined by hand and died is not one that the run waits for.
            let counts = is_reserved || !matches!(worker.state, WorkerState::Died | WorkerState::Failed);
            look.total += usize::from(!is_reserved && counts);
            begun += match terms.mode {
                Mode::Split => worker.part * width(&glance),
                _ => begun_part(&worker) * awake,
            };
            look.workers.push(worker);
        }
        look.part = match terms.mode {
            Mode::Split => ratio(approximate(look.iterations) + begun, approximate(terms.iterations)),
            _ => ratio(approximate(look.done as u64) + begun, approximate(look.total as u64)),
        };
        look
    }

    /// How many chunks were applied.
    pub fn chunks(&self) -> u64 {
        self.workers.iter().map(|worker| worker.chunks).sum()
    }

    /// How many workers are in each state, in the order of a worker's life; none that nobody is in.
    pub fn counts(&self) -> Vec<(WorkerState, usize)> {
        let mut counts: BTreeMap<usize, (WorkerState, usize)> = BTreeMap::new();
        for worker in &self.workers {
            counts.entry(order(worker.state)).or_insert((worker.state, 0)).1 += 1;
        }
        counts.into_values().collect()
    }
}

/// The name of a state in a display.
pub fn name(state: WorkerState) -> &'static str {
    match state {
        WorkerState::Attached => "attaching",
        WorkerState::Waiting => "waiting for the lock",
        state => state.name(),
    }
}

fn order(state: WorkerState) -> usize {
    match state {
        WorkerState::Computing => 0,
        WorkerState::Sleeping => 1,
        WorkerState::Waiting => 2,
        WorkerState::Attached => 3,
        WorkerState::Pending => 4,
        WorkerState::Done => 5,
        WorkerState::Died => 6,
        WorkerState::Failed => 7,
    }
}

fn worker(segment: &Segment, known: &Known<'_>, ticket: u32, glance: &Glance) -> Worker {
    let fate = known.fates.get(ticket);
    let state = match (glance.state, known.children.get(&ticket)) {
        (WorkerState::Done, _) => WorkerState::Done,
        // It has not taken its ticket yet, which may still show what its predecessor did.
        (_, Some(child)) if *child != glance.pid => WorkerState::Attached,
        (state, Some(_)) => state,
        (_, None) if fate.as_ref().is_some_and(|fate| fate.failure.is_some()) => WorkerState::Failed,
        (WorkerState::Pending, None) => WorkerState::Pending,
        (state, None) if process::exists(glance.pid) => state,
        (_, None) => WorkerState::Died,
    };
    let of = if segment.terms().mode == Mode::Split { width(glance) } else { approximate(segment.terms().iterations) };
    let is_computing = state == WorkerState::Computing;
    Worker {
        ticket,
        state,
        part: if is_computing { ratio(approximate(glance.progress), of) } else { 0.0 },
        // One that dies before it has its ticket is known to its coordinator alone.
        restarts: fate.map_or(0, |fate| fate.restarts).max(glance.restarts),
        chunks: glance.chunks,
    }
}

/// How much a worker has computed of a contribution that is not done yet.
fn begun_part(worker: &Worker) -> f64 {
    match worker.state {
        WorkerState::Computing => worker.part,
        WorkerState::Sleeping | WorkerState::Waiting => 1.0,
        _ => 0.0,
    }
}

/// How many iterations its chunk has.
fn width(glance: &Glance) -> f64 {
    approximate(glance.chunk.end.saturating_sub(glance.chunk.start))
}

/// A share from 0 to 1; of nothing it is all.
fn ratio(part: f64, of: f64) -> f64 {
    if of > 0.0 { (part / of).clamp(0.0, 1.0) } else { 1.0 }
}

#[expect(clippy::cast_precision_loss, reason = "for a display")]
fn approximate(count: u64) -> f64 {
    count as f64
}
