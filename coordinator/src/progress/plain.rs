//! Progress in lines: for stderr that is no terminal, or one that cannot move its cursor.

use std::time::{Duration, Instant};

use common::{Mode, WorkerState};

use super::pace::Pace;
use super::state::{Look, name};

/// Shorter runs say nothing.
pub const FIRST: Duration = Duration::from_secs(5);

/// Between two lines, at first.
const OFTEN: Duration = Duration::from_secs(10);

/// Between two lines of a run that takes long.
const SELDOM: Duration = Duration::from_secs(60);

/// How far the run has got.
pub fn line(look: &Look, pace: &Pace, now: Instant) -> String {
    let is_told = |state: WorkerState| state == WorkerState::Done && look.mode != Mode::Split;
    let mut parts = vec![amount(look)];
    parts.extend(look.counts().into_iter().filter(|(state, _)| !is_told(*state)).map(count));
    let left = pace.left(look, now).map(|left| format!("; {left}")).unwrap_or_default();
    format!("{}; {}{left}", parts.join(", "), pace.elapsed(now))
}

/// When the line after the one that was due then is due.
pub fn next(began: Instant, due: Instant, now: Instant) -> Instant {
    let pause = if due.saturating_duration_since(began) < SELDOM { OFTEN } else { SELDOM };
    // After a long stop there are no lines to make up for.
    if due + pause > now { due + pause } else { now + pause }
}

/// How much of the whole is done.
pub fn amount(look: &Look) -> String {
    match look.mode {
        Mode::Split => format!("{}% in {}", per_cent(look.part), chunks(look.chunks())),
        _ => format!("{} of {} contributions", look.done, look.total),
    }
}

/// So many chunks.
pub fn chunks(count: u64) -> String {
    format!("{count} {}", if count == 1 { "chunk" } else { "chunks" })
}

/// So many workers in that state.
pub fn count((state, count): (WorkerState, usize)) -> String {
    format!("{count} {}", name(state))
}

/// A share as a whole number, which is 100 only when all is done.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 100")]
pub fn per_cent(part: f64) -> u32 {
    (part * 100.0) as u32
}
