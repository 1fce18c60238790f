//! Progress in lines: for stderr that is no terminal, or one that cannot move its cursor.

use std::time::{Duration, Instant};

use common::{Mode, WorkerState};

use super::eta::Eta;
use super::run_progress::{RunProgress, name};
use crate::figures::counted;

/// When the first line is due; shorter runs print none.
pub const FIRST: Duration = Duration::from_secs(5);

/// When to look at the progress first, and how often before the first line: that line tells the time left if the rate was
/// steady between looks.
pub const FIRST_LOOK: Duration = Duration::from_millis(1250);

/// The time between two lines at first.
const OFTEN: Duration = Duration::from_secs(10);

/// The time between two lines of a long run, and when a run counts as long.
const SELDOM: Duration = Duration::from_secs(60);

/// The line.
pub fn line(progress: &RunProgress, eta: &Eta, now: Instant) -> String {
    let is_shown = |state: WorkerState| state != WorkerState::Done || progress.mode == Mode::Split;
    let mut parts = vec![amount(progress)];
    parts.extend(progress.counts().into_iter().filter(|(state, _)| is_shown(*state)).map(count));
    let left = eta.left(progress, now).map(|left| format!("; {left}")).unwrap_or_default();
    format!("{}; {}{left}", parts.join(", "), eta.elapsed(now))
}

/// When the line after the one that was due then is due.
pub fn next(began: Instant, due: Instant, now: Instant) -> Instant {
    let pause = if due.saturating_duration_since(began) < SELDOM { OFTEN } else { SELDOM };
    // After a long stop, missed lines are not made up for.
    if due + pause > now { due + pause } else { now + pause }
}

/// How much of the run is done.
pub fn amount(progress: &RunProgress) -> String {
    match progress.mode {
        Mode::Split => format!("{}% in {}", progress.per_cent(), counted(progress.chunks(), "chunk")),
        _ => format!("{} of {} contributions", progress.done, progress.total),
    }
}

/// The number of workers in a state.
pub fn count((state, count): (WorkerState, usize)) -> String {
    format!("{count} {}", name(state))
}
