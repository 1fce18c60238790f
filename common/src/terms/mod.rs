//! The terms of a run: everything that a worker must know, fixed when the segment is created.
//!
//! Invariant: terms never change once the segment is ready. Decoding foreign bytes gives valid terms or a reason.

mod invalid;
mod mode;
mod part;
#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

pub use invalid::InvalidTerms;
pub use mode::{Mode, Origin};
pub use part::{Part, Shard};

use crate::clock::nanoseconds;
use crate::delay::DelayRange;
use crate::layout::{Geometry, Header, Kind, TERMS_WORDS, TEXT_BYTES};
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
    /// The command of the kernel `exec`; else empty.
    pub command: String,
    /// The longest time of one command.
    pub command_timeout: Option<Duration>,
}

impl Terms {
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
            grace: Duration::ZERO,
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

    /// Whether a segment can have these terms; else what makes no sense.
    pub(crate) fn check(&self) -> Result<(), InvalidTerms> {
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

    /// Stores the terms in a header that no other process sees yet.
    pub(crate) fn store(&self, header: &Header) {
        for (cell, word) in header.terms.iter().zip(self.words()) {
            cell.store(word, Relaxed);
        }
        for (cell, byte) in header.text.iter().zip(self.text()) {
            cell.store(byte, Relaxed);
        }
    }

    /// Loads the terms from a header, or returns the term that makes no sense.
    pub(crate) fn load(header: &Header) -> Result<Self, &'static str> {
        let words = header.terms.each_ref().map(|cell| cell.load(Relaxed));
        let text: Vec<u8> = header.text.iter().map(|cell| cell.load(Relaxed)).collect();
        Self::decode(words, &text)
    }

    /// The words and texts as one sequence, for the checksum.
    pub(crate) fn fingerprint(&self) -> Vec<u64> {
        self.words().into_iter().chain(self.text().into_iter().map(u64::from)).collect()
    }

    fn words(&self) -> [u64; TERMS_WORDS] {
        // The duration plus one, so that 0 means none.
        let optional = |duration: Option<Duration>| duration.map_or(0, |some| nanoseconds(some).saturating_add(1));
        let [kernel, worker, command] =
            [self.kernel.len(), self.worker.as_os_str().len(), self.command.len()].map(short_length);
        let part = match (&self.part, self.shard()) {
            (_, Some(shard)) => [shard.index(), shard.of()],
            (Some(part), None) => [part.range().start, part.range().end],
            (None, None) => [0, 0],
        };
        [
            self.choices(),
            self.iterations,
            part[0],
            part[1],
            self.chunk.unwrap_or(0),
            nanoseconds(self.delay.min()),
            nanoseconds(self.delay.max()),
            self.seed.unwrap_or(0),
            both(self.cells, self.workers),
            both(self.slots, self.jobs),
            both(self.restarts, command),
            nanoseconds(self.grace),
            optional(self.timeout),
            optional(self.command_timeout),
            both(kernel, worker),
            0,
        ]
    }

    /// The choices, one byte each, counted from 1.
    fn choices(&self) -> u64 {
        let choices = [
            self.mode as u8,
            self.origin as u8,
            self.value_type as u8,
            self.overflow as u8,
            self.seed.is_some().into(),
            self.fail_fast.into(),
            u8::from(self.part.is_some()) + u8::from(self.shard().is_some()),
            self.has_folder.into(),
        ];
        u64::from_le_bytes(choices.map(|choice| choice + 1))
    }

    fn text(&self) -> Vec<u8> {
        [self.kernel.as_bytes(), self.worker.as_os_str().as_bytes(), self.command.as_bytes()].concat()
    }

    fn decode(words: [u64; TERMS_WORDS], text: &[u8]) -> Result<Self, &'static str> {
        let [choices, iterations, part_first, part_last, chunk, delay_min, delay_max, seed, words @ ..] = words;
        let [cells_and_workers, slots_and_jobs, restarts_and_command, grace, timeout, command_timeout, names, _] =
            words;
        let [mode, origin, value_type, overflow, seeded, fail_fast, part, has_folder] = choices.to_le_bytes();
        let (restarts, command) = apart(restarts_and_command);
        let (kernel, worker) = apart(names);
        let shard = Shard::new(part_first, part_last);
        let parts = [
            Some(None),
            Some(Some(Part::of_range(part_first..part_last))),
            shard.map(|shard| Some(Part::of_shard(shard, iterations))),
        ];
        let (kernel, rest) = split(text, kernel).ok_or("length of the kernel's name")?;
        let (worker, rest) = split(rest, worker).ok_or("length of the worker's path")?;
        let (command, _) = split(rest, command).ok_or("length of the command")?;
        let (cells, workers) = apart(cells_and_workers);
        let (slots, jobs) = apart(slots_and_jobs);
        let optional = |word: u64| word.checked_sub(1).map(Duration::from_nanos);
        let terms = Self {
            mode: pick([Mode::Repeat, Mode::Independent, Mode::Split, Mode::Shared], mode).ok_or("mode")?,
            origin: pick([Origin::ByHand, Origin::Run, Origin::Call], origin).ok_or("origin")?,
            kernel: std::str::from_utf8(kernel).map_err(|_| "kernel")?.to_owned(),
            iterations,
            part: pick(parts, part).flatten().ok_or("part of the range")?,
            has_folder: pick([false, true], has_folder).ok_or("folder")?,
            chunk: Some(chunk).filter(|chunk| *chunk > 0),
            delay: DelayRange::new(Duration::from_nanos(delay_min), Duration::from_nanos(delay_max)).ok_or("delay")?,
            seed: pick([None, Some(seed)], seeded).ok_or("seed")?,
            value_type: pick(ValueType::ALL, value_type).ok_or("value type")?,
            cells,
            overflow: pick([Overflow::Wrap, Overflow::Error], overflow).ok_or("overflow")?,
            workers,
            slots,
            jobs,
            restarts,
            fail_fast: pick([false, true], fail_fast).ok_or("fail fast")?,
            grace: Duration::from_nanos(grace),
            timeout: optional(timeout),
            worker: PathBuf::from(OsStr::from_bytes(worker)),
            command: std::str::from_utf8(command).map_err(|_| "command")?.to_owned(),
            command_timeout: optional(command_timeout),
        };
        terms.check().map_err(InvalidTerms::term)?;
        Ok(terms)
    }
}

/// Two counts in one word.
fn both(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// The two counts of [`both`].
#[expect(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
fn apart(word: u64) -> (u32, u32) {
    ((word >> 32) as u32, word as u32)
}

/// The choice with that number, counted from 1.
fn pick<T, const N: usize>(choices: [T; N], number: u8) -> Option<T> {
    choices.into_iter().nth(number.checked_sub(1)?.into())
}

/// The length of a text. One of more than 32 bits has no room anyway, and is no text that can be read back.
fn short_length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn split(text: &[u8], length: u32) -> Option<(&[u8], &[u8])> {
    text.split_at_checked(usize::try_from(length).ok()?)
}
