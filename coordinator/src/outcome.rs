//! How a run ended.

use std::time::{Duration, Instant};

use common::Mode;

use crate::output::{Output, Style};
use crate::signals::StopSignal;
use crate::worker_outcome::WorkerOutcomes;

/// How long a slow reader may take for the result after a signal or a timeout.
const READER_GRACE: Duration = Duration::from_secs(1);

/// Why a run ended before its workers were done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The coordinator got a signal.
    Signal(StopSignal),
    /// `--timeout` has passed.
    TimedOut,
    /// The process that the run ends with has ended (`--end-with`).
    CallerGone,
    /// `coordinator stop` was called.
    Stopped,
}

impl EndReason {
    /// The reason in a word or two.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signal(signal) => signal.name,
            Self::TimedOut => "timeout",
            Self::CallerGone => "the end of its caller",
            Self::Stopped => "coordinator stop",
        }
    }
}

/// Commits that a coordinator prints, in the order of the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct PrintedCommits {
    /// How many another coordinator had printed before.
    pub before: u32,
    /// How many are put out by now, with those.
    pub until: u32,
}

impl PrintedCommits {
    /// How many nobody needs to print again; `None` if that is not known yet.
    pub fn delivered(self, output: &Output, mode: Mode) -> Option<u32> {
        let line_each = matches!(
            (output.style(), mode),
            (Style::Lines, Mode::Repeat | Mode::Independent) | (Style::Numbers, Mode::Independent)
        );
        match output.style() {
            Style::Json => None,
            _ if output.is_delivered() => Some(self.until),
            // They come before all other lines.
            _ if line_each => Some(self.before.saturating_add(output.lines_taken()).min(self.until)),
            _ => None,
        }
    }
}

/// How a run ended.
pub struct Outcome {
    /// Why it ended early, if it did.
    pub end_reason: Option<EndReason>,
    /// How the launched workers ended.
    pub workers: WorkerOutcomes,
    /// Whether a contribution was refused because it does not fit.
    pub has_overflow: bool,
    /// The commits that it has put out.
    pub printed: PrintedCommits,
    /// When `--timeout` passes; reporting counts towards it.
    pub deadline: Option<Instant>,
}

impl Outcome {
    /// Whether a signal, the timeout or the end of its caller ended it.
    pub fn is_interrupted(&self) -> bool {
        matches!(self.end_reason, Some(EndReason::Signal(_) | EndReason::TimedOut | EndReason::CallerGone))
    }

    /// When to stop waiting for the reader of the result; `None` means never.
    pub fn report_until(&self) -> Option<Instant> {
        if self.is_interrupted() { Some(Instant::now() + READER_GRACE) } else { self.deadline }
    }
}
