//! The samples of a group's rows.

use super::comparison::{Comparison, Verdict};
use super::sample::{BenchError, Unit};
use super::statistics::Summary;

/// A row of the table.
pub struct Row {
    pub name: String,
    pub unit: Unit,
    /// One sample a round; `None` where the row took no part or failed.
    pub samples: Vec<Option<f64>>,
    pub error: Option<BenchError>,
    pub comparison: Comparison,
    /// The index of the reference row.
    pub reference: usize,
}

impl Row {
    pub fn summary(&self) -> Option<Summary> {
        Summary::of(self.samples.iter().flatten().copied())
    }
}

/// The rows of a group.
pub struct GroupResult {
    pub name: String,
    pub rows: Vec<Row>,
}

impl GroupResult {
    /// Adds a row computed from others, round by round: `compute` looks up another row's sample by the row's name.
    pub fn derive(
        &mut self,
        name: &str,
        comparison: Comparison,
        reference: Option<&str>,
        compute: impl Fn(&dyn Fn(&str) -> Option<f64>) -> Option<f64>,
    ) {
        let rounds = self.rows.iter().map(|row| row.samples.len()).max().unwrap_or(0);
        let in_round = |round: usize| compute(&|row: &str| *self.row(row)?.samples.get(round)?);
        let samples: Vec<Option<f64>> = (0..rounds).map(in_round).collect();
        // The rows it needs may be filtered out or have failed.
        if samples.iter().any(Option::is_some) {
            let reference = reference.and_then(|name| self.rows.iter().position(|row| row.name == name)).unwrap_or(0);
            let unit = self.rows[0].unit;
            self.rows.push(Row { name: name.to_owned(), unit, samples, error: None, comparison, reference });
        }
    }

    fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// The outcome of the row's comparison, if there are samples for it.
    pub fn verdict(&self, row: &Row) -> Option<Verdict> {
        let reference = &self.rows[row.reference];
        let reference_name = if row.reference == 0 { "first" } else { reference.name.as_str() };
        let (over, under, target, ratio) = match row.comparison {
            Comparison::NotCompared => return None,
            Comparison::Absolute(target) => return Some(Verdict { summary: row.summary()?, target, ratio: None }),
            Comparison::ReferenceOverThis(target) => (reference, row, target, format!("{reference_name} ÷ this")),
            Comparison::ThisOverReference(target) => (row, reference, target, format!("this ÷ {reference_name}")),
        };
        let ratios = over.samples.iter().zip(&under.samples).filter_map(|(over, under)| Some((*over)? / (*under)?));
        let summary = Summary::of(ratios.filter(|ratio| ratio.is_finite()))?;
        Some(Verdict { summary, target, ratio: Some(ratio) })
    }
}
