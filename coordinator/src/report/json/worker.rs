//! The JSON of a worker.

use std::time::Duration;

use common::{WorkerSnapshot, WorkerState};
use serde::Serialize;
use serde_json::Value as Json;

use super::{Share, cells, contribution};
use crate::report::status_view::StatusView;
use crate::worker_outcome::{WorkerExit, WorkerOutcomes};

#[derive(Serialize)]
pub struct Worker {
    number: u32,
    pid: Option<u32>,
    state: &'static str,
    exit_code: Option<i32>,
    signal: Option<i32>,
    pub restarts: u32,
    contribution: Json,
    chunks: Option<String>,
    attached_s: Option<f64>,
    computed_s: Option<f64>,
    slept_s: Option<f64>,
    lock_wait_s: Option<f64>,
    committed_s: Option<f64>,
    #[serde(flatten)]
    seen: Option<Seen>,
}

/// What only `status` shows of a worker.
#[derive(Serialize)]
struct Seen {
    stopped: bool,
    progress: Option<Share<String>>,
    time_s: Option<f64>,
}

/// The object of a worker, with what its coordinator or an onlooker knows of it.
pub fn worker(
    seen: &WorkerSnapshot,
    outcomes: Option<&WorkerOutcomes>,
    view: Option<&StatusView>,
    is_split: bool,
) -> Worker {
    let outcome = outcomes.and_then(|outcomes| outcomes.get(seen.ticket));
    let exit = outcome.and_then(|outcome| outcome.exit);
    let has_failed = seen.state != WorkerState::Done && outcome.is_some_and(|outcome| outcome.failure.is_some());
    let seconds = |duration: Option<Duration>| duration.map(|duration| duration.as_secs_f64());
    Worker {
        number: seen.ticket,
        pid: Some(seen.pid).filter(|pid| *pid != 0),
        state: if has_failed { "failed" } else { seen.state.name() },
        exit_code: exit.and_then(WorkerExit::code),
        signal: exit.and_then(WorkerExit::signal),
        restarts: outcomes.map_or(seen.restarts, |outcomes| outcomes.restarts_of(seen)),
        contribution: seen.contribution.as_ref().map_or(Json::Null, |all| cells(all, contribution)),
        chunks: is_split.then(|| seen.chunks.to_string()),
        attached_s: seconds(seen.attached),
        computed_s: seconds(seen.computed),
        slept_s: seconds(seen.slept),
        lock_wait_s: seconds(seen.lock_wait),
        committed_s: seconds(seen.committed),
        seen: view.map(|view| Seen {
            stopped: view.stopped.contains(&seen.ticket),
            progress: view
                .progress(seen.ticket)
                .map(|(done, of)| Share { done: done.to_string(), total: of.to_string() }),
            time_s: seconds(view.time(seen.ticket)),
        }),
    }
}
