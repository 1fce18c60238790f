//! The lives of workers: from launches, spans, and, for workers without spans, the ledger.

use common::cli::exit_code;
use common::span::{Activity, Span};
use common::{BootTime, Mode, Phase, Snapshot, WorkerSnapshot, WorkerState, nanoseconds};

use super::model::{Beginning, Life, Stretch};
use super::recording::Launch;

/// The ledger, for what is not recorded.
pub struct Ledger<'a> {
    snapshot: &'a Snapshot,
    created: BootTime,
    /// Whether workers were asked to leave.
    was_stopped: bool,
    end: u64,
}

impl<'a> Ledger<'a> {
    /// The ledger at the end of a run.
    pub fn new(snapshot: &'a Snapshot, created: BootTime, was_stopped: bool) -> Self {
        Self { snapshot, created, was_stopped, end: created.0.saturating_add(nanoseconds(snapshot.elapsed)) }
    }

    /// The life of a worker that this coordinator launched.
    pub fn launched(&self, launch: &Launch, beginning: Beginning, spans: Vec<Span>) -> Life {
        let start = launch.at.0;
        let end = launch.end.as_ref().map_or(self.end, |end| end.at.0).max(start);
        let worker = self.snapshot.worker(launch.ticket).filter(|worker| worker.pid == launch.pid);
        let stretches = match worker {
            // It could not record spans.
            Some(worker) if spans.is_empty() && worker.committed.is_some() => self.durations(worker, start, end),
            _ => stretches(launch, spans, self.snapshot.terms.mode == Mode::Split, start, end),
        };
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
        let stretches = self.durations(worker, start, end);
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
        let mut stretches = vec![Stretch { commits: true, ..Stretch::new(Activity::Hold, at, at) }];
        let took =
            [(Activity::Wait, worker.lock_wait), (Activity::Sleep, worker.slept), (Activity::Compute, worker.computed)];
        for (activity, took) in took {
            let from = at.saturating_sub(took.map_or(0, nanoseconds)).max(start);
            if from < at {
                stretches.push(Stretch::new(activity, from, at));
            }
            at = from;
        }
        stretches.reverse();
        stretches
    }
}

/// A worker's spans in order, and the one in which it died.
fn stretches(launch: &Launch, mut spans: Vec<Span>, is_split: bool, start: u64, end: u64) -> Vec<Stretch> {
    let open = open(launch, spans.last());
    spans.sort_by_key(|span| span.start);
    let mut at = start;
    let mut stretches = Vec::with_capacity(spans.len() + 1);
    for Span { activity, count, start, end: until, range, value, .. } in spans {
        let (from, to) = (start.0.clamp(at, end), until.0.clamp(at, end));
        let chunk = (is_split && !range.is_empty()).then_some((range.start, range.end));
        stretches.push(Stretch { chunk, count, commits: value.is_some(), ..Stretch::new(activity, from, to) });
        at = to;
    }
    if let Some(activity) = open.filter(|_| at < end) {
        stretches.push(Stretch { is_cut: has_died(launch), ..Stretch::new(activity, at, end) });
    }
    stretches
}

/// What a worker was doing when it ended, if it was in the middle of something.
fn open(launch: &Launch, last: Option<&Span>) -> Option<Activity> {
    let end = launch.end.as_ref()?;
    let last = last.map(|last| last.activity);
    let doing = match end.phase? {
        Phase::Computing => Activity::Compute,
        Phase::Sleeping => Activity::Sleep,
        // A worker records its wait once it has the lock, and its hold once it has released the lock.
        Phase::Waiting if last == Some(Activity::Wait) => Activity::Hold,
        Phase::Waiting if !end.is_done => Activity::Wait,
        Phase::Attached | Phase::Waiting | Phase::Failed | Phase::Overflowed => return None,
    };
    (!end.exit.is_success() && last != Some(doing)).then_some(doing)
}

/// Whether a worker died. Otherwise it was asked to leave or had nothing left to do.
fn has_died(launch: &Launch) -> bool {
    let Some(end) = &launch.end else { return false };
    let left =
        [exit_code::COMPLETE, exit_code::INCOMPLETE, exit_code::HANGUP, exit_code::INTERRUPTED, exit_code::TERMINATED];
    let has_left = end.exit.code().is_some_and(|code| left.iter().any(|left| i32::from(*left) == code));
    !has_left || matches!(end.phase, Some(Phase::Failed | Phase::Overflowed))
}
