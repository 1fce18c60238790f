//! The lives of workers: from launches, spans, and, for workers without spans, the ledger.

use common::cli::exit_code;
use common::span::{Activity, Span};
use common::{BootTime, Mode, Phase, Snapshot, WorkerSnapshot, WorkerState, nanoseconds};

use super::model::{Beginning, Doing, Life, Stretch};
use super::recording::Launch;

/// A time between two steps has a stretch of its own if it is no shorter than this fraction of the recording.
/// No picture has more pixels.
const FINEST: u64 = 4096;

/// The ledger, for what is not recorded.
pub struct LedgerAtEnd<'a> {
    snapshot: &'a Snapshot,
    created: BootTime,
    /// Whether workers were asked to leave.
    was_stopped: bool,
    /// Whether every span was recorded.
    is_whole: bool,
    end: u64,
    /// Shorter times between two steps are not shown.
    finest: u64,
}

impl<'a> LedgerAtEnd<'a> {
    /// The ledger at the end of a run that was recorded since it began.
    pub fn new(snapshot: &'a Snapshot, created: BootTime, began: BootTime, was_stopped: bool, is_whole: bool) -> Self {
        let end = created.0.saturating_add(nanoseconds(snapshot.elapsed));
        Self { snapshot, created, was_stopped, is_whole, end, finest: end.saturating_sub(began.0) / FINEST }
    }

    /// The life of a worker that this coordinator launched.
    ///
    /// It ends when the worker has left by its own record: the coordinator may be busy, and reap it later.
    pub fn launched(&self, launch: &Launch, beginning: Beginning, spans: Vec<Span>) -> Life {
        let start = launch.at.0;
        let has_left = spans.iter().rfind(|span| span.activity == Activity::Leave).map(|span| span.end.0);
        let reaped = launch.end.as_ref().map(|end| end.at.0);
        let end = has_left.or(reaped).unwrap_or(self.end).max(start);
        let worker = self.snapshot.worker(launch.ticket).filter(|worker| worker.pid == launch.pid);
        let (has_spans, has_attached) = (!spans.is_empty(), worker.is_some());
        let stretches = match worker {
            // It could not record spans.
            Some(worker) if !has_spans && worker.committed.is_some() => self.durations(worker, start, end),
            _ => stretches(launch, spans, self.snapshot.terms.mode == Mode::Split, start, end),
        };
        let gaps = Gaps {
            first: if has_spans || !has_attached { Doing::Start } else { Doing::Unrecorded },
            inner: if has_spans { Doing::Between } else { Doing::Unrecorded },
            last: if has_spans && self.is_whole { Doing::Leave } else { Doing::Unrecorded },
            finest: self.finest,
        };
        let stretches = gaps.filled(stretches, start, end);
        let ending = match &launch.end {
            Some(launch_end) if launch_end.exit.is_success() => "has finished".to_owned(),
            Some(launch_end) => launch_end.exit.to_string(),
            None => "was left behind".to_owned(),
        };
        Life { pid: launch.pid, beginning, start, end, ending, died: has_died(launch), stretches }
    }

    /// The life of a worker that it did not launch.
    pub fn joined(&self, worker: &WorkerSnapshot, departed: Option<BootTime>) -> Option<Life> {
        let start = self.created.0.saturating_add(nanoseconds(worker.attached?));
        let committed = worker.committed.map(|committed| self.created.0.saturating_add(nanoseconds(committed)));
        let end = committed.or(departed.map(|at| at.0)).unwrap_or(self.end).max(start);
        // The exit of a process that is not a child is unknown.
        let died = worker.state == WorkerState::Died && !self.was_stopped;
        let ending = match worker.state {
            WorkerState::Done => "has contributed",
            WorkerState::Died if died => "died or left",
            WorkerState::Died => "left",
            WorkerState::Failed => "failed",
            _ => "was still at work",
        };
        let unknown = Doing::Unrecorded;
        let gaps = Gaps { first: unknown, inner: unknown, last: unknown, finest: self.finest };
        let stretches = gaps.filled(self.durations(worker, start, end), start, end);
        let (ending, beginning) = (ending.to_owned(), Beginning::Joined);
        Some(Life { pid: worker.pid, beginning, start, end, ending, died, stretches })
    }

    /// The stretches of a worker whose durations alone are known, backwards from its commit.
    fn durations(&self, worker: &WorkerSnapshot, start: u64, end: u64) -> Vec<Stretch> {
        let Some(committed) = worker.committed.filter(|_| self.snapshot.terms.mode != Mode::Split) else {
            return Vec::new();
        };
        let mut at = (self.created.0.saturating_add(nanoseconds(committed))).clamp(start, end);
        // How long it held the lock is unknown.
        let mut stretches = vec![Stretch { commits: 1, ..Stretch::new(Doing::Commit, at, at) }];
        let took = [(Doing::Wait, worker.lock_wait), (Doing::Sleep, worker.slept), (Doing::Compute, worker.computed)];
        for (doing, took) in took {
            let from = at.saturating_sub(took.map_or(0, nanoseconds)).max(start);
            if from < at {
                stretches.push(Stretch::new(doing, from, at));
            }
            at = from;
        }
        stretches.reverse();
        stretches
    }
}

/// What the times without a stretch are called: before the first stretch, between two, and after the last one.
struct Gaps {
    first: Doing,
    inner: Doing,
    last: Doing,
    finest: u64,
}

impl Gaps {
    /// The stretches of a life, and between them what the gaps are called.
    fn filled(&self, stretches: Vec<Stretch>, start: u64, end: u64) -> Vec<Stretch> {
        let mut filled = Vec::with_capacity(stretches.len() + 2);
        let mut at = start;
        for stretch in stretches {
            let (doing, least) = if filled.is_empty() { (self.first, 1) } else { (self.inner, self.finest.max(1)) };
            if stretch.start >= at.saturating_add(least) {
                filled.push(Stretch::new(doing, at, stretch.start));
            }
            at = stretch.end;
            filled.push(stretch);
        }
        if at < end {
            filled.push(Stretch::new(if filled.is_empty() { self.first } else { self.last }, at, end));
        }
        filled
    }
}

/// A worker's spans in order, and the one in which it died.
fn stretches(launch: &Launch, mut spans: Vec<Span>, is_split: bool, start: u64, end: u64) -> Vec<Stretch> {
    let open = open(launch, spans.last());
    spans.sort_by_key(|span| span.start);
    let mut at = start;
    let mut stretches = Vec::with_capacity(spans.len() + 1);
    for Span { activity, count, start, end: until, range, commits, .. } in spans {
        let (from, to) = (start.0.clamp(at, end), until.0.clamp(at, end));
        let chunk = (is_split && !range.is_empty()).then_some((range.start, range.end));
        stretches.push(Stretch { chunk, count, commits, ..Stretch::new(activity.into(), from, to) });
        at = to;
    }
    if let Some(doing) = open.filter(|_| at < end) {
        stretches.push(Stretch { is_cut: has_died(launch), ..Stretch::new(doing, at, end) });
    }
    stretches
}

/// What a worker was doing when it ended, if it was in the middle of something.
fn open(launch: &Launch, last: Option<&Span>) -> Option<Doing> {
    let end = launch.end.as_ref()?;
    let last = last.map(|last| Doing::from(last.activity));
    let doing = match end.phase? {
        Phase::Computing => Doing::Compute,
        Phase::Sleeping => Doing::Sleep,
        // A worker records its wait once it has the lock, and its hold once it has released the lock.
        Phase::Waiting if last == Some(Doing::Wait) => Doing::Hold,
        Phase::Waiting if !end.is_done => Doing::Wait,
        Phase::Attached | Phase::Waiting | Phase::Failed | Phase::Overflowed => return None,
    };
    (!end.exit.is_success() && last != Some(doing) && last != Some(Doing::Leave)).then_some(doing)
}

/// Whether a worker died. Otherwise it was asked to leave or had nothing left to do.
fn has_died(launch: &Launch) -> bool {
    let Some(end) = &launch.end else { return false };
    let left =
        [exit_code::COMPLETE, exit_code::INCOMPLETE, exit_code::HANGUP, exit_code::INTERRUPTED, exit_code::TERMINATED];
    let has_left = end.exit.code().is_some_and(|code| left.iter().any(|left| i32::from(*left) == code));
    !has_left || matches!(end.phase, Some(Phase::Failed | Phase::Overflowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_without_a_stretch_are_named() {
        let gaps = Gaps { first: Doing::Start, inner: Doing::Between, last: Doing::Leave, finest: 5 };
        let filled = |stretches: &[(Doing, u64, u64)], end| {
            let stretches = stretches.iter().map(|(doing, from, to)| Stretch::new(*doing, *from, *to)).collect();
            let filled = gaps.filled(stretches, 10, end);
            filled.iter().map(|stretch| (stretch.doing, stretch.start, stretch.end)).collect::<Vec<_>>()
        };
        let (compute, commit) = ((Doing::Compute, 20, 40), (Doing::Commit, 47, 48));
        let (start, between) = ((Doing::Start, 10, 20), (Doing::Between, 40, 47));
        assert_eq!(filled(&[], 30), [(Doing::Start, 10, 30)], "it died before it attached");
        assert_eq!(filled(&[compute], 40), [start, compute], "it has left by its own record");
        assert_eq!(filled(&[compute, commit], 50), [start, compute, between, commit, (Doing::Leave, 48, 50)]);
        let close = (Doing::Commit, 44, 45);
        assert_eq!(filled(&[compute, close], 45), [start, compute, close], "too short to be seen");
    }
}
