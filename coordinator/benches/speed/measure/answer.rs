//! What was measured, and what is asked of it.

use super::group::Trouble;
use super::statistics::Spread;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Bytes,
    #[allow(dead_code, reason = "the worker's bench counts")]
    Count,
}

/// What a figure is to keep within.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    AtMost(f64),
    AtLeast(f64),
    /// It is told for information.
    Free,
}

/// What is asked of a row.
#[derive(Clone, Debug)]
pub enum Question {
    Nothing,
    /// Its own figure.
    Itself(Bound),
    /// The base's figure in terms of this one's: how much longer ours takes.
    BaseByThis(Bound),
    /// This one's figure in terms of the base's: how much faster ours is.
    ThisByBase(Bound),
}

/// A row of the table.
pub struct Row {
    pub name: String,
    pub unit: Unit,
    /// One figure a round; nothing in rounds that it sat out.
    pub figures: Vec<Option<f64>>,
    pub trouble: Option<Trouble>,
    pub question: Question,
    /// The row that it is compared with.
    pub base: usize,
}

/// An answer to a row's question.
pub struct Answer {
    pub spread: Spread,
    pub bound: Bound,
    /// Which of the two is divided by which; nothing for a figure by itself.
    pub ratio: Option<String>,
}

/// The rows of a group.
pub struct Samples {
    pub name: String,
    pub rows: Vec<Row>,
}

impl Samples {
    /// Adds a row that follows from others: `figure` is given what a row, by its name, had in the same round.
    pub fn derive(
        &mut self,
        name: &str,
        question: Question,
        base: Option<&str>,
        figure: impl Fn(&dyn Fn(&str) -> Option<f64>) -> Option<f64>,
    ) {
        let rounds = self.rows.iter().map(|row| row.figures.len()).max().unwrap_or(0);
        let of_round = |round: usize| figure(&|wanted: &str| *self.row(wanted)?.figures.get(round)?);
        let figures: Vec<Option<f64>> = (0..rounds).map(of_round).collect();
        // Nothing to tell when the filter, or trouble, left out what it follows from.
        if figures.iter().any(Option::is_some) {
            let base = base.and_then(|base| self.rows.iter().position(|row| row.name == base)).unwrap_or(0);
            let unit = self.rows[0].unit;
            self.rows.push(Row { name: name.to_owned(), unit, figures, trouble: None, question, base });
        }
    }

    fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// The answer to the row's question, if there are figures for it.
    pub fn answer(&self, row: &Row) -> Option<Answer> {
        let base = &self.rows[row.base];
        let base_name = if row.base == 0 { "first" } else { base.name.as_str() };
        let (over, under, bound, ratio) = match row.question {
            Question::Nothing => return None,
            Question::Itself(bound) => return Some(Answer { spread: row.spread()?, bound, ratio: None }),
            Question::BaseByThis(bound) => (base, row, bound, format!("{base_name} ÷ this")),
            Question::ThisByBase(bound) => (row, base, bound, format!("this ÷ {base_name}")),
        };
        let ratios = over.figures.iter().zip(&under.figures).filter_map(|(over, under)| Some((*over)? / (*under)?));
        Some(Answer { spread: Spread::of(ratios.filter(|ratio| ratio.is_finite()))?, bound, ratio: Some(ratio) })
    }
}

impl Row {
    /// Where its figures lie.
    pub fn spread(&self) -> Option<Spread> {
        Spread::of(self.figures.iter().flatten().copied())
    }
}

impl Answer {
    /// Whether the median keeps within the bound; nothing if there is none.
    pub fn is_met(&self) -> Option<bool> {
        match self.bound {
            Bound::AtMost(most) => Some(self.spread.median <= most),
            Bound::AtLeast(least) => Some(self.spread.median >= least),
            Bound::Free => None,
        }
    }
}
