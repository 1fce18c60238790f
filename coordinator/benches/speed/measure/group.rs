//! Contenders, and the rounds in which they take turns.

use super::answer::{Question, Row, Samples, Unit};
use super::options::Options;

/// Why there is no figure.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// It needs something that is not there.
    Skipped(String),
    /// It went wrong.
    Failed(String),
}

impl<E: std::error::Error> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Failed(error.to_string())
    }
}

/// A figure in the contender's unit: seconds, bytes or a count.
pub type Outcome = Result<f64, Trouble>;

struct Contender<'a> {
    row: Row,
    /// The rounds in which it takes part; of one that is slow only the first few.
    most: usize,
    run: Box<dyn FnMut() -> Outcome + 'a>,
}

/// Contenders that are measured against one another; the first is ours.
pub struct Group<'a> {
    name: String,
    unit: Unit,
    rounds: usize,
    contenders: Vec<Contender<'a>>,
}

impl<'a> Group<'a> {
    /// A group without contenders.
    pub fn new(name: &str, unit: Unit, rounds: usize) -> Self {
        Self { name: name.to_owned(), unit, rounds, contenders: Vec::new() }
    }

    /// Adds a contender.
    pub fn add(self, name: &str, question: Question, run: impl FnMut() -> Outcome + 'a) -> Self {
        let most = self.rounds;
        self.add_slow(most, name, question, run)
    }

    /// Adds one that runs in the first `most` rounds only.
    pub fn add_slow(mut self, most: usize, name: &str, question: Question, run: impl FnMut() -> Outcome + 'a) -> Self {
        let row = Row { name: name.to_owned(), unit: self.unit, figures: Vec::new(), trouble: None, question, base: 0 };
        self.contenders.push(Contender { row, most, run: Box::new(run) });
        self
    }

    /// Runs the rounds with those contenders that are wanted and the one that they are compared with.
    pub fn run(mut self, section: &str, options: &Options) -> Option<Samples> {
        if !options.wants(section) && !options.wants(&self.name) {
            self.contenders.iter().skip(1).find(|contender| options.wants(&contender.row.name))?;
            let mut is_first = true;
            self.contenders.retain(|contender| std::mem::take(&mut is_first) || options.wants(&contender.row.name));
        }
        eprintln!("measuring {} ({} rounds)", self.name, self.rounds);
        for contender in self.contenders.iter_mut().filter(|contender| contender.most >= self.rounds) {
            contender.warm_up();
        }
        let count = self.contenders.len();
        for round in 0..self.rounds {
            for turn in 0..count {
                self.contenders[(round + turn) % count].take_part(round);
            }
        }
        let rows = self.contenders.into_iter().map(|contender| contender.row).collect();
        Some(Samples { name: self.name, rows })
    }
}

impl Contender<'_> {
    /// One run that does not count: it fills caches, and compiles what is to be compiled.
    fn warm_up(&mut self) {
        self.row.trouble = (self.run)().err();
    }

    fn take_part(&mut self, round: usize) {
        let sits_out = round >= self.most || self.row.trouble.is_some();
        let figure =
            if sits_out { None } else { (self.run)().map_err(|trouble| self.row.trouble = Some(trouble)).ok() };
        self.row.figures.push(figure);
    }
}
