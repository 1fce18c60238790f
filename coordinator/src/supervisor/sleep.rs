//! Sleeping until something happens.

use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use super::Supervisor;
use crate::caller::Caller;
use crate::readiness::{self, CHECK_INTERVAL};

/// The longest sleep. A notice may be lost, so nothing rests on one alone; a look takes microseconds.
const SLOW_LOOK: Duration = Duration::from_secs(3);

impl Supervisor<'_> {
    /// Sleeps until a signal, an exit, the end of the caller, a reader of stdout or the next deadline.
    pub(super) fn sleep(&self) {
        let stdout = rustix::stdio::stdout();
        let mut waking = vec![PollFd::from_borrowed_fd(self.signals.descriptor(), PollFlags::IN)];
        let adopted = self.workers.adopted.iter().filter_map(|worker| worker.process.as_ref());
        waking.extend(adopted.map(|process| PollFd::new(process, PollFlags::IN)));
        waking.extend(self.awaited_caller().and_then(Caller::end));
        if self.output.is_pending() {
            waking.push(PollFd::new(&stdout, PollFlags::OUT));
        }
        let next = self.next_deadline().map_or(SLOW_LOOK, |next| next.saturating_duration_since(Instant::now()));
        self.segment.release_pages();
        readiness::wait(&mut waking, Some(next.min(SLOW_LOOK)));
    }

    /// The caller, while its end would change anything: it would wake again and again.
    fn awaited_caller(&self) -> Option<&Caller> {
        self.caller.filter(|_| self.end_reason.is_none())
    }

    fn next_deadline(&self) -> Option<Instant> {
        let deadlines = &self.deadlines;
        let run = deadlines.run.filter(|_| self.end_reason.is_none());
        let launch = deadlines.launch.filter(|_| !self.is_stopping());
        // Polls the tickets of adopted workers without a pidfd, and a caller without one.
        let is_polling = self.workers.adopted.iter().any(|worker| worker.process.is_none())
            || self.awaited_caller().is_some_and(Caller::must_be_polled);
        let poll = is_polling.then(|| Instant::now() + CHECK_INTERVAL);
        let is_anyone_alive = !self.workers.children.is_empty() || !self.workers.adopted.is_empty();
        let progress = self.progress.due.filter(|_| is_anyone_alive);
        [run, deadlines.kill, deadlines.abandon, launch, deadlines.check, poll, progress].into_iter().flatten().min()
    }
}
