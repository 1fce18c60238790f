//! Tables for people: `status` and `list`.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use common::{Lookup, Mode, RunState, Snapshot, Stop, Terms, WorkerSnapshot, WorkerState};

/// A segment, its workers, and what to do next.
pub fn status(snapshot: &Snapshot, state: RunState) -> String {
    let mut lines = vec![head(snapshot, state)];
    if snapshot.terms.mode == Mode::Repeat {
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
            format!("{} of {}", segment.done, segment.total()),
            segment.coordinator.map_or_else(|| "-".to_owned(), |pid| format!("pid {pid}")),
        ]);
    }
    text(&table)
}

fn head(snapshot: &Snapshot, state: RunState) -> String {
    let stop = match snapshot.stop {
        Stop::No => "",
        Stop::Drain | Stop::Now => ", asked to stop",
    };
    format!(
        "{}: {}{stop}; {} over {} iterations; {} of {} contributions; {:.1} s",
        snapshot.name,
        state.name(),
        snapshot.terms.kernel,
        snapshot.terms.iterations,
        snapshot.done(),
        snapshot.total(),
        snapshot.elapsed.as_secs_f64(),
    )
}

fn workers(snapshot: &Snapshot) -> String {
    let mut table = table(&["WORKER", "PID", "STATE", "RESTARTS", "CONTRIBUTION", "VALUE"]);
    for worker in &snapshot.workers {
        table.add_row([
            format!("Process-{}", worker.ticket),
            if worker.pid == 0 { "-".to_owned() } else { worker.pid.to_string() },
            doing(worker, snapshot),
            worker.restarts.to_string(),
            worker.contribution.map_or_else(|| "-".to_owned(), |contribution| contribution.to_string()),
            worker.value_after.map_or_else(|| "-".to_owned(), |value| value.to_string()),
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
    if worker.state != WorkerState::Computing || snapshot.terms.iterations == 0 {
        return state.to_owned();
    }
    let per_cent = u128::from(worker.progress) * 100 / u128::from(snapshot.terms.iterations);
    format!("{state} {}%", per_cent.min(100))
}

fn next_step(snapshot: &Snapshot, state: RunState) -> String {
    let (name, worker) = (&snapshot.name, worker(&snapshot.terms));
    match state {
        RunState::Open if snapshot.stop != Stop::No => format!("coordinator remove {name}"),
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
