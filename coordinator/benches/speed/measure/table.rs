//! The table: a line a row, a heading a group.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

use super::answer::{Answer, Bound, Row, Samples, Unit};
use super::group::Trouble;
use super::statistics::Spread;

/// All groups in one table.
pub fn table(groups: &[Samples]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["", "MEDIAN", "SPREAD", "RATIO", "SPREAD", "OF", "TARGET", ""]);
    for group in groups {
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
        "{lines}\n\nSpread: quartiles, or least and greatest of fewer than five rounds. Ratios are taken round by round."
    )
}

fn cells(group: &Samples, row: &Row) -> [String; 8] {
    let figure = |spread: &Spread| (show(row.unit, spread.median), range(spread, |figure| show(row.unit, figure)));
    let (median, spread) = row.spread().as_ref().map(figure).unwrap_or_default();
    let answer = group.answer(row);
    let ratio = answer.as_ref().filter(|answer| answer.ratio.is_some());
    let (ratio, ratio_spread, of) = match ratio {
        Some(Answer { spread, ratio, .. }) => {
            (round(spread.median), range(spread, round), ratio.clone().unwrap_or_default())
        }
        None => Default::default(),
    };
    let target = answer.as_ref().map_or_else(String::new, |answer| target(answer, row.unit));
    let verdict = match (&row.trouble, answer.as_ref().and_then(Answer::is_met)) {
        (Some(Trouble::Skipped(why)), _) => format!("skipped: {why}"),
        (Some(Trouble::Failed(why)), _) => format!("failed: {why}"),
        (None, Some(true)) => "met".to_owned(),
        (None, Some(false)) => "MISSED".to_owned(),
        (None, None) => String::new(),
    };
    [format!("  {}", row.name), median, spread, ratio, ratio_spread, of, target, verdict]
}

fn target(answer: &Answer, unit: Unit) -> String {
    let show = |figure| if answer.ratio.is_some() { round(figure) } else { show(unit, figure) };
    match answer.bound {
        Bound::AtMost(most) => format!("≤ {}", show(most)),
        Bound::AtLeast(least) => format!("≥ {}", show(least)),
        Bound::Free => String::new(),
    }
}

fn range(spread: &Spread, show: impl Fn(f64) -> String) -> String {
    format!("{}..{}", show(spread.low), show(spread.high))
}

fn show(unit: Unit, figure: f64) -> String {
    let scales: &[(f64, &str)] = match unit {
        Unit::Seconds => &[(1.0, " s"), (1e-3, " ms"), (1e-6, " µs"), (1e-9, " ns"), (1e-12, " ps")],
        Unit::Bytes => &[(1_048_576.0, " MiB"), (1024.0, " KiB"), (1.0, " B")],
        Unit::Count => &[(1.0, "")],
    };
    if figure == 0.0 {
        return "0".to_owned();
    }
    let fitting = scales.iter().find(|(scale, _)| figure.abs() >= *scale).or(scales.last());
    let (scale, name) = fitting.unwrap_or(&(1.0, ""));
    format!("{}{name}", round(figure / scale))
}

/// Three digits.
fn round(figure: f64) -> String {
    match figure.abs() {
        ..9.995 => format!("{figure:.2}"),
        ..99.95 => format!("{figure:.1}"),
        _ => format!("{figure:.0}"),
    }
}
