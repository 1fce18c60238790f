//! Tables for people: `status` and `list`.

use std::fmt::Display;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use common::{Cells, Lookup, Mode, RunState, Snapshot, Stop, Terms, WorkerSnapshot, WorkerState};

/// How much of a contribution to an array a row shows.
const WIDEST: usize = 40;

/// A segment, its workers, and what to do next.
pub fn status(snapshot: &Snapshot, state: RunState) -> String {
    let mut lines = vec![head(snapshot, state)];
    if snapshot.terms.mode != Mode::Independent {
        lines.push(format!("value: {} ({})", snapshot.value, snapshot.terms.value_type.name()));
    }
    let lock = snapshot.holder.as_ref().map_or_else(|| "free".to_owned(), ToString::to_string);
    lines.push(format!("lock: {lock}; recovered {} times", snapshot.recoveries));
    if let Some(pid) = snapshot.coordinator {
        lines.push(format!("coordinator: pid {pid}, {}", if snapshot.has_coordinator { "alive" } else { "dead" }));
    }
    if !snapshot.workers.is_empty() {
        lines.push(workers(snapshot));
    }
    lines.push(format!("next: {}", next_step(snapshot, state)));
    lines.join("\n")
}

/// One line a segment.
pub fn list(segments: &[Lookup]) -> String {
    let mut table = table(&["NAME", "STATE", "KERNEL", "CONTRIBUTIONS", "COORDINATOR"]);
    for segment in segments {
        table.add_row([
            segment.name.to_string(),
            segment.state.name().to_owned(),
            segment.terms.kernel.clone(),
            progress(segment),
            segment.coordinator.map_or_else(|| "-".to_owned(), |pid| format!("pid {pid}")),
        ]);
    }
    text(&table)
}

fn progress(segment: &Lookup) -> String {
    match segment.terms.mode {
        Mode::Split => format!("{}% given out", per_cent(segment.given_out, segment.terms.iterations)),
        _ => format!("{} of {}", segment.done, segment.total()),
    }
}

fn head(snapshot: &Snapshot, state: RunState) -> String {
    let stop = match snapshot.stop {
        Stop::No => "",
        Stop::Drain | Stop::Now => ", asked to stop",
    };
    let progress = match snapshot.terms.mode {
        Mode::Split => {
            let chunks = snapshot.chunks_done();
            let done = per_cent(snapshot.iterations_done(), snapshot.terms.iterations);
            format!("{done}% in {chunks} chunks")
        }
        Mode::Shared => return format!("{}: {}; for programs that use its value", snapshot.name, state.name()),
        _ => format!("{} of {} contributions", snapshot.done(), snapshot.total()),
    };
    format!(
        "{}: {}{stop}; {} over {} iterations; {progress}; {:.1} s",
        snapshot.name,
        state.name(),
        snapshot.terms.kernel,
        snapshot.terms.iterations,
        snapshot.elapsed.as_secs_f64(),
    )
}

fn workers(snapshot: &Snapshot) -> String {
    let is_split = snapshot.terms.mode == Mode::Split;
    let last = if is_split { "CHUNKS" } else { "VALUE" };
    let mut table = table(&["WORKER", "PID", "STATE", "RESTARTS", "CONTRIBUTION", last]);
    for worker in &snapshot.workers {
        table.add_row([
            format!("Process-{}", worker.ticket),
            if worker.pid == 0 { "-".to_owned() } else { worker.pid.to_string() },
            doing(worker, snapshot),
            worker.restarts.to_string(),
            worker.contribution.as_ref().map_or_else(|| "-".to_owned(), short),
            match &worker.value_after {
                _ if is_split => worker.chunks.to_string(),
                Some(value) => short(value),
                None => "-".to_owned(),
            },
        ]);
    }
    for column in [1, 3, 4, 5] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    text(&table)
}

fn doing(worker: &WorkerSnapshot, snapshot: &Snapshot) -> String {
    let state = worker.state.name();
    let of = match snapshot.terms.mode {
        Mode::Split => worker.chunk.end.saturating_sub(worker.chunk.start),
        _ => snapshot.terms.iterations,
    };
    if worker.state == WorkerState::Computing && of > 0 {
        format!("{state} {}%", per_cent(worker.progress, of))
    } else {
        state.to_owned()
    }
}

fn per_cent(done: u64, of: u64) -> u128 {
    (u128::from(done) * 100).checked_div(of.into()).unwrap_or(100).min(100)
}

/// The first cells, so that a row stays a line.
fn short<T: Display>(cells: &Cells<T>) -> String {
    let text = cells.to_string();
    if text.chars().count() <= WIDEST {
        return text;
    }
    let first: String = text.chars().take(WIDEST).collect();
    format!("{}, …]", first.rsplit_once(',').map_or(first.as_str(), |(first, _)| first))
}

fn next_step(snapshot: &Snapshot, state: RunState) -> String {
    let (name, worker) = (&snapshot.name, worker(&snapshot.terms));
    match state {
        RunState::Open if snapshot.stop != Stop::No || snapshot.terms.mode == Mode::Shared => {
            format!("coordinator remove {name}")
        }
        RunState::Open => format!("{worker} --name {name}; coordinator wait {name}; coordinator remove {name}"),
        RunState::Running if snapshot.stop != Stop::No => {
            format!("coordinator wait {name}; coordinator stop --now {name}")
        }
        RunState::Running => format!("coordinator wait {name}; coordinator stop {name}"),
        RunState::Orphaned => format!("its workers finish what they have begun; coordinator resume {name}"),
        RunState::Stale => format!("coordinator resume {name}; coordinator remove {name}"),
        RunState::Finished if !snapshot.is_complete() => {
            format!("coordinator resume {name}; coordinator remove {name}")
        }
        RunState::Finished => format!("coordinator remove {name}"),
    }
}

/// How a worker for such a segment is called.
pub fn worker(terms: &Terms) -> String {
    if terms.worker.as_os_str().is_empty() { "worker".to_owned() } else { terms.worker.display().to_string() }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header);
    table
}

/// The table without the blanks at its edges.
fn text(table: &Table) -> String {
    table.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>().join("\n")
}
