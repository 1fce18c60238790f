//! What the pictures show: a row a ticket, on it the lives of its workers, in each what that worker did.
//!
//! Invariants: all times are nanoseconds from the picture's beginning, and none lies behind its end; the lives of a row rise
//! in time; the stretches of a life lie within it, rise, and do not overlap.

use std::collections::BTreeMap;
use std::time::Duration;

use common::trace::Activity;
use common::{Instant, Mode, Snapshot};

use super::lives::Ledger;
use super::record::Recording;
use super::{axis, growth};
use crate::outcome::Outcome;
use crate::report;

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
    pub fn new(recording: &Recording, snapshot: &Snapshot, created: Instant, outcome: &Outcome) -> Self {
        let (mut spans, mut is_whole) = recording.spans();
        is_whole &= !recording.is_cut;
        let is_merged = spans.values().flatten().any(|span| span.count > 1);
        let growth = growth::instants(recording, snapshot, created, spans.values().flatten());
        let ledger = Ledger::new(snapshot, created, outcome.ending.is_some());
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
        model.summary = summary(snapshot, &model, report::reason(outcome));
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

fn title(snapshot: &Snapshot) -> String {
    let terms = &snapshot.terms;
    let by = match (terms.mode, terms.workers) {
        (Mode::Split, 1) => "shared out to 1 worker".to_owned(),
        (Mode::Split, workers) => format!("shared out among {workers} workers"),
        (_, 1) => "by 1 worker".to_owned(),
        (_, workers) => format!("by each of {workers} workers"),
    };
    format!("{} over {} iterations, {by}", terms.kernel, grouped(terms.iterations))
}

fn summary(snapshot: &Snapshot, model: &Model, reason: &str) -> String {
    let end = if snapshot.is_complete() { "complete".to_owned() } else { format!("incomplete ({reason})") };
    let progress = match snapshot.terms.mode {
        Mode::Split => {
            let chunks: u64 = snapshot.workers.iter().map(|worker| worker.chunks).sum();
            let (done, all) = (grouped(snapshot.iterations_done()), grouped(snapshot.terms.iterations));
            format!("{done} of {all} iterations in {chunks} chunks")
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
    let took = axis::duration(model.length);
    format!("{end}: {progress} in {took}{restarts}{value}")
}

/// A number whose thousands stand apart, as the command line takes it.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join("_")
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
