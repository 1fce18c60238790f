//! Tables for people.

use std::ops::Range;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use common::{Attachments, Mode, SegmentInfo, SharedKind, Terms};

use crate::figures::per_cent;

/// How many attached processes a line names.
const MOST_NAMED: usize = 8;

/// A line for each segment: a table of the runs, and one of the values that programs share.
pub fn list(segments: &[SegmentInfo], attachments: &Attachments) -> String {
    let (values, runs): (Vec<_>, Vec<_>) = segments.iter().partition(|segment| segment.terms.mode == Mode::Shared);
    let runs = (!runs.is_empty()).then(|| list_runs(&runs));
    let values = (!values.is_empty()).then(|| list_values(&values, attachments));
    runs.into_iter().chain(values).collect::<Vec<_>>().join("\n\n")
}

fn list_values(values: &[&SegmentInfo], attachments: &Attachments) -> String {
    let mut table = table(&["NAME", "STATE", "TYPE", "CELLS", "ATTACHED"]);
    for value in values {
        table.add_row([
            value.name.to_string(),
            value.state.to_string(),
            type_name(&value.terms).to_owned(),
            value.terms.cells.to_string(),
            attached(&attachments.of(value), value.is_in_use),
        ]);
    }
    text(&table)
}

/// The type of the cells; of a lock, which has no numbers, its kind.
fn type_name(terms: &Terms) -> &'static str {
    SharedKind::of(terms).filter(|kind| kind.is_lock()).map_or(terms.value_type.name(), SharedKind::name)
}

/// The attached processes. Of those of other users and of other PID namespaces only the kernel's locks are seen.
fn attached(processes: &[u32], is_in_use: bool) -> String {
    let (named, more) = processes.split_at(processes.len().min(MOST_NAMED));
    match (named, is_in_use) {
        ([], false) => "nobody".to_owned(),
        ([], true) => "elsewhere".to_owned(),
        _ => {
            let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
            format!("pid {}{more}", named.iter().map(u32::to_string).collect::<Vec<_>>().join(", "))
        }
    }
}

fn list_runs(runs: &[&SegmentInfo]) -> String {
    let mut table = table(&["NAME", "STATE", "KERNEL", "CONTRIBUTIONS", "COORDINATOR"]);
    for segment in runs {
        table.add_row([
            segment.name.to_string(),
            segment.state.to_string(),
            segment.terms.kernel.clone(),
            progress(segment),
            segment.coordinator.map_or_else(|| "-".to_owned(), |pid| format!("pid {pid}")),
        ]);
    }
    text(&table)
}

fn progress(segment: &SegmentInfo) -> String {
    match segment.terms.mode {
        Mode::Split => format!("{}% applied", per_cent(applied(segment), segment.terms.length())),
        _ => format!("{} of {}", segment.done, segment.total()),
    }
}

/// How many iterations of a split run are applied; what is given out, if the ledger cannot be read now.
fn applied(segment: &SegmentInfo) -> u64 {
    common::inspect(&segment.name).map_or(segment.given_out, |(snapshot, _)| snapshot.iterations_done())
}

/// The iterations of a run, and where they lie in a larger range.
pub fn extent(terms: &Terms) -> String {
    let n = terms.iterations;
    let Some(part) = &terms.part else { return format!("{n} iterations") };
    let Range { start, end } = part.range();
    let shard = part.shard().map(|shard| format!(", shard {} of {}", shard.index(), shard.of()));
    format!("iterations {start}..{end} of {n}{}", shard.unwrap_or_default())
}

/// The command that starts a worker for such a segment.
pub fn worker(terms: &Terms) -> String {
    if terms.worker.as_os_str().is_empty() { "worker".to_owned() } else { terms.worker.display().to_string() }
}

/// An empty table without lines.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header);
    table
}

/// Aligns columns of numbers.
pub fn align_right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// The table as text, without blanks at its edges.
pub fn text(table: &Table) -> String {
    table.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>().join("\n")
}
