//! Records a worker's spans for the coordinator's timeline. Without a timeline it records nothing and reads no clock.
//!
//! Invariant: a timeline never disturbs a run. A span that cannot be written is dropped silently.

use std::fs::File;
use std::io::{Seek, Write};
use std::ops::Range;
use std::path::Path;

use common::span::{self, Activity, Head, RECORD, Span};
use common::{BootTime, Ledger, Number, worker_file};

use crate::args::Args;

/// Once half of the room is used, spans shorter than this fraction of the recording's time are merged. A picture is about as
/// many pixels wide.
const FINEST: u64 = 1024;

/// Records spans, if there is a timeline.
pub struct SpanRecorder(Option<Recording>);

struct Recording {
    file: File,
    ticket: u32,
    /// When the coordinator's recording began.
    began: BootTime,
    /// The file's limit in bytes, and its size after the last record.
    room: u64,
    used: u64,
    /// When the lock was last held.
    held: Range<BootTime>,
    /// The end of the last span.
    last: BootTime,
    /// Merged short spans that are not written yet, and the time of each activity in them.
    merged: Option<(Span, [u64; Activity::ALL.len()])>,
}

impl SpanRecorder {
    /// A recorder for the coordinator's file, if there is one.
    pub fn open(args: &Args, nonce: u64) -> Self {
        let wanted = args.timeline_to.as_deref().zip(args.ticket);
        Self(wanted.and_then(|(path, ticket)| Recording::open(path, ticket, nonce)))
    }

    fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Now, if spans are recorded.
    pub fn now(&self) -> BootTime {
        if self.is_on() { BootTime::now() } else { BootTime(0) }
    }

    /// Records an activity from `start` until now.
    pub fn record(&mut self, activity: Activity, start: BootTime, range: Range<u64>) {
        self.record_until(activity, start, self.now(), range, None);
    }

    /// Records the last span: since the one before it the worker has left.
    pub fn leave(&mut self) {
        if let Some(last) = self.0.as_ref().map(|recording| recording.last) {
            self.record(Activity::Leave, last, 0..0);
        }
        self.0 = None;
    }

    /// Records a wait for the lock since `start`. The lock is held from now on.
    pub fn lock_acquired(&mut self, start: BootTime) {
        let now = self.now();
        if let Some(recording) = &mut self.0 {
            recording.held = now..now;
        }
        self.record_until(Activity::Wait, start, now, 0..0, None);
    }

    /// Reads the clock while the lock is still held.
    pub fn lock_releasing(&mut self) {
        if let Some(recording) = &mut self.0 {
            recording.held.end = BootTime::now();
        }
    }

    /// Records that the lock was held until [`Self::lock_releasing`]; with the ledger if it was for a commit.
    pub fn lock_released(&mut self, committed: Option<Ledger<'_>>) {
        let Some(Recording { held, ticket, .. }) = &self.0 else { return };
        let (held, ticket) = (held.clone(), *ticket);
        let activity = if committed.is_some() { Activity::Commit } else { Activity::Hold };
        // Nobody else adds under this ticket.
        let sum = committed.and_then(|ledger| ledger.added(ticket)?.0.as_slice().first().copied());
        self.record_until(activity, held.start, held.end, 0..0, sum);
    }

    fn record_until(
        &mut self,
        activity: Activity,
        start: BootTime,
        end: BootTime,
        range: Range<u64>,
        sum: Option<Number>,
    ) {
        if let Some(recording) = &mut self.0 {
            let (ticket, pid) = (recording.ticket, std::process::id());
            let commits = u32::from(activity == Activity::Commit);
            recording.last = end;
            if !recording.record(&Span { ticket, pid, activity, count: 1, start, end, range, commits, sum }) {
                self.0 = None;
            }
        }
    }
}

impl Recording {
    /// Opens the coordinator's file.
    fn open(path: &Path, ticket: u32, nonce: u64) -> Option<Self> {
        let mut head = [0; RECORD];
        let file = worker_file::open_to_append(path, &mut head)?;
        let Head { began, .. } = Head::from_bytes(&head).filter(|head| head.nonce == nonce)?;
        let used = file.metadata().ok()?.len();
        let last = BootTime::now();
        Some(Self { file, ticket, began, room: span::room(), used, held: last..last, last, merged: None })
    }

    /// Records a span. Returns whether there is room for more.
    fn record(&mut self, span: &Span) -> bool {
        let is_scarce = self.used > self.room / 2;
        let finest = if is_scarce { span.end.0.saturating_sub(self.began.0) / FINEST } else { 0 };
        if span.took() < finest { self.merge(span, finest) } else { self.flush() && self.write(span) }
    }

    /// Merges a short span with the ones before it.
    fn merge(&mut self, span: &Span, finest: u64) -> bool {
        let is_apart = |merged: &Span| merged.took() >= finest || span.start.0 > merged.end.0 + finest;
        if self.merged.as_ref().is_some_and(|(merged, _)| is_apart(merged)) && !self.flush() {
            return false;
        }
        let (activity, took) = (span.activity as usize, span.took());
        let (merged, times) = match &mut self.merged {
            Some(merged) => merged,
            empty => empty.insert((Span { range: 0..0, count: 0, commits: 0, ..span.clone() }, [0; _])),
        };
        merged.end = span.end;
        merged.count += 1;
        merged.commits += span.commits;
        merged.sum = span.sum.or(merged.sum);
        times[activity] += took;
        // It is drawn as the activity that took the most time.
        let longest = Activity::ALL.into_iter().max_by_key(|activity| times[*activity as usize]);
        merged.activity = longest.unwrap_or(merged.activity);
        true
    }

    fn flush(&mut self) -> bool {
        self.merged.take().is_none_or(|(merged, _)| self.write(&merged))
    }

    fn write(&mut self, span: &Span) -> bool {
        let is_written = self.file.write(&span.to_bytes()).is_ok_and(|count| count == RECORD);
        // Appending moved the position to the end, which includes the records of others.
        self.used = self.file.stream_position().unwrap_or(u64::MAX);
        is_written && self.used < self.room
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    /// A million chunks of a microsecond each: half of the room for the first ones, then 1024 for each e-fold of the time.
    #[test]
    fn what_is_short_is_merged_before_the_room_runs_out() {
        const ROOM: u64 = 1 << 15;
        let (file, began, held) = (tempfile::tempfile().unwrap(), BootTime(1), BootTime(1)..BootTime(1));
        let (room, last) = (ROOM * RECORD as u64, began);
        let mut recording =
            Recording { file: file.try_clone().unwrap(), ticket: 1, began, room, used: 0, held, last, merged: None };
        for chunk in 0..1_000_000 {
            let (start, end) = (BootTime(1 + chunk * 1000), BootTime(1 + (chunk + 1) * 1000));
            let (activity, range, sum) = (Activity::Commit, 0..0, Some(Number::Integer(chunk.into())));
            let span = Span { ticket: 1, pid: 1, activity, count: 1, start, end, range, commits: 1, sum };
            assert!(recording.record(&span));
        }
        drop(recording);
        let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, 0).unwrap();
        let (records, rest) = bytes.as_chunks::<RECORD>();
        let spans: Vec<Span> = records.iter().map(|record| Span::from_bytes(record).unwrap()).collect();
        assert!(rest.is_empty() && spans.len() < 22_000, "{}", spans.len());
        assert_eq!(spans.iter().map(|span| span.count).sum::<u32>(), 1_000_000, "none is missing");
        assert_eq!(spans.iter().map(|span| span.commits).sum::<u32>(), 1_000_000, "each is a commit");
        assert!(spans.is_sorted_by(|one, next| one.end == next.start), "without a gap");
        assert_eq!(spans.last().unwrap().sum, Some(Number::Integer(999_999)));
    }
}
