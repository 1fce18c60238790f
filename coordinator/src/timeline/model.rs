//! What the pictures show: a row for each ticket, on it the lives of its workers, and in each life what the worker did.
//!
//! Invariants of a model that is ready to be drawn: all times are nanoseconds from the beginning of the picture, and at
//! most its length; the lives of a row rise in time; the stretches of a life lie within it, rise, and do not overlap.

use common::span::Activity;
use common::{Number, ValueType};

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
    /// How the exact total grew; empty without a shared value.
    pub growth: Vec<Point>,
    /// The type of the shared value.
    pub value_type: ValueType,
    /// The caption of the growth.
    pub value_label: String,
    /// What the picture does not show, or not exactly.
    pub caveat: Option<&'static str>,
}

/// The exact total from a time on. The shared value is this total, wrapped.
pub struct Point {
    pub at: u64,
    pub total: Number,
    /// Whether the shared value wrapped around in the step to it.
    pub wraps: bool,
}

/// The row of a ticket.
pub struct Row {
    pub ticket: u32,
    pub lives: Vec<Life>,
    /// What the ticket has contributed, as people write it.
    pub contribution: String,
}

/// A worker from its launch until it has left.
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

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// From the launch until it waits for the lock to take its ticket: it is executed, linked, and attaches.
    Start,
    Compute,
    Sleep,
    Wait,
    /// It holds the lock, without a commit.
    Hold,
    Commit,
    /// Between two steps: it records the last one, or has no processor.
    Between,
    /// From its last step until it has left.
    Leave,
    /// It lives, and nobody recorded what it does.
    Unrecorded,
}

impl Doing {
    /// All of them, in the order of a legend.
    pub const ALL: [Self; 9] = [
        Self::Start,
        Self::Compute,
        Self::Sleep,
        Self::Wait,
        Self::Hold,
        Self::Commit,
        Self::Between,
        Self::Leave,
        Self::Unrecorded,
    ];

    /// The name in pictures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Compute => "compute",
            Self::Sleep => "sleep",
            Self::Wait => "lock wait",
            Self::Hold => "lock held",
            Self::Commit => "commit",
            Self::Between => "between steps",
            Self::Leave => "end",
            Self::Unrecorded => "not recorded",
        }
    }
}

impl From<Activity> for Doing {
    fn from(activity: Activity) -> Self {
        match activity {
            Activity::Compute => Self::Compute,
            Activity::Sleep => Self::Sleep,
            Activity::Wait => Self::Wait,
            Activity::Hold => Self::Hold,
            Activity::Commit => Self::Commit,
            Activity::Leave => Self::Leave,
        }
    }
}

/// What a worker did from one time to another.
#[derive(Debug, PartialEq)]
pub struct Stretch {
    pub doing: Doing,
    pub start: u64,
    pub end: u64,
    /// The computed chunk: its first iteration, and the one after its last.
    pub chunk: Option<(u64, u64)>,
    /// How many spans are merged into it.
    pub count: u32,
    /// How many commits it contains.
    pub commits: u32,
    /// Whether the worker died in it.
    pub is_cut: bool,
}

impl Stretch {
    /// One whole span without a commit.
    pub fn new(doing: Doing, start: u64, end: u64) -> Self {
        Self { doing, start, end, chunk: None, count: 1, commits: 0, is_cut: false }
    }

    /// Its length.
    pub fn took(&self) -> u64 {
        self.end - self.start
    }
}

impl Model {
    /// Makes all times count from the first one.
    pub fn rebase(&mut self, began: u64) {
        let origin = self.lives().map(|life| life.start).chain([began]).min().unwrap_or(began);
        let last = self.lives().map(|life| life.end).chain(self.growth.iter().map(|point| point.at)).max();
        // An empty picture would have no scale.
        self.length = last.unwrap_or(began).saturating_sub(origin).max(1000);
        for life in self.rows.iter_mut().flat_map(|row| &mut row.lives) {
            let times = life.stretches.iter_mut().flat_map(|stretch| [&mut stretch.start, &mut stretch.end]);
            times.chain([&mut life.start, &mut life.end]).for_each(|time| *time -= origin);
        }
        // The last value before the picture is the one that it begins with.
        let before = self.growth.iter().take_while(|point| point.at <= origin).count();
        self.growth.drain(..before.saturating_sub(1));
        if let Some(first) = self.growth.first_mut() {
            first.wraps = false;
        }
        self.growth.iter_mut().for_each(|point| point.at = point.at.saturating_sub(origin));
    }

    /// All lives.
    pub fn lives(&self) -> impl Iterator<Item = &Life> {
        self.rows.iter().flat_map(|row| &row.lives)
    }

    /// How often workers were launched again.
    pub fn restarts(&self) -> usize {
        self.lives().filter(|life| life.beginning == Beginning::Restarted).count()
    }

    /// In how many steps the shared value wrapped around.
    pub fn wraps(&self) -> usize {
        self.growth.iter().filter(|point| point.wraps).count()
    }
}
