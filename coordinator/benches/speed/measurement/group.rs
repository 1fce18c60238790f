//! Contenders, and the rounds in which they take turns.

use super::comparison::Comparison;
use super::options::Options;
use super::result::{GroupResult, Row};
use super::sample::{Sample, Unit};

struct Contender<'a> {
    row: Row,
    /// A slow contender takes part in the first few rounds only.
    max_rounds: usize,
    run: Box<dyn FnMut() -> Sample + 'a>,
}

/// Contenders that are measured side by side; the first one is the reference.
pub struct Group<'a> {
    name: String,
    unit: Unit,
    rounds: usize,
    contenders: Vec<Contender<'a>>,
}

impl<'a> Group<'a> {
    pub fn new(name: &str, unit: Unit, rounds: usize) -> Self {
        Self { name: name.to_owned(), unit, rounds, contenders: Vec::new() }
    }

    /// Adds a contender.
    pub fn add(self, name: &str, comparison: Comparison, run: impl FnMut() -> Sample + 'a) -> Self {
        let max_rounds = self.rounds;
        self.add_slow(max_rounds, name, comparison, run)
    }

    /// Adds a contender that takes part in the first `max_rounds` rounds only.
    pub fn add_slow(
        mut self,
        max_rounds: usize,
        name: &str,
        comparison: Comparison,
        run: impl FnMut() -> Sample + 'a,
    ) -> Self {
        let (name, unit) = (name.to_owned(), self.unit);
        let row = Row { name, unit, samples: Vec::new(), error: None, comparison, reference: 0 };
        self.contenders.push(Contender { row, max_rounds, run: Box::new(run) });
        self
    }

    /// Measures the contenders that match the filter, and their reference; `None` if no contender matches.
    pub fn run(mut self, section: &str, options: &Options) -> Option<GroupResult> {
        if !options.matches(section) && !options.matches(&self.name) {
            self.contenders.iter().skip(1).find(|contender| options.matches(&contender.row.name))?;
            let mut is_reference = true;
            self.contenders
                .retain(|contender| std::mem::take(&mut is_reference) || options.matches(&contender.row.name));
        }
        eprintln!("measuring {} (rounds: {})", self.name, self.rounds);
        for contender in self.contenders.iter_mut().filter(|contender| contender.max_rounds >= self.rounds) {
            contender.warm_up();
        }
        let count = self.contenders.len();
        for round in 0..self.rounds {
            for turn in 0..count {
                self.contenders[(round + turn) % count].run_round(round);
            }
        }
        let rows = self.contenders.into_iter().map(|contender| contender.row).collect();
        Some(GroupResult { name: self.name, rows })
    }
}

impl Contender<'_> {
    /// Runs once without a sample: that fills caches and compiles programs.
    fn warm_up(&mut self) {
        self.row.error = (self.run)().err();
    }

    fn run_round(&mut self, round: usize) {
        let takes_part = round < self.max_rounds && self.row.error.is_none();
        let sample = if takes_part { (self.run)().map_err(|error| self.row.error = Some(error)).ok() } else { None };
        self.row.samples.push(sample);
    }
}
