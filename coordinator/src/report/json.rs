//! The JSON of runs and of `status`: schema 1, keys only ever added.

use std::time::Duration;

use common::{Cells, Mode, Number, Snapshot, Stop, Value, ValueType, WorkerSnapshot, WorkerState};
use serde::Serialize;
use serde_json::Value as Json;

use super::sight::Sight;
use crate::outcome::Fates;

/// The largest integer up to which every integer is a distinct double (ECMA-262, `Number.MAX_SAFE_INTEGER` + 1).
const EXACT: u128 = 1 << 53;

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    kernel: &'a str,
    mode: &'static str,
    iterations: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    split: Option<Split>,
    cells: u32,
    r#type: &'static str,
    value: Json,
    exact_total: Json,
    wrapped: bool,
    complete: bool,
    contributions: Contributions,
    restarts: u64,
    recoveries: u64,
    elapsed_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coordinator: Option<Coordinator>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock: Option<Lock>,
    workers: Vec<Worker>,
}

/// How far a range that is shared out has got.
#[derive(Serialize)]
struct Split {
    chunk: Json,
    chunks: u64,
    given_out: Json,
    iterations_done: Json,
}

#[derive(Serialize)]
struct Contributions {
    done: usize,
    total: usize,
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

#[derive(Serialize)]
struct Worker {
    number: u32,
    pid: Option<u32>,
    state: &'static str,
    exit_code: Option<i32>,
    signal: Option<i32>,
    restarts: u32,
    contribution: Json,
    chunks: Option<u64>,
    attached_s: Option<f64>,
    computed_s: Option<f64>,
    slept_s: Option<f64>,
    lock_wait_s: Option<f64>,
    committed_s: Option<f64>,
    #[serde(flatten)]
    seen: Option<Seen>,
}

/// What an onlooker sees of a worker beside its ledger.
#[derive(Serialize)]
struct Seen {
    stopped: bool,
    progress: Option<Progress>,
    time_s: Option<f64>,
}

/// How far a worker has got with what it computes now.
#[derive(Serialize)]
struct Progress {
    done: Json,
    total: Json,
}

/// The object of a run, with its workers' fates.
pub fn of_run(snapshot: &Snapshot, fates: &Fates) -> String {
    object(snapshot, Some(fates), None)
}

/// The object of `status`, with who is with the segment.
pub fn of_sight(sight: &Sight) -> String {
    object(&sight.snapshot, None, Some(sight))
}

fn object(snapshot: &Snapshot, fates: Option<&Fates>, sight: Option<&Sight>) -> String {
    let has_value = snapshot.terms.mode != Mode::Independent;
    let is_split = snapshot.terms.mode == Mode::Split;
    let has_total = snapshot.terms.mode.has_total();
    let workers: Vec<Worker> = snapshot.workers.iter().map(|seen| worker(seen, fates, sight, is_split)).collect();
    let report = Report {
        schema: 1,
        name: snapshot.name.as_str(),
        state: sight.map(|sight| sight.state.name()),
        kernel: &snapshot.terms.kernel,
        mode: snapshot.terms.mode.name(),
        iterations: integer(snapshot.terms.iterations.into()),
        split: is_split.then(|| split(snapshot)),
        cells: snapshot.terms.cells,
        r#type: snapshot.terms.value_type.name(),
        value: if has_value { cells(&snapshot.value, value) } else { Json::Null },
        exact_total: snapshot.exact_total().filter(|_| has_total).map_or(Json::Null, |total| cells(&total, text)),
        wrapped: snapshot.has_wrapped(),
        complete: snapshot.is_complete(),
        contributions: Contributions { done: snapshot.done(), total: snapshot.total() },
        restarts: workers.iter().map(|worker| u64::from(worker.restarts)).sum(),
        recoveries: snapshot.recoveries,
        elapsed_s: snapshot.elapsed.as_secs_f64(),
        stop: sight.map(|_| stop(snapshot.stop)),
        coordinator: sight.map(coordinator),
        lock: sight.map(|_| Lock { held_by: holder(snapshot) }),
        workers,
    };
    serde_json::to_string(&report).expect("the report has only string keys and finite numbers")
}

/// An integer as a number where every reader keeps it exact, and as a string beyond.
pub fn integer(number: i128) -> Json {
    match i64::try_from(number) {
        Ok(small) if number.unsigned_abs() <= EXACT => small.into(),
        _ => number.to_string().into(),
    }
}

/// An integer that may pass what every reader keeps exact: always a string, so that a key has one type.
fn text(number: &i128) -> Json {
    number.to_string().into()
}

/// A value by itself, and those of an array as an array.
fn cells<T>(cells: &Cells<T>, json: impl FnMut(&T) -> Json) -> Json {
    match cells.map(json) {
        Cells::One(cell) => cell,
        Cells::Many(cells) => Json::Array(cells),
    }
}

fn value(value: &Value) -> Json {
    match (value.kind(), value.number()) {
        (ValueType::I32, Number::Integer(small)) => integer(small),
        (_, number) => contribution(&number),
    }
}

/// An integer as a string, a fraction as a number; null if it is infinite or none.
fn contribution(number: &Number) -> Json {
    match number {
        Number::Integer(number) => text(number),
        Number::Float(float) => (*float).into(),
    }
}

fn split(snapshot: &Snapshot) -> Split {
    Split {
        chunk: snapshot.terms.chunk.map_or_else(|| "auto".into(), |chunk| integer(chunk.into())),
        chunks: snapshot.chunks_done(),
        given_out: integer(snapshot.given_out.into()),
        iterations_done: integer(snapshot.iterations_done().into()),
    }
}

fn holder(snapshot: &Snapshot) -> Option<Holder> {
    let holder = snapshot.holder.as_ref()?;
    Some(Holder { pid: holder.thread, worker: holder.ticket, process: holder.process.to_string() })
}

fn stop(stop: Stop) -> &'static str {
    match stop {
        Stop::No => "no",
        Stop::Drain => "drain",
        Stop::Now => "now",
    }
}

fn coordinator(sight: &Sight) -> Coordinator {
    let Snapshot { coordinator, has_coordinator, .. } = sight.snapshot;
    Coordinator { pid: coordinator, alive: has_coordinator, stopped: sight.has_stopped_coordinator }
}

fn worker(seen: &WorkerSnapshot, fates: Option<&Fates>, sight: Option<&Sight>, is_split: bool) -> Worker {
    let fate = fates.and_then(|fates| fates.get(seen.ticket));
    let has_failed = seen.state != WorkerState::Done && fate.as_ref().is_some_and(|fate| fate.failure.is_some());
    let seconds = |duration: Option<Duration>| duration.map(|duration| duration.as_secs_f64());
    Worker {
        number: seen.ticket,
        pid: Some(seen.pid).filter(|pid| *pid != 0),
        state: if has_failed { "failed" } else { seen.state.name() },
        exit_code: fate.as_ref().and_then(|fate| fate.exit_code),
        signal: fate.as_ref().and_then(|fate| fate.signal),
        // One that dies before it has its ticket is known to its coordinator alone.
        restarts: fate.as_ref().map_or(0, |fate| fate.restarts).max(seen.restarts),
        contribution: seen.contribution.as_ref().map_or(Json::Null, |all| cells(all, contribution)),
        chunks: is_split.then_some(seen.chunks),
        attached_s: seconds(seen.attached),
        computed_s: seconds(seen.computed),
        slept_s: seconds(seen.slept),
        lock_wait_s: seconds(seen.lock_wait),
        committed_s: seconds(seen.committed),
        seen: sight.map(|sight| Seen {
            stopped: sight.stopped.contains(&seen.ticket),
            progress: sight
                .progress(seen.ticket)
                .map(|(done, of)| Progress { done: integer(done.into()), total: integer(of.into()) }),
            time_s: seconds(sight.time(seen.ticket)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_that_doubles_would_round_are_strings() {
        assert_eq!(integer(1 << 53), Json::from(1_i64 << 53));
        assert_eq!(integer((1 << 53) + 1), Json::from("9007199254740993"));
        assert_eq!(integer(-(1 << 53) - 1), Json::from("-9007199254740993"));
        assert_eq!(integer(i128::MAX), Json::from(i128::MAX.to_string()));
    }
}
