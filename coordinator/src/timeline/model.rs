//! What the pictures show: a row for each ticket, on it the lives of its workers, and in each life what the worker did.
//!
//! Invariants of a model that is ready to be drawn: all times are nanoseconds from the beginning of the picture, and at
//! most its length; the lives of a row rise in time; the stretches of a life lie within it, rise, and do not overlap.

use common::span::Activity;

/// A run, ready to be drawn.
pub struct Model {
    /// What the run computes.
    pub title: String,
    /// How it ended.
    pub summary: String,
    /// The segment's name.
    pub name: String,
    /// The length of the picture.
    pub length: u64,
    pub rows: Vec<Row>,
    /// The shared value from each of these times on; empty without a shared value.
    pub growth: Vec<(u64, f64)>,
    /// The caption of the value.
    pub value_label: String,
    /// What the picture does not show, or not exactly.
    pub caveat: Option<&'static str>,
}

/// The row of a ticket.
pub struct Row {
    pub ticket: u32,
    pub lives: Vec<Life>,
}

/// A worker from its launch to its end.
pub struct Life {
    pub pid: u32,
    pub beginning: Beginning,
    pub start: u64,
    pub end: u64,
    /// How it ended, as the predicate of a sentence.
    pub ending: String,
    /// Whether it died; otherwise it left.
    pub died: bool,
    pub stretches: Vec<Stretch>,
}

/// How a life began.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    Launched,
    Restarted,
    /// Started by hand, or launched by a coordinator that died.
    Joined,
}

/// An activity of a worker.
pub struct Stretch {
    pub activity: Activity,
    pub start: u64,
    pub end: u64,
    /// The computed chunk: its first iteration, and the one after its last.
    pub chunk: Option<(u64, u64)>,
    /// How many spans are merged into it.
    pub count: u32,
    /// Whether the worker died in it.
    pub is_cut: bool,
    /// Whether it may contain a commit.
    pub commits: bool,
}

impl Stretch {
    /// One whole span without a commit.
    pub fn new(activity: Activity, start: u64, end: u64) -> Self {
        Self { activity, start, end, chunk: None, count: 1, is_cut: false, commits: false }
    }
}

impl Model {
    /// Makes all times count from the first one.
    pub fn rebase(&mut self, began: u64) {
        let lives = || self.rows.iter().flat_map(|row| &row.lives);
        let origin = lives().map(|life| life.start).chain([began]).min().unwrap_or(began);
        let last = lives().map(|life| life.end).chain(self.growth.iter().map(|(at, _)| *at)).max();
        // An empty picture would have no scale.
        self.length = last.unwrap_or(began).saturating_sub(origin).max(1000);
        for life in self.rows.iter_mut().flat_map(|row| &mut row.lives) {
            let times = life.stretches.iter_mut().flat_map(|stretch| [&mut stretch.start, &mut stretch.end]);
            times.chain([&mut life.start, &mut life.end]).for_each(|time| *time -= origin);
        }
        // The last value before the picture is the one that it begins with.
        let before = self.growth.iter().take_while(|(at, _)| *at <= origin).count();
        self.growth.drain(..before.saturating_sub(1));
        self.growth.iter_mut().for_each(|(at, _)| *at = at.saturating_sub(origin));
    }

    /// How often workers were launched again.
    pub fn restarts(&self) -> usize {
        let lives = self.rows.iter().flat_map(|row| &row.lives);
        lives.filter(|life| life.beginning == Beginning::Restarted).count()
    }
}
