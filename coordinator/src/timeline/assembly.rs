//! Putting the model of a run together.

use std::collections::BTreeMap;

use common::{BootTime, Cells, Mode, Number, Snapshot, WorkerSnapshot};

use super::lives::LedgerAtEnd;
use super::model::{Beginning, Life, Model, Row};
use super::recording::Recording;
use super::{axis, growth};
use crate::figures::{counted, grouped, iterations_of, number};
use crate::outcome::Outcome;
use crate::report;

/// How many characters of a contribution a row shows.
const WIDEST: usize = 32;

/// Combines what the coordinator recorded, the spans of its workers, and the ledger.
pub fn assemble(recording: &Recording, snapshot: &Snapshot, created: BootTime, outcome: &Outcome) -> Model {
    let (mut spans, mut is_whole) = recording.spans();
    is_whole &= !recording.is_cut;
    let is_merged = spans.values().flatten().any(|span| span.count > 1);
    let growth = growth::points(recording, snapshot, created, spans.values().flatten());
    let ledger = LedgerAtEnd::new(snapshot, created, recording.began, outcome.end_reason.is_some(), is_whole);
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
    let row = |(ticket, lives)| Row { ticket, lives, contribution: contribution(snapshot, snapshot.worker(ticket)) };
    let rows = rows.into_iter().map(row).collect();
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
        value_type: snapshot.terms.value_type,
        value_label: String::new(),
        caveat,
    };
    model.rebase(recording.began.0);
    model.value_label = value_label(snapshot, model.wraps() > 0);
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
    format!("{} over {}, {by}", terms.kernel, grouped(&iterations_of(terms)))
}

fn summary(snapshot: &Snapshot, model: &Model, reason: &str) -> String {
    let end = if snapshot.is_complete() { "complete".to_owned() } else { format!("incomplete ({reason})") };
    let progress = match snapshot.terms.mode {
        Mode::Split => {
            let chunks = counted(snapshot.chunks_done(), "chunk");
            let (done, all) = (snapshot.iterations_done(), snapshot.terms.length());
            grouped(&format!("{done} of {all} iterations in {chunks}"))
        }
        _ => grouped(&format!("{} of {} contributions", snapshot.done(), snapshot.total())),
    };
    let restarts = match model.restarts() {
        0 => String::new(),
        restarts => format!(", {}", counted(restarts as u64, "restart")),
    };
    let value = match snapshot.value.as_slice() {
        [value] if snapshot.terms.mode.has_total() => format!("; final shared value {}", grouped(&value.to_string())),
        _ => String::new(),
    };
    let took = axis::duration(model.length);
    format!("{end}: {progress} in {took}{restarts}{value}")
}

/// What a ticket has contributed, and in how many chunks.
fn contribution(snapshot: &Snapshot, worker: Option<&WorkerSnapshot>) -> String {
    let is_split = snapshot.terms.mode == Mode::Split;
    let contributed = worker.filter(|worker| worker.chunks > 0 || !is_split);
    let Some((contribution, chunks)) =
        contributed.and_then(|worker| Some((worker.contribution.as_ref()?, worker.chunks)))
    else {
        return "nothing".to_owned();
    };
    let chunks = if is_split { format!(" in {}", grouped(&counted(chunks, "chunk"))) } else { String::new() };
    format!("{}{chunks}", cells(contribution))
}

/// A number, or the first cells of an array, with semicolons between numbers that contain commas.
fn cells(cells: &Cells<Number>) -> String {
    let mut text = String::new();
    for cell in cells.as_slice() {
        let separator = if text.is_empty() { "" } else { "; " };
        let cell = number(*cell);
        if !text.is_empty() && text.len() + separator.len() + cell.len() > WIDEST {
            return text + "; …";
        }
        text = text + separator + &cell;
    }
    text
}

fn value_label(snapshot: &Snapshot, has_wrapped: bool) -> String {
    let kind = snapshot.terms.value_type.name();
    let (first, value) = match snapshot.terms.cells {
        1 => (String::new(), format!("shared value ({kind})")),
        cells => (format!("first of {} ", grouped(&cells.to_string())), format!("shared values ({kind})")),
    };
    if has_wrapped {
        format!("exact total of the {first}{value}, which wrapped around where marked")
    } else {
        format!("{first}{value}")
    }
}
