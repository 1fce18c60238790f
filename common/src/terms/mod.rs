//! The terms of a run: everything that a worker must know, fixed when the segment is created.
//!
//! Invariant: terms never change once the segment is ready. Decoding foreign bytes gives valid terms or a reason.

mod encoding;
mod invalid;
mod mode;
mod part;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

pub use invalid::InvalidTerms;
pub use mode::{Mode, Origin};
pub use part::{Part, Shard};

use crate::delay::DelayRange;
use crate::layout::{Geometry, Kind, TEXT_BYTES};
use crate::value::{Overflow, ValueType};

/// How many cells of a shared array are shown.
pub(crate) const SHOWN_CELLS: u32 = 16;

/// The terms of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What happens with the results.
    pub mode: Mode,
    /// Who gives out tickets.
    pub origin: Origin,
    /// Name of the kernel.
    pub kernel: String,
    /// The whole range is 0 to this, exclusive.
    pub iterations: u64,
    /// The part of it that a split run computes; nothing if it computes the whole.
    pub part: Option<Part>,
    /// Whether the part's result goes into a folder, which its coordinator must be given.
    pub has_folder: bool,
    /// Whether the worker's executable was named, and is not just the one beside the coordinator.
    pub has_named_worker: bool,
    /// Iterations in a chunk of a split run; nothing if workers choose by their speed.
    pub chunk: Option<u64>,
    /// How long a worker sleeps before it commits.
    pub delay: DelayRange,
    /// Makes the delays and a kernel's random numbers reproducible.
    pub seed: Option<u64>,
    /// Type of the shared value.
    pub value_type: ValueType,
    /// The number of cells: 1, or the length of an array.
    pub cells: u32,
    /// What happens with a contribution that does not fit.
    pub overflow: Overflow,
    /// How many contributions the run wants.
    pub workers: u32,
    /// The number of slots, at least `workers`: one for each ticket.
    pub slots: u32,
    /// How many launched workers live at once.
    pub jobs: u32,
    /// How often a coordinator restarts the worker of one ticket, and how many workers may die with one chunk.
    pub restarts: u32,
    /// Whether no more chunks are given out once one is set aside.
    pub fail_fast: bool,
    /// How long workers that must leave have before they are killed.
    pub grace: Duration,
    /// The longest time of the run.
    pub timeout: Option<Duration>,
    /// The worker executable; empty for the project's own.
    pub worker: PathBuf,
    /// The command of the kernels `exec` and `serve`; else empty.
    pub command: String,
    /// The longest time of one command.
    pub command_timeout: Option<Duration>,
}

impl Terms {
    /// How long workers have by default before they are killed.
    pub const DEFAULT_GRACE: Duration = Duration::from_secs(5);

    /// Terms for `workers` workers started by hand that compute nothing: for a segment that only the library uses.
    #[must_use]
    pub fn by_hand(kernel: &str, workers: u32) -> Self {
        Self {
            mode: Mode::Repeat,
            origin: Origin::ByHand,
            kernel: kernel.to_owned(),
            iterations: 0,
            part: None,
            has_folder: false,
            has_named_worker: false,
            chunk: None,
            delay: DelayRange::NONE,
            seed: None,
            value_type: ValueType::I32,
            cells: 1,
            overflow: Overflow::Wrap,
            workers,
            slots: workers,
            jobs: workers,
            restarts: 0,
            fail_fast: false,
            grace: Self::DEFAULT_GRACE,
            timeout: None,
            worker: PathBuf::new(),
            command: String::new(),
            command_timeout: None,
        }
    }

    /// The geometry of a segment for these terms.
    pub(crate) fn geometry(&self) -> Geometry {
        let kind = match self.mode {
            Mode::Repeat | Mode::Independent => Kind::Tickets,
            Mode::Split => Kind::Chunks,
            Mode::Shared => Kind::Shared,
        };
        Geometry { slots: self.slots, cells: self.cells, width: self.value_type.width(), kind }
    }

    /// What a snapshot reads: of a shared array only the first cells.
    pub(crate) fn shown_geometry(&self) -> Geometry {
        match self.geometry() {
            whole @ Geometry { kind: Kind::Shared, cells, .. } if cells > SHOWN_CELLS => {
                Geometry { cells: SHOWN_CELLS, kind: Kind::Glimpse, ..whole }
            }
            whole => whole,
        }
    }

    /// Tickets up to this one belong to launched workers.
    #[must_use]
    pub fn reserved(&self) -> u32 {
        match self.origin {
            Origin::ByHand => 0,
            Origin::Run | Origin::Call => self.workers,
        }
    }

    /// The iterations that the run computes: the part, or the whole.
    #[must_use]
    #[inline]
    pub fn range(&self) -> Range<u64> {
        self.part.as_ref().map_or(0..self.iterations, |part| part.range().clone())
    }

    /// The end of [`Self::range`].
    #[must_use]
    #[inline]
    pub fn end(&self) -> u64 {
        self.part.as_ref().map_or(self.iterations, |part| part.range().end)
    }

    /// Which of how many equal parts that is, if it is one.
    #[must_use]
    pub fn shard(&self) -> Option<Shard> {
        self.part.as_ref()?.shard()
    }

    /// The number of iterations that the run computes.
    #[must_use]
    pub fn length(&self) -> u64 {
        let Range { start, end } = self.range();
        end.saturating_sub(start)
    }

    /// How many iterations a worker with this chunk computes at a time.
    #[must_use]
    pub fn at_hand(&self, chunk: &Range<u64>) -> u64 {
        if self.mode == Mode::Split { chunk.end.saturating_sub(chunk.start) } else { self.iterations }
    }

    /// How many contributions the run wants when these tickets are done: one of each of its own workers, and of each that joined by
    /// hand.
    pub(crate) fn contributions_due(&self, done: impl Iterator<Item = u32>) -> u64 {
        match self.reserved() {
            0 => self.workers.into(),
            reserved => u64::from(reserved) + done.filter(|ticket| *ticket > reserved).count() as u64,
        }
    }

    /// Whether a segment can have these terms.
    ///
    /// # Errors
    /// What makes no sense.
    pub fn check(&self) -> Result<(), InvalidTerms> {
        let are_sound = self.workers >= 1 && self.jobs >= 1 && self.slots >= self.workers;
        let (cells, most) = (self.cells, self.geometry().most_cells());
        if !(1..=most).contains(&cells) {
            return Err(InvalidTerms::Cells { cells, most });
        }
        if !are_sound || self.geometry().checked().is_none() {
            return Err(InvalidTerms::Counts { cells, workers: self.workers, slots: self.slots });
        }
        if self.mode != Mode::Shared && !ValueType::OF_RUNS.contains(&self.value_type) {
            return Err(InvalidTerms::Type(self.value_type.name()));
        }
        if self.part.as_ref().is_some_and(|part| self.mode != Mode::Split || !part.is_part_of(self.iterations)) {
            return Err(InvalidTerms::Part);
        }
        let (text, command) = (self.text().len(), self.command.len());
        if text > TEXT_BYTES {
            return Err(InvalidTerms::Text { command, others: text - command });
        }
        Ok(())
    }
}
