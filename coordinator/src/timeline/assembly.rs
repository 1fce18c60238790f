//! Putting the model of a run together.

use std::collections::BTreeMap;

use common::{BootTime, Mode, Snapshot};

use super::lives::Ledger;
use super::model::{Beginning, Life, Model, Row};
use super::recording::Recording;
use super::{axis, growth};
use crate::figures::counted;
use crate::outcome::Outcome;
use crate::report::{self, table};

/// Combines what the coordinator recorded, the spans of its workers, and the ledger.
pub fn assemble(recording: &Recording, snapshot: &Snapshot, created: BootTime, outcome: &Outcome) -> Model {
    let (mut spans, mut is_whole) = recording.spans();
    is_whole &= !recording.is_cut;
    let is_merged = spans.values().flatten().any(|span| span.count > 1);
    let growth = growth::instants(recording, snapshot, created, spans.values().flatten());
    let ledger = Ledger::new(snapshot, created, outcome.end_reason.is_some());
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
        (false, _) => Some("the recording was full: what followed is missing"),
        (true, true) => Some("short spans are merged"),
        (true, false) => None,
    };
    let mut model = Model {
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
    model.summary = summary(snapshot, &model, report::reason(snapshot, outcome));
    model
}

fn title(snapshot: &Snapshot) -> String {
    let terms = &snapshot.terms;
    let workers = counted(terms.workers.into(), "worker");
    let by = match (terms.mode, terms.workers) {
        (Mode::Split, _) => format!("divided among {workers}"),
        (_, 1) => format!("by {workers}"),
        _ => format!("by each of {workers}"),
    };
    let what = match terms.part {
        None => format!("{} iterations", grouped(terms.iterations)),
        Some(_) => table::extent(terms),
    };
    format!("{} over {what}, {by}", terms.kernel)
}

fn summary(snapshot: &Snapshot, model: &Model, reason: &str) -> String {
    let end = if snapshot.is_complete() { "complete".to_owned() } else { format!("incomplete ({reason})") };
    let progress = match snapshot.terms.mode {
        Mode::Split => {
            let chunks = counted(snapshot.chunks_done(), "chunk");
            let (done, all) = (grouped(snapshot.iterations_done()), grouped(snapshot.terms.length()));
            format!("{done} of {all} iterations in {chunks}")
        }
        _ => format!("{} of {} contributions", snapshot.done(), snapshot.total()),
    };
    let restarts = match model.restarts() {
        0 => String::new(),
        restarts => format!(", {}", counted(restarts as u64, "restart")),
    };
    let value = match snapshot.value.as_slice() {
        [value] if snapshot.terms.mode.has_total() => format!("; final shared value {value}"),
        _ => String::new(),
    };
    let took = axis::duration(model.length);
    format!("{end}: {progress} in {took}{restarts}{value}")
}

/// A number with groups of thousands, as the command line takes it.
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
