//! What the pictures show: a row a ticket, on it the lives of its workers, in each what that worker did.
//!
//! Invariants: all times are nanoseconds from the picture's beginning, and none lies behind its end; the lives of a row rise
//! in time; the stretches of a life lie within it, rise, and do not overlap.

use std::collections::BTreeMap;
use std::time::Duration;

use common::trace::{Activity, Span};
use common::{Instant, Mode, Phase, Snapshot, WorkerSnapshot, WorkerState, exit_code};

use super::growth;
use super::record::{Launch, Recording};
use crate::outcome::describe;

/// A run, ready to be drawn.
pub struct Model {
    /// What was run.
    pub title: String,
    /// What came of it.
    pub summary: String,
    /// The segment's name.
    pub name: String,
    /// How long the picture is.
    pub length: u64,
    pub rows: Vec<Row>,
    /// The shared value from each of these times on; none if the results stay apart.
    pub growth: Vec<(u64, f64)>,
    /// What the value is.
    pub value_label: String,
    /// What is not in the picture, or not as it was.
    pub caveat: Option<&'static str>,
}

/// A ticket.
pub struct Row {
    pub ticket: u32,
    pub lives: Vec<Life>,
}

/// A worker from its launch to its end.
pub struct Life {
    pub pid: u32,
    pub beginning: Beginning,
    pub start: u64,
    pub end: u64,
    /// How it ended, as the middle of a sentence.
    pub fate: String,
    /// Whether it died, rather than left.
    pub died: bool,
    pub stretches: Vec<Stretch>,
}

/// How a life began.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    Launched,
    Restarted,
    /// By hand, or launched by a coordinator that died.
    Joined,
}

/// What a worker did for a while.
pub struct Stretch {
    pub activity: Activity,
    pub start: u64,
    pub end: u64,
    /// The chunk that was computed: its first iteration and one more than its last.
    pub chunk: Option<(u64, u64)>,
    /// How many spans were merged into it.
    pub count: u32,
    /// Whether the worker died in it.
    pub is_cut: bool,
    /// Whether something may have been committed in it.
    pub commits: bool,
}

impl Model {
    /// Puts together what the coordinator saw, what its workers noted, and what the ledger knows.
    pub fn new(recording: &Recording, snapshot: &Snapshot, created: Instant, reason: &str) -> Self {
        let (mut spans, mut is_whole) = recording.spans();
        is_whole &= !recording.is_cut;
        let is_merged = spans.values().flatten().any(|span| span.count > 1);
        let growth = growth::instants(recording, snapshot, created, spans.values().flatten());
        let ledger = Ledger { snapshot, created, end: created.0 + nanoseconds(snapshot.elapsed) };
        let mut rows: BTreeMap<u32, Vec<Life>> =
            snapshot.workers.iter().map(|worker| (worker.ticket, Vec::new())).collect();
        for launch in &recording.launches {
            let spans = spans.remove(&(launch.ticket, launch.pid)).unwrap_or_default();
            let lives = rows.entry(launch.ticket).or_default();
            let beginning = if lives.is_empty() { Beginning::Launched } else { Beginning::Restarted };
            lives.push(ledger.launched(launch, beginning, spans));
        }
        for worker in &snapshot.workers {
            let lives = rows.entry(worker.ticket).or_default();
            if lives.is_empty() {
                lives.extend(ledger.joined(worker, recording.departures.get(&worker.ticket).copied()));
            }
        }
        let rows = rows.into_iter().map(|(ticket, lives)| Row { ticket, lives }).collect();
        let caveat = match (is_whole, is_merged) {
            (false, _) => Some("more happened than is recorded: the rest is left out"),
            (true, true) => Some("short spans are merged"),
            (true, false) => None,
        };
        let mut model = Self {
            title: title(snapshot),
            summary: String::new(),
            name: snapshot.name.to_string(),
            length: 0,
            rows,
            growth,
            value_label: value_label(snapshot),
            caveat,
        };
        model.rebase(recording.began.0.0);
        model.summary = summary(snapshot, &model, reason);
        model
    }

    /// Counts all times from the first one on.
    fn rebase(&mut self, began: u64) {
        let lives = || self.rows.iter().flat_map(|row| &row.lives);
        let origin = lives().map(|life| life.start).chain([began]).min().unwrap_or(began);
        let last = lives().map(|life| life.end).chain(self.growth.iter().map(|(at, _)| *at)).max();
        // An empty picture would have no scale.
        self.length = last.unwrap_or(began).saturating_sub(origin).max(1000);
        for life in self.rows.iter_mut().flat_map(|row| &mut row.lives) {
            let times = life.stretches.iter_mut().flat_map(|stretch| [&mut stretch.start, &mut stretch.end]);
            times.chain([&mut life.start, &mut life.end]).for_each(|time| *time -= origin);
        }
        // What was before the picture is the value that it begins with.
        let before = self.growth.iter().take_while(|(at, _)| *at <= origin).count();
        self.growth.drain(..before.saturating_sub(1));
        self.growth.iter_mut().for_each(|(at, _)| *at = at.saturating_sub(origin));
    }

    /// How often workers were launched again.
    pub fn restarts(&self) -> usize {
        let lives = self.rows.iter().flat_map(|row| &row.lives);
        lives.filter(|life| life.beginning == Beginning::Restarted).count()
    }
}

/// What the ledger knows, for what nobody noted.
struct Ledger<'a> {
    snapshot: &'a Snapshot,
    created: Instant,
    end: u64,
}

impl Ledger<'_> {
    /// The life of a worker that this coordinator launched.
    fn launched(&self, launch: &Launch, beginning: Beginning, spans: Vec<Span>) -> Life {
        let start = launch.at.0;
        let end = launch.end.as_ref().map_or(self.end, |end| end.at.0).max(start);
        let worker = self.snapshot.worker(launch.ticket).filter(|worker| worker.pid == launch.pid);
        let stretches = match worker {
            // It could not note anything, but it has contributed.
            Some(worker) if spans.is_empty() => self.durations(worker, start, end),
            _ => stretches(launch, spans, self.snapshot.terms.mode == Mode::Split, start, end),
        };
        let fate = match &launch.end {
            Some(launch_end) if launch_end.status.exit_status() == Some(0) => "has finished".to_owned(),
            Some(launch_end) => describe(launch_end.status),
            None => "was left behind".to_owned(),
        };
        Life { pid: launch.pid, beginning, start, end, fate, died: has_died(launch), stretches }
    }

    /// The life of a worker that it did not.
    fn joined(&self, worker: &WorkerSnapshot, departed: Option<Instant>) -> Option<Life> {
        let start = self.created.0 + nanoseconds(worker.attached?);
        let committed = worker.committed.map(|committed| self.created.0 + nanoseconds(committed));
        let end = committed.or(departed.map(|at| at.0)).unwrap_or(self.end).max(start);
        let died = worker.state == WorkerState::Died;
        let fate = match worker.state {
            WorkerState::Done => "has contributed",
            WorkerState::Died => "died or left",
            WorkerState::Failed => "failed",
            _ => "was still at work",
        };
        let stretches = self.durations(worker, start, end);
        Some(Life { pid: worker.pid, beginning: Beginning::Joined, start, end, fate: fate.to_owned(), died, stretches })
    }

    /// The stretches of a worker of which only durations are known, backwards from its commit.
    fn durations(&self, worker: &WorkerSnapshot, start: u64, end: u64) -> Vec<Stretch> {
        let Some(committed) = worker.committed.filter(|_| self.snapshot.terms.mode != Mode::Split) else {
            return Vec::new();
        };
        let mut at = (self.created.0 + nanoseconds(committed)).clamp(start, end);
        let stretch = |activity, start, end, commits| Stretch {
            activity,
            start,
            end,
            chunk: None,
            count: 1,
            is_cut: false,
            commits,
        };
        // How long the lock was held for it is not known.
        let mut stretches = vec![stretch(Activity::Hold, at, at, true)];
        let took =
            [(Activity::Wait, worker.lock_wait), (Activity::Sleep, worker.slept), (Activity::Compute, worker.computed)];
        for (activity, took) in took {
            let from = at.saturating_sub(took.map_or(0, nanoseconds)).max(start);
            if from < at {
                stretches.push(stretch(activity, from, at, false));
            }
            at = from;
        }
        stretches.reverse();
        stretches
    }
}

/// What a worker noted, in order, and the span in which it died.
fn stretches(launch: &Launch, mut spans: Vec<Span>, is_split: bool, start: u64, end: u64) -> Vec<Stretch> {
    let open = open(launch, spans.last());
    spans.sort_by_key(|span| span.start);
    let mut at = start;
    let mut stretches = Vec::with_capacity(spans.len() + 1);
    for Span { activity, count, start, end: until, range, value, .. } in spans {
        let (from, to) = (start.0.clamp(at, end), until.0.clamp(at, end));
        let chunk = (is_split && !range.is_empty()).then_some((range.start, range.end));
        stretches.push(Stretch {
            activity,
            start: from,
            end: to,
            chunk,
            count,
            is_cut: false,
            commits: value.is_some(),
        });
        at = to;
    }
    if let Some(activity) = open.filter(|_| at < end) {
        stretches.push(Stretch { activity, start: at, end, chunk: None, count: 1, is_cut: true, commits: false });
    }
    stretches
}

/// What a worker was doing when it ended, if it was in the middle of something.
fn open(launch: &Launch, last: Option<&Span>) -> Option<Activity> {
    let end = launch.end.as_ref()?;
    let last = last.map(|last| last.activity);
    let doing = match end.phase? {
        Phase::Computing => Activity::Compute,
        Phase::Sleeping => Activity::Sleep,
        // It notes that it had to wait when it has the lock, and that it has held it when it has it no more.
        Phase::Waiting if last == Some(Activity::Wait) => Activity::Hold,
        Phase::Waiting if !end.is_done => Activity::Wait,
        Phase::Attached | Phase::Waiting | Phase::Failed => return None,
    };
    (end.status.exit_status() != Some(0) && last != Some(doing)).then_some(doing)
}

/// Whether a worker died, rather than left because it was asked to or had nothing more to do.
fn has_died(launch: &Launch) -> bool {
    let Some(end) = &launch.end else { return false };
    let left =
        [exit_code::COMPLETE, exit_code::INCOMPLETE, exit_code::HANGUP, exit_code::INTERRUPTED, exit_code::TERMINATED];
    let has_left = end.status.exit_status().is_some_and(|code| left.iter().any(|left| i32::from(*left) == code));
    !has_left || end.phase == Some(Phase::Failed)
}

fn title(snapshot: &Snapshot) -> String {
    let terms = &snapshot.terms;
    let by = match (terms.mode, terms.workers) {
        (Mode::Split, 1) => "shared out to 1 worker".to_owned(),
        (Mode::Split, workers) => format!("shared out among {workers} workers"),
        (_, 1) => "by 1 worker".to_owned(),
        (_, workers) => format!("by each of {workers} workers"),
    };
    format!("{} over {} iterations, {by}", terms.kernel, terms.iterations)
}

fn summary(snapshot: &Snapshot, model: &Model, reason: &str) -> String {
    let end = if snapshot.is_complete() { "complete".to_owned() } else { format!("incomplete ({reason})") };
    let progress = match snapshot.terms.mode {
        Mode::Split => {
            let chunks: u64 = snapshot.workers.iter().map(|worker| worker.chunks).sum();
            format!("{} of {} iterations in {chunks} chunks", snapshot.iterations_done(), snapshot.terms.iterations)
        }
        _ => format!("{} of {} contributions", snapshot.done(), snapshot.total()),
    };
    let restarts = match model.restarts() {
        0 => String::new(),
        1 => ", 1 restart".to_owned(),
        restarts => format!(", {restarts} restarts"),
    };
    let value = match snapshot.value.as_slice() {
        [value] if snapshot.terms.mode.has_total() => format!("; final shared value {value}"),
        _ => String::new(),
    };
    let took = Duration::from_nanos(model.length);
    format!("{end}: {progress} in {took:.2?}{restarts}{value}")
}

fn value_label(snapshot: &Snapshot) -> String {
    let kind = snapshot.terms.value_type.name();
    match snapshot.terms.cells {
        1 => format!("shared value ({kind})"),
        cells => format!("first of {cells} shared values ({kind})"),
    }
}

pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
