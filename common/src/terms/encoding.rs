//! The terms in the words and texts of a header.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::{InvalidTerms, Mode, Origin, Part, Shard, Terms};
use crate::clock::nanoseconds;
use crate::delay::DelayRange;
use crate::layout::{Header, TERMS_WORDS};
use crate::value::{Overflow, ValueType};

impl Terms {
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

    pub(super) fn words(&self) -> [u64; TERMS_WORDS] {
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
            u8::from(self.has_folder) + 2 * u8::from(self.has_named_worker),
        ];
        u64::from_le_bytes(choices.map(|choice| choice + 1))
    }

    pub(super) fn text(&self) -> Vec<u8> {
        [self.kernel.as_bytes(), self.worker.as_os_str().as_bytes(), self.command.as_bytes()].concat()
    }

    pub(super) fn decode(words: [u64; TERMS_WORDS], text: &[u8]) -> Result<Self, &'static str> {
        let [choices, iterations, part_first, part_last, chunk, delay_min, delay_max, seed, words @ ..] = words;
        let [cells_and_workers, slots_and_jobs, restarts_and_command, grace, timeout, command_timeout, names, _] =
            words;
        let [mode, origin, value_type, overflow, seeded, fail_fast, part, folder_and_worker] = choices.to_le_bytes();
        let (restarts, command) = apart(restarts_and_command);
        let (kernel, worker) = apart(names);
        let both_ways = [(false, false), (true, false), (false, true), (true, true)];
        let (has_folder, has_named_worker) = pick(both_ways, folder_and_worker).ok_or("folder")?;
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
            has_folder,
            has_named_worker,
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
