//! The times at which the supervisor has something to do.

use std::time::{Duration, Instant};

/// A grace that never ends in practice, for options that an [`Instant`] cannot hold.
const FAR_OFF: Duration = Duration::from_secs(365 * 24 * 3600);

/// The times at which the supervisor has something to do, as far as there are any.
#[derive(Default)]
pub struct Deadlines {
    /// When `--timeout` passes.
    pub run: Option<Instant>,
    /// When workers that were asked to leave are killed.
    pub kill: Option<Instant>,
    /// When killed workers are waited for no more.
    pub abandon: Option<Instant>,
    /// When what workers left behind is waited for no more, at the end of the run.
    pub leave: Option<Instant>,
    /// Before this, no worker is launched.
    pub launch: Option<Instant>,
    /// When to check again what wakes nobody, such as a lock that a stopped process holds.
    pub check: Option<Instant>,
}

impl Deadlines {
    /// The deadlines of a run that gives up then.
    pub fn of_run(run: Option<Instant>) -> Self {
        Self { run, ..Self::default() }
    }

    /// Workers are killed after this grace.
    pub fn kill_after(&mut self, grace: Duration) {
        self.kill = Some(Instant::now() + grace.min(FAR_OFF));
    }
}

/// The earlier of a deadline that there may be, and another one.
pub fn earlier(one: Option<Instant>, other: Instant) -> Instant {
    one.map_or(other, |one| one.min(other))
}

/// Whether there is such a deadline and it has passed.
pub fn has_passed(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| deadline <= Instant::now())
}
