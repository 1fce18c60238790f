//! Tables for people, as wide as the terminal: what does not fit in a row stands below it.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use textwrap::core::display_width;

use crate::terminal::wrap;

/// Blanks between two columns.
const GAP: usize = 2;

/// A first cell of up to this width stands in its row. A longer one may get a line of its own, on which it stays whole.
const SHORT: usize = 16;

/// What a cell shows for nothing. Below a row it is left out.
const NOTHINGS: [&str; 2] = ["-", "0"];

/// A column's heading, and whether it holds numbers.
pub struct Column(pub &'static str, pub bool);

/// A table that is being filled.
pub struct Grid {
    columns: Vec<Column>,
    /// The columns that may stand below a row, the least important one first.
    folding: &'static [usize],
    rows: Vec<Vec<String>>,
}

/// Which columns stand in the row, and how wide the first cell may be.
#[derive(Debug, PartialEq, Eq)]
struct Layout {
    shown: Vec<usize>,
    lead: usize,
}

impl Grid {
    /// An empty table.
    pub fn new(columns: impl Into<Vec<Column>>, folding: &'static [usize]) -> Self {
        Self { columns: columns.into(), folding, rows: Vec::new() }
    }

    /// Adds a row: a cell for each column.
    pub fn add_row(&mut self, cells: impl Into<Vec<String>>) {
        self.rows.push(cells.into());
    }

    /// The lines of the table within so many columns of a terminal; what does not fit in a row is left out, or stands below
    /// it.
    pub fn text(&self, width: usize, has_below: bool) -> String {
        let layout = layout(&self.widths(), self.folding, width);
        let mut lines = self.drawn(&layout).into_iter();
        let mut text: Vec<String> = lines.next().into_iter().collect();
        for (row, line) in self.rows.iter().zip(lines) {
            text.extend((!layout.holds(&row[0])).then(|| row[0].clone()));
            text.push(line);
            let below = self.below(row, &layout).filter(|_| has_below);
            text.extend(below.map(|below| wrap(&below, width)));
        }
        text.join("\n")
    }

    fn widths(&self) -> Vec<usize> {
        let widest = |(index, column): (usize, &Column)| {
            let cells = self.rows.iter().map(|row| display_width(&row[index]));
            cells.max().unwrap_or(0).max(display_width(column.0))
        };
        self.columns.iter().enumerate().map(widest).collect()
    }

    /// The header and the rows, a line each.
    fn drawn(&self, layout: &Layout) -> Vec<String> {
        let mut table = Table::new();
        table.load_style(NOTHING).set_header(layout.shown.iter().map(|column| self.columns[*column].0));
        for row in &self.rows {
            let is_led = layout.holds(&row[0]);
            table.add_row(
                layout.shown.iter().map(|column| if *column > 0 || is_led { row[*column].as_str() } else { "" }),
            );
        }
        let is_number = |(_, column): &(usize, &usize)| self.columns[**column].1;
        for (place, _) in layout.shown.iter().enumerate().filter(is_number) {
            if let Some(drawn) = table.column_mut(place) {
                drawn.set_cell_alignment(CellAlignment::Right);
            }
        }
        // Without the blank that pads the first column.
        table.lines().map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned()).collect()
    }

    /// The cells that are not in the row, each behind its heading.
    fn below(&self, row: &[String], layout: &Layout) -> Option<String> {
        let folded = self.columns.iter().zip(row).enumerate().filter(|(index, _)| !layout.shown.contains(index));
        let cells = folded.map(|(_, cell)| cell).filter(|(_, cell)| !NOTHINGS.contains(&cell.as_str()));
        let cells: Vec<String> = cells.map(|(column, cell)| format!("{}: {cell}", column.0.to_lowercase())).collect();
        (!cells.is_empty()).then(|| format!("  {}", cells.join("; ")))
    }
}

impl Layout {
    /// Whether the first cell stands in its row.
    fn holds(&self, lead: &str) -> bool {
        self.shown.len() == 1 || display_width(lead) <= self.lead
    }
}

/// Folds columns until the others and a short first cell fit: the least important one that makes room enough, or else the
/// least important one of all and then others.
fn layout(widths: &[usize], folding: &[usize], width: usize) -> Layout {
    let others = |shown: &[usize]| -> usize { shown[1..].iter().map(|column| GAP + widths[*column]).sum() };
    let fits = |shown: &[usize]| others(shown) + widths[0].min(SHORT) <= width;
    let mut shown: Vec<usize> = (0..widths.len()).collect();
    let mut folding = folding.to_vec();
    while !fits(&shown) && !folding.is_empty() {
        let without = |folded: usize| shown.iter().copied().filter(|column| *column != folded).collect::<Vec<_>>();
        let place = folding.iter().position(|folded| fits(&without(*folded))).unwrap_or(0);
        shown = without(folding.remove(place));
    }
    Layout { lead: width.saturating_sub(others(&shown)), shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_folded_in_their_order_until_the_rest_fits() {
        let widths = [9, 5, 10, 20];
        for (width, shown, lead) in [
            (usize::MAX, &[0, 1, 2, 3][..], usize::MAX - 41),
            (50, &[0, 1, 2, 3], 9),
            (49, &[0, 1, 3], 20),
            (37, &[0, 1, 2], 18),
            (27, &[0, 1], 20),
            (10, &[0], 10),
        ] {
            assert_eq!(layout(&widths, &[2, 3, 1], width), Layout { shown: shown.to_vec(), lead }, "{width}");
        }
    }

    #[test]
    fn a_long_first_cell_stands_whole_on_a_line_of_its_own() {
        let mut grid = Grid::new([Column("NAME", false), Column("PID", true), Column("WHO", false)], &[2]);
        grid.add_row(["short", "7", "-"].map(str::to_owned));
        grid.add_row(["a-name-that-is-longer-than-most", "123", "pid 1, 2, 3"].map(str::to_owned));
        let wide = "NAME                             PID  WHO\n\
                    short                              7  -\n\
                    a-name-that-is-longer-than-most  123  pid 1, 2, 3";
        let middle = "NAME   PID  WHO\n\
                      short    7  -\n\
                      a-name-that-is-longer-than-most\n       \
                               123  pid 1, 2, 3";
        let narrow = "NAME   PID\n\
                      short    7\n\
                      a-name-that-is-longer-than-most\n       \
                               123\n  \
                        who: pid 1, 2, 3";
        for (width, text) in [(usize::MAX, wide), (49, wide), (48, middle), (33, narrow)] {
            assert_eq!(grid.text(width, true), text, "{width}");
        }
        assert_eq!(grid.text(33, false), narrow.replace("\n  who: pid 1, 2, 3", ""));
    }
}
