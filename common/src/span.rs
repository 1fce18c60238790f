//! Spans: what workers record for the coordinator's timeline, one small record each, appended to one
//! [`worker_file`].
//!
//! One `write` appends a record at a multiple of its size, which divides a page, so a record is whole or absent whenever its
//! writer is killed.

use std::ops::Range;

use crate::clock::BootTime;
use crate::value::Number;
use crate::worker_file;

/// The size in bytes of the head and of each record.
pub const RECORD: usize = 64;

/// The first eight bytes of the head, little-endian.
const MAGIC: u64 = u64::from_le_bytes(*b"shmspan2");

/// What two words of a record hold: the range, or the sum as an integer or as a fraction.
const RANGE: u64 = 0;
const INTEGER: u64 = 1;
const FLOAT: u64 = 2;

/// What a worker did during a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// It ran its kernel.
    Compute,
    /// It slept its delay.
    Sleep,
    /// It waited for the lock.
    Wait,
    /// It held the lock and committed nothing: it took its ticket or a chunk, or set one aside.
    Hold,
    /// It held the lock and committed.
    Commit,
    /// It left: it ended what it had started.
    Leave,
}

impl Activity {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 6] = [Self::Compute, Self::Sleep, Self::Wait, Self::Hold, Self::Commit, Self::Leave];
}

/// What one worker did from one time to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The worker's ticket.
    pub ticket: u32,
    /// Its process.
    pub pid: u32,
    /// What it did.
    pub activity: Activity,
    /// How many spans were merged into this one, itself included.
    pub count: u32,
    /// The start.
    pub start: BootTime,
    /// The end.
    pub end: BootTime,
    /// The computed iterations; empty for other activities.
    pub range: Range<u64>,
    /// How many commits it contains.
    pub commits: u32,
    /// After a commit, the sum of the ticket's contributions so far, exact; of an array that to the first cell.
    pub sum: Option<Number>,
}

impl Span {
    /// Its length in nanoseconds.
    #[must_use]
    pub fn took(&self) -> u64 {
        self.end.0.saturating_sub(self.start.0)
    }

    /// Encodes the span as a record.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; RECORD] {
        let kind = self.sum.map_or(RANGE, |sum| if sum.integer().is_some() { INTEGER } else { FLOAT });
        let tag = (self.activity as u64) | (kind << 8) | (u64::from(self.count) << 32);
        // A span with a commit has no range.
        let [from, to] = self.sum.map_or([self.range.start, self.range.end], Number::words);
        let who = u64::from(self.ticket) | (u64::from(self.pid) << 32);
        record([who, tag, self.start.0, self.end.0, from, to, self.commits.into(), MAGIC])
    }

    /// Decodes a record; nothing if it is not one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; RECORD]) -> Option<Self> {
        let [who, tag, start, end, from, to, commits, magic] = words(bytes);
        let [low, high] = [|word: u64| (word & 0xffff_ffff) as u32, |word: u64| (word >> 32) as u32];
        let activity = *Activity::ALL.get(usize::try_from(tag & 0xff).ok()?)?;
        let kind = tag >> 8 & 0xff;
        (magic == MAGIC && start <= end).then(|| Self {
            ticket: low(who),
            pid: high(who),
            activity,
            count: high(tag),
            start: BootTime(start),
            end: BootTime(end),
            range: if kind == RANGE { from..to } else { 0..0 },
            commits: low(commits),
            sum: (kind != RANGE).then(|| Number::from_words([from, to], kind == FLOAT)),
        })
    }
}

/// The head of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The segment's nonce.
    pub nonce: u64,
    /// When the recording began.
    pub began: BootTime,
}

impl Head {
    /// Encodes the head.
    #[must_use]
    pub fn to_bytes(self) -> [u8; RECORD] {
        record([MAGIC, self.nonce, self.began.0, 0, 0, 0, 0, 0])
    }

    /// Decodes a head; nothing if it is not one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; RECORD]) -> Option<Self> {
        let [magic, nonce, began, ..] = words(bytes);
        (magic == MAGIC).then_some(Self { nonce, began: BootTime(began) })
    }
}

/// The limit of the file in bytes: whole records. Nobody appends beyond it, except for workers that do so at the same time,
/// whose last records are lost.
#[must_use]
pub fn room() -> u64 {
    worker_file::room() / RECORD as u64 * RECORD as u64
}

/// How many spans there is room for.
#[must_use]
pub fn most_spans() -> u64 {
    (room() / RECORD as u64).saturating_sub(1)
}

fn record(words: [u64; 8]) -> [u8; RECORD] {
    let mut bytes = [0; RECORD];
    for (bytes, word) in bytes.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

fn words(bytes: &[u8; RECORD]) -> [u64; 8] {
    let mut words = [0; 8];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_as_it_was_written() {
        let sums = [None, Some(Number::Integer(i128::MIN)), Some(Number::Integer(-1)), Some(Number::Float(f64::MAX))];
        for (activity, sum) in Activity::ALL.into_iter().zip(sums.into_iter().cycle()) {
            let (start, end) = (BootTime(5), BootTime(u64::MAX));
            let range = if sum.is_some() { 0..0 } else { 1..1 << 60 };
            let (pid, commits) = (u32::MAX, u32::MAX);
            let span = Span { ticket: 7, pid, activity, count: 3, start, end, range, commits, sum };
            assert_eq!(Span::from_bytes(&span.to_bytes()), Some(span));
        }
        let head = Head { nonce: u64::MAX, began: BootTime(9) };
        assert_eq!(Head::from_bytes(&head.to_bytes()), Some(head));
    }

    #[test]
    fn what_is_no_record_is_not_read() {
        assert_eq!(Span::from_bytes(&[0; RECORD]), None);
        assert_eq!(Span::from_bytes(&[0xff; RECORD]), None);
        assert_eq!(Head::from_bytes(&[0; RECORD]), None);
    }
}
