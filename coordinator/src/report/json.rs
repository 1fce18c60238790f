//! The JSON of runs and of `status`.
//!
//! Invariant: a key has one type whatever its value. An integer that may pass 2^53 is always a string, because readers that
//! hold numbers as doubles would round it.

mod stored;
mod worker;

use std::ops::Range;

use common::{Cells, Missing, Mode, Number, Shard, Snapshot, Stop, Value, ValueType};
use serde::Serialize;
use serde_json::Value as Json;

pub use stored::of_stored;
use worker::{Worker, worker};

use super::status_view::StatusView;
use crate::worker_outcome::WorkerOutcomes;

/// The version of all JSON. A later version only adds keys, unless this number changes.
pub const SCHEMA: u32 = 2;

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    kernel: &'a str,
    mode: &'static str,
    iterations: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    split: Option<Split>,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<RangeOfRun>,
    shard: Option<ShardOfRun>,
    cells: u32,
    shown_cells: usize,
    consistent: bool,
    r#type: &'static str,
    value: Json,
    exact_total: Json,
    wrapped: bool,
    complete: bool,
    missing: Vec<MissingRange>,
    contributions: Share<usize>,
    restarts: u64,
    recoveries: u64,
    elapsed_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_use: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coordinator: Option<Coordinator>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock: Option<Lock>,
    workers: Vec<Worker>,
}

/// The progress of a split run.
#[derive(Serialize)]
struct Split {
    chunk: String,
    chunks: String,
    given_out: String,
    iterations_done: String,
}

/// The iterations that a split run computes.
#[derive(Serialize)]
struct RangeOfRun {
    start: String,
    end: String,
}

/// Which of how many equal parts that is.
#[derive(Serialize)]
struct ShardOfRun {
    index: String,
    of: String,
}

/// A range that is not applied.
#[derive(Serialize)]
struct MissingRange {
    start: String,
    end: String,
    attempts: u32,
    why: String,
}

#[derive(Serialize)]
struct Share<T> {
    done: T,
    total: T,
}

#[derive(Serialize)]
struct Coordinator {
    pid: Option<u32>,
    alive: bool,
    stopped: bool,
}

#[derive(Serialize)]
struct Lock {
    held_by: Option<Holder>,
}

#[derive(Serialize)]
struct Holder {
    pid: u32,
    worker: Option<u32>,
    process: String,
}

/// The object of a run.
pub fn of_run(snapshot: &Snapshot, outcomes: &WorkerOutcomes) -> String {
    object(snapshot, Some(outcomes), None)
}

/// The object of `status`.
pub fn of_status(view: &StatusView) -> String {
    object(&view.snapshot, None, Some(view))
}

fn object(snapshot: &Snapshot, outcomes: Option<&WorkerOutcomes>, view: Option<&StatusView>) -> String {
    let has_value = snapshot.terms.mode != Mode::Independent;
    let is_split = snapshot.terms.mode == Mode::Split;
    let has_total = snapshot.terms.mode.has_total();
    let workers: Vec<Worker> = snapshot.workers.iter().map(|seen| worker(seen, outcomes, view, is_split)).collect();
    let report = Report {
        schema: SCHEMA,
        name: snapshot.name.as_str(),
        state: view.map(|view| view.state.name()),
        kernel: &snapshot.terms.kernel,
        mode: snapshot.terms.mode.name(),
        iterations: snapshot.terms.iterations.to_string(),
        split: is_split.then(|| split(snapshot)),
        range: is_split.then(|| range(&snapshot.terms.range())),
        shard: snapshot.terms.shard().map(shard),
        cells: snapshot.terms.cells,
        shown_cells: snapshot.value.as_slice().len(),
        consistent: snapshot.is_consistent,
        r#type: snapshot.terms.value_type.name(),
        value: if has_value { cells(&snapshot.value, value) } else { Json::Null },
        exact_total: snapshot.exact_total().filter(|_| has_total).map_or(Json::Null, |total| cells(&total, text)),
        wrapped: snapshot.has_wrapped(),
        complete: snapshot.is_complete(),
        missing: snapshot.missing().iter().map(missing_range).collect(),
        contributions: Share { done: snapshot.done(), total: snapshot.total() },
        restarts: workers.iter().map(|worker| u64::from(worker.restarts)).sum(),
        recoveries: snapshot.recoveries,
        elapsed_s: snapshot.elapsed.as_secs_f64(),
        in_use: view.map(|_| snapshot.is_in_use),
        stop: view.map(|_| stop(snapshot.stop)),
        coordinator: view.map(coordinator),
        lock: view.map(|_| Lock { held_by: holder(snapshot) }),
        workers,
    };
    text_of(&report)
}

fn text_of(report: &Report<'_>) -> String {
    serde_json::to_string(report).expect("the report has only string keys and finite numbers")
}

/// A whole number.
pub fn text(number: &i128) -> Json {
    number.to_string().into()
}

/// One cell as it is, several as an array.
pub fn cells<T>(cells: &Cells<T>, json: impl FnMut(&T) -> Json) -> Json {
    match cells.map(json) {
        Cells::One(cell) => cell,
        Cells::Many(cells) => Json::Array(cells),
    }
}

/// A number of the value's type.
pub fn value(value: &Value) -> Json {
    match (value.kind(), value.number()) {
        (ValueType::I32 | ValueType::U32, Number::Integer(small)) => i64::try_from(small).ok().into(),
        (ValueType::Bool, Number::Integer(small)) => (small == 1).into(),
        // The shortest digits of an `f32`, not those of the `f64` that it equals.
        (ValueType::F32, number @ Number::Float(_)) => {
            contribution(&value.to_string().parse().map_or(number, Number::Float))
        }
        (_, number) => contribution(&number),
    }
}

/// An integer as a string, a float as a number; `"inf"`, `"-inf"` or `"nan"` if it is not finite.
fn contribution(number: &Number) -> Json {
    match number {
        Number::Integer(number) => text(number),
        Number::Float(float) if float.is_finite() => (*float).into(),
        Number::Float(float) => float.to_string().to_lowercase().into(),
    }
}

fn split(snapshot: &Snapshot) -> Split {
    Split {
        chunk: snapshot.terms.chunk.map_or_else(|| "auto".to_owned(), |chunk| chunk.to_string()),
        chunks: snapshot.chunks_done().to_string(),
        given_out: snapshot.iterations_given_out().to_string(),
        iterations_done: snapshot.iterations_done().to_string(),
    }
}

fn range(range: &Range<u64>) -> RangeOfRun {
    RangeOfRun { start: range.start.to_string(), end: range.end.to_string() }
}

fn shard(shard: Shard) -> ShardOfRun {
    ShardOfRun { index: shard.index().to_string(), of: shard.of().to_string() }
}

fn missing_range(missing: &Missing) -> MissingRange {
    let Range { start, end } = missing.range;
    let (start, end) = (start.to_string(), end.to_string());
    MissingRange { start, end, attempts: missing.attempts, why: super::missing::why(missing) }
}

fn holder(snapshot: &Snapshot) -> Option<Holder> {
    let holder = snapshot.owner.as_ref()?;
    Some(Holder { pid: holder.thread, worker: holder.ticket, process: holder.process.to_string() })
}

fn stop(stop: Stop) -> &'static str {
    match stop {
        Stop::No => "no",
        Stop::Drain => "drain",
        Stop::Now => "now",
    }
}

fn coordinator(view: &StatusView) -> Coordinator {
    let Snapshot { coordinator, has_coordinator, .. } = view.snapshot;
    Coordinator { pid: coordinator, alive: has_coordinator, stopped: view.has_stopped_coordinator }
}
