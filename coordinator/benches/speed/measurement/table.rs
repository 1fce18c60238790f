//! The results as a table: a heading for each group, a line for each row.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use super::comparison::{Target, Verdict};
use super::result::{GroupResult, Row};
use super::sample::Unit;
use super::statistics::Summary;

pub fn table(results: &[GroupResult]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["", "MEDIAN", "SPREAD", "RATIO", "SPREAD", "OF", "TARGET", ""]);
    for group in results {
        table.add_row([String::new()]);
        table.add_row([group.name.clone()]);
        for row in &group.rows {
            table.add_row(cells(group, row));
        }
    }
    for column in [1, 3] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n");
    format!(
        "{lines}\n\nSpread: quartiles, or the extremes of fewer than five samples. Ratios are computed round by round."
    )
}

fn cells(group: &GroupResult, row: &Row) -> [String; 8] {
    let (median, spread) = match row.summary() {
        Some(summary) => (quantity(row.unit, summary.median), range(&summary, |value| quantity(row.unit, value))),
        None => Default::default(),
    };
    let verdict = group.verdict(row);
    let (ratio, ratio_spread, of) = match &verdict {
        Some(Verdict { summary, ratio: Some(ratio), .. }) => {
            (three_digits(summary.median), range(summary, three_digits), ratio.clone())
        }
        _ => Default::default(),
    };
    let target = verdict.as_ref().map_or_else(String::new, |verdict| target(verdict, row.unit));
    let note = match (&row.error, verdict.as_ref().and_then(Verdict::is_met)) {
        (Some(error), _) => error.to_string(),
        (None, Some(true)) => "met".to_owned(),
        (None, Some(false)) => "MISSED".to_owned(),
        (None, None) => String::new(),
    };
    [format!("  {}", row.name), median, spread, ratio, ratio_spread, of, target, note]
}

fn target(verdict: &Verdict, unit: Unit) -> String {
    let show = |value| if verdict.ratio.is_some() { three_digits(value) } else { quantity(unit, value) };
    match verdict.target {
        Target::AtMost(most) => format!("≤ {}", show(most)),
        Target::AtLeast(least) => format!("≥ {}", show(least)),
        Target::Unbounded => String::new(),
    }
}

fn range(summary: &Summary, show: impl Fn(f64) -> String) -> String {
    format!("{}..{}", show(summary.low), show(summary.high))
}

/// A measured number with its unit.
pub fn quantity(unit: Unit, value: f64) -> String {
    let scales: &[(f64, &str)] = match unit {
        Unit::Seconds => &[(1.0, " s"), (1e-3, " ms"), (1e-6, " µs"), (1e-9, " ns"), (1e-12, " ps")],
        Unit::Bytes => &[(1_048_576.0, " MiB"), (1024.0, " KiB"), (1.0, " B")],
        Unit::Count => &[(1.0, "")],
    };
    if value == 0.0 {
        return "0".to_owned();
    }
    let fitting = scales.iter().find(|(scale, _)| value.abs() >= *scale).or(scales.last());
    let (scale, name) = fitting.unwrap_or(&(1.0, ""));
    format!("{}{name}", three_digits(value / scale))
}

/// A ratio, or the number before a unit.
pub fn three_digits(value: f64) -> String {
    match value.abs() {
        ..9.995 => format!("{value:.2}"),
        ..99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
