//! What is missing of a split run: the ranges that are not applied, and why.

use std::iter::once;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

use super::Snapshot;
use crate::layout::{SetAside, View};
use crate::ledger::{Cause, HOPELESS};
use crate::redo::load_range;
use crate::terms::Mode;

/// A range that is not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The iterations.
    pub range: Range<u64>,
    /// Why it was given up; nothing if it was not: a worker holds it, or it is not given out.
    pub cause: Option<Cause>,
    /// How many attempts failed, or how many workers died; 0 without a cause.
    pub attempts: u32,
}

impl Missing {
    /// A range that is not in the table: a chunk, or what is not given out.
    fn held(range: Range<u64>, cause: Option<Cause>) -> Self {
        Self { range, cause, attempts: cause.is_some().into() }
    }

    fn of(place: &SetAside) -> Self {
        let cause = Cause::of(place.cause.load(Relaxed));
        let attempts = if cause.is_some() { place.count.load(Relaxed) } else { 0 };
        Self { range: load_range(&place.range), cause, attempts }
    }

    /// Extends the range by `next`, if that begins at its end and is missing for the same cause.
    fn extend(&mut self, next: &Self) -> bool {
        let is_continued =
            self.range.end == next.range.start && self.cause == next.cause && self.attempts == next.attempts;
        if is_continued {
            self.range.end = next.range.end;
        }
        is_continued
    }
}

/// The ranges in the table.
pub(super) fn set_aside(view: &View<'_>) -> Vec<Missing> {
    view.used_set_aside().iter().map(Missing::of).filter(|missing| missing.range.start != missing.range.end).collect()
}

impl Snapshot {
    /// Whether so many chunks were set aside, and none was applied, that the run stopped giving out more.
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        self.set_aside_count >= HOPELESS && self.chunks_done() == 0
    }

    /// What is missing of a split run, in order; neighbours with the same cause are one range. Empty for other runs.
    #[must_use]
    pub fn missing(&self) -> Vec<Missing> {
        if self.terms.mode != Mode::Split {
            return Vec::new();
        }
        let held = self.workers.iter().map(|worker| Missing::held(worker.chunk.clone(), worker.given_up));
        let pending = held.chain(once(Missing::held(self.given_out..self.terms.end(), None)));
        let pending = pending.filter(|missing| !missing.range.is_empty());
        let mut all: Vec<Missing> = self.set_aside.iter().cloned().chain(pending).collect();
        all.sort_by_key(|missing| missing.range.start);
        all.dedup_by(|next, missing| missing.extend(next));
        all
    }
}
