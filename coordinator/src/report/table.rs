//! Tables for people.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use common::{Mode, SegmentInfo, Terms};

use crate::figures::per_cent;

/// A line for each segment.
pub fn list(segments: &[SegmentInfo]) -> String {
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

fn progress(segment: &SegmentInfo) -> String {
    match segment.terms.mode {
        Mode::Split => format!("{}% given out", per_cent(segment.given_out, segment.terms.iterations)),
        _ => format!("{} of {}", segment.done, segment.total()),
    }
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
