//! The segments as tables for people.

use common::{Attachments, Mode, SegmentInfo, SharedKind, Terms};

use super::grid::{Column, Grid};
use crate::figures::{first_few, per_cent};

/// How many attached processes a line names.
const MOST_NAMED: usize = 8;

/// All columns but the names, the last one first.
const FOLDING: &[usize] = &[4, 3, 2, 1];

/// A row for each segment, within so many columns: a table of the runs, and one of the values that programs share.
pub fn list(segments: &[SegmentInfo], attachments: &Attachments, columns: usize) -> String {
    let (values, runs): (Vec<_>, Vec<_>) = segments.iter().partition(|segment| segment.terms.mode == Mode::Shared);
    let runs = (!runs.is_empty()).then(|| list_runs(&runs, columns));
    let values = (!values.is_empty()).then(|| list_values(&values, attachments, columns));
    runs.into_iter().chain(values).collect::<Vec<_>>().join("\n\n")
}

fn list_values(values: &[&SegmentInfo], attachments: &Attachments, columns: usize) -> String {
    let mut grid =
        Grid::new(["NAME", "STATE", "TYPE", "CELLS", "ATTACHED"].map(|heading| Column(heading, false)), FOLDING);
    for value in values {
        grid.add_row([
            value.name.to_string(),
            value.state.to_string(),
            type_name(&value.terms).to_owned(),
            value.terms.cells.to_string(),
            attached(&attachments.of(value), value.is_in_use),
        ]);
    }
    grid.text(columns, true)
}

/// The type of the cells; of a lock, which has no numbers, its kind.
fn type_name(terms: &Terms) -> &'static str {
    SharedKind::of(terms).filter(|kind| kind.is_lock()).map_or(terms.value_type.name(), SharedKind::name)
}

/// The attached processes. Of those of other users and of other PID namespaces only the kernel's locks are seen.
fn attached(processes: &[u32], is_in_use: bool) -> String {
    match (processes, is_in_use) {
        ([], false) => "nobody".to_owned(),
        ([], true) => "elsewhere".to_owned(),
        _ => format!("pid {}", first_few(processes, processes.len(), MOST_NAMED, u32::to_string).join(", ")),
    }
}

fn list_runs(runs: &[&SegmentInfo], columns: usize) -> String {
    let headings = ["NAME", "STATE", "KERNEL", "CONTRIBUTIONS", "COORDINATOR"];
    let mut grid = Grid::new(headings.map(|heading| Column(heading, false)), FOLDING);
    for segment in runs {
        grid.add_row([
            segment.name.to_string(),
            segment.state.to_string(),
            segment.terms.kernel.clone(),
            progress(segment),
            segment.coordinator.map_or_else(|| "-".to_owned(), |pid| format!("pid {pid}")),
        ]);
    }
    grid.text(columns, true)
}

fn progress(segment: &SegmentInfo) -> String {
    match segment.terms.mode {
        Mode::Split => format!("{}% applied", per_cent_applied(segment)),
        _ => format!("{} of {}", segment.done, segment.total),
    }
}

/// How much of a split run is applied; what is given out, if the ledger cannot be read now.
pub fn per_cent_applied(segment: &SegmentInfo) -> u128 {
    let applied = common::inspect(&segment.name).map_or(segment.given_out, |(snapshot, _)| snapshot.iterations_done());
    per_cent(applied, segment.terms.length())
}
