//! `status` as text: a segment, its workers, and what to do next.

use std::fmt::Display;
use std::time::Duration;

use common::WorkerState::{Attached, Computing, Died, Done, Failed, Pending, Sleeping, Waiting};
use common::{Cells, Lifecycle, Mode, Origin, RunState, Snapshot, Stop, WorkerSnapshot, WorkerState};

use super::grid::{Column, Grid};
use super::missing;
use super::status_view::StatusView;
use crate::advice;
use crate::figures::{counted, iterations_of, per_cent, times};
use crate::terminal::{TerminalSize, wrap};

/// How many characters of an array's contribution a row shows.
const WIDEST: usize = 40;

/// How many processes a command names.
const MOST_NAMED: usize = 8;

/// The states, in the order of the line that sums up workers without a row.
const STATES: [WorkerState; 8] = [Attached, Computing, Sleeping, Waiting, Done, Died, Failed, Pending];

/// Columns of the workers that may stand below their row: restarts, which are rare, then the numbers, then the rest.
const FOLDING: &[usize] = &[4, 6, 5, 3, 1, 2];

/// The room for the lines.
#[derive(Clone, Copy)]
struct Room {
    columns: usize,
    /// How many workers have a row.
    workers: usize,
    /// Whether a row has lines below it.
    has_below: bool,
}

/// The lines that show the segment, wrapped to so many columns; nothing is cut.
pub fn status(view: &StatusView, columns: usize) -> String {
    text(view, Room { columns, workers: usize::MAX, has_below: true })
}

/// The same within a size. Without room for all workers each one has a line, and the others are counted.
pub fn status_within(view: &StatusView, size: TerminalSize) -> String {
    let fits = |text: &String| text.lines().count() <= size.rows;
    let may_fit = view.snapshot.workers.len() < size.rows;
    let whole = may_fit.then(|| status(view, size.columns)).filter(fits);
    let shown = whole.unwrap_or_else(|| {
        let none = Room { columns: size.columns, workers: 0, has_below: false };
        let workers = size.rows.saturating_sub(text(view, none).lines().count());
        text(view, Room { workers, ..none })
    });
    size.fit(&shown)
}

fn text(view: &StatusView, room: Room) -> String {
    let snapshot = &view.snapshot;
    let mut lines = vec![head(view)];
    if snapshot.terms.mode != Mode::Independent {
        lines.push(format!("value: {} ({}{})", snapshot.value, part(snapshot), snapshot.terms.value_type.name()));
    }
    let lock = snapshot.owner.as_ref().map_or_else(|| "free".to_owned(), ToString::to_string);
    lines.push(format!("lock: {lock}; recovered {}", times(snapshot.recoveries)));
    if let Some(pid) = snapshot.coordinator {
        let state = match (snapshot.has_coordinator, view.has_stopped_coordinator) {
            (_, true) => "stopped",
            (true, false) => "alive",
            (false, false) if view.state.is_over() => "gone",
            (false, false) => "dead",
        };
        lines.push(format!("coordinator: pid {pid}, {state}"));
    }
    let missing = snapshot.missing();
    // While a run goes on, it is no news that some of it is not begun.
    let is_over = matches!(view.state, RunState::Finished | RunState::Stale | RunState::Foreign { in_use: false, .. });
    if is_over || missing.iter().any(|missing| missing.cause.is_some()) {
        lines.extend(missing::line(&missing));
    }
    let mut lines: Vec<String> = lines.iter().map(|line| wrap(line, room.columns)).collect();
    lines.extend(workers(view, room));
    lines.extend((!view.is_removed).then(|| wrap(&format!("next: {}", next_step(view)), room.columns)));
    lines.join("\n")
}

/// What part of an array the value shows, and whether it is of one moment.
fn part(snapshot: &Snapshot) -> String {
    let (shown, cells) = (snapshot.value.as_slice().len(), snapshot.terms.cells);
    let part = if shown < cells as usize { format!("the first {shown} of {cells} cells, ") } else { String::new() };
    // The owner of the lock is changing them, or died in the middle; the next owner completes it.
    let moment = if snapshot.is_consistent || snapshot.terms.mode != Mode::Shared { "" } else { "in a change, " };
    format!("{part}{moment}")
}

fn head(view: &StatusView) -> String {
    let snapshot = &view.snapshot;
    let state = format!("{}{}", view.state, view.state_suffix());
    let progress = match snapshot.terms.mode {
        Mode::Split => {
            let done = per_cent(snapshot.iterations_done(), snapshot.terms.length());
            format!("{done}% in {}", counted(snapshot.chunks_done(), "chunk"))
        }
        Mode::Shared => return format!("{}: {state}; for programs that use its value", snapshot.name),
        _ => format!("{} of {} contributions", snapshot.done(), snapshot.total()),
    };
    let complete = if snapshot.is_complete() { "; complete" } else { "" };
    let (kernel, iterations) = (&snapshot.terms.kernel, iterations_of(&snapshot.terms));
    format!(
        "{}: {state}; {kernel} over {iterations}; {progress}{complete}; {}",
        snapshot.name,
        seconds(snapshot.elapsed)
    )
}

/// The table of the workers; if there are more than have a row, of the live ones first, and a line about the others.
fn workers(view: &StatusView, room: Room) -> Vec<String> {
    let all = &view.snapshot.workers;
    if all.is_empty() {
        return Vec::new();
    }
    let mut shown: Vec<&WorkerSnapshot> = all.iter().collect();
    // One more row fits without the line about the others.
    if all.len() > room.workers.saturating_add(1) {
        shown.sort_by_key(|worker| (!worker.alive, worker.state == Pending));
        let others = shown.split_off(room.workers);
        shown.sort_by_key(|worker| worker.ticket);
        return vec![rows(view, &shown, room), wrap(&summed_up(&others), room.columns)];
    }
    vec![rows(view, &shown, room)]
}

fn summed_up(others: &[&WorkerSnapshot]) -> String {
    let count = |state: &WorkerState| others.iter().filter(|worker| worker.state == *state).count();
    let counts = STATES.iter().map(|state| (count(state), state.name())).filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, state)| format!("{count} {state}")).collect();
    format!("and {} more: {}", others.len(), counts.join(", "))
}

fn rows(view: &StatusView, workers: &[&WorkerSnapshot], room: Room) -> String {
    let is_split = view.snapshot.terms.mode == Mode::Split;
    let last = if is_split { "CHUNKS" } else { "VALUE" };
    let headings = [("WORKER", false), ("PID", true), ("STATE", false), ("TIME", true), ("RESTARTS", true)];
    let headings = headings.into_iter().chain([("CONTRIBUTION", true), (last, true)]);
    let columns: Vec<Column> = headings.map(|(heading, is_number)| Column(heading, is_number)).collect();
    let mut grid = Grid::new(columns, FOLDING);
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    for worker in workers {
        grid.add_row([
            format!("Process-{}", worker.ticket),
            or_none((worker.pid != 0).then(|| worker.pid.to_string())),
            doing(worker, view),
            or_none(view.time(worker.ticket).map(seconds)),
            worker.restarts.to_string(),
            or_none(worker.contribution.as_ref().map(short)),
            if is_split { worker.chunks.to_string() } else { or_none(worker.value_after.as_ref().map(short)) },
        ]);
    }
    grid.text(room.columns, room.has_below)
}

fn doing(worker: &WorkerSnapshot, view: &StatusView) -> String {
    let state = worker.state.name();
    let progress = view.progress(worker.ticket).filter(|(_, of)| *of > 0);
    let progress = progress.map(|(done, of)| format!(" {}%", per_cent(done, of))).unwrap_or_default();
    let stopped = if view.stopped.contains(&worker.ticket) { ", stopped" } else { "" };
    format!("{state}{progress}{stopped}")
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// The first cells and their number, so that a row stays one line.
pub fn short<T: Display>(cells: &Cells<T>) -> String {
    let text = cells.to_string();
    let count = cells.as_slice().len();
    if count == 1 || text.chars().count() <= WIDEST {
        return text;
    }
    let end = format!("… {count} cells]");
    let mut first = format!("[{}, ", cells.as_slice()[0]);
    for cell in &cells.as_slice()[1..] {
        let more = format!("{first}{cell}, ");
        if (more.chars().count() + end.chars().count()) > WIDEST {
            break;
        }
        first = more;
    }
    first + &end
}

fn next_step(view: &StatusView) -> String {
    let StatusView { snapshot, state, .. } = view;
    let stopped = view.stopped_processes();
    if stopped.is_empty() || state.is_over() {
        return next_command(snapshot, *state);
    }
    let named: Vec<String> = stopped.iter().take(MOST_NAMED).map(ToString::to_string).collect();
    let stop = match state {
        RunState::Running => format!("; or end it: coordinator stop --now {}", snapshot.name),
        _ => String::new(),
    };
    format!("continue the stopped processes: kill -CONT {}{stop}", named.join(" "))
}

fn next_command(snapshot: &Snapshot, state: RunState) -> String {
    let (name, worker) = (&snapshot.name, advice::worker_command(&snapshot.terms));
    let resume = advice::resume(name, &snapshot.terms);
    match state {
        RunState::Open if snapshot.stop != Stop::No || snapshot.terms.mode == Mode::Shared => {
            format!("coordinator remove {name}")
        }
        RunState::Open if snapshot.terms.mode == Mode::Split && snapshot.is_complete() => {
            format!("coordinator remove {name}")
        }
        RunState::Open => format!("{worker} --name {name}; coordinator wait {name}; coordinator remove {name}"),
        RunState::Running if snapshot.stop != Stop::No => {
            format!("coordinator wait {name}; coordinator stop --now {name}")
        }
        RunState::Running => format!("coordinator wait {name}; coordinator stop {name}"),
        RunState::Orphaned => format!("its workers finish what they have begun; {resume}"),
        RunState::Stale => format!("{resume}; coordinator remove {name}"),
        RunState::Foreign { in_use: true, .. } => {
            "its processes are in another PID namespace (container); stop it there, or wait for their end".to_owned()
        }
        RunState::Foreign { .. } if snapshot.terms.origin == Origin::ByHand => format!("coordinator remove {name}"),
        RunState::Finished | RunState::Foreign { .. }
            if !snapshot.is_complete() || snapshot.lifecycle == Lifecycle::Kept =>
        {
            format!("{resume}; coordinator remove {name}")
        }
        RunState::Finished | RunState::Foreign { .. } | RunState::ToBeRemoved => format!("coordinator remove {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_shows_its_first_cells_and_their_number_and_no_number_is_cut() {
        let smallest = i128::MIN;
        for (cells, shown) in [
            (vec![5], "5".to_owned()),
            (vec![smallest], smallest.to_string()),
            (vec![5, -6, 7], "[5, -6, 7]".to_owned()),
            ((1..=10).collect(), "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]".to_owned()),
            ((100_001..=100_100).collect(), "[100001, 100002, 100003, … 100 cells]".to_owned()),
            (vec![smallest, 1], format!("[{smallest}, … 2 cells]")),
        ] {
            assert_eq!(short(&Cells::from(cells)), shown);
        }
    }
}
