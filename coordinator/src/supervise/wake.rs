//! The one place where the coordinator sleeps.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{LOOK_AGAIN, Supervisor};
use crate::output::Output;

impl Supervisor<'_> {
    /// Sleeps until a signal, an exit, a reader of stdout or the next deadline.
    pub(super) fn wait(&self) {
        let stdout = Output::descriptor();
        let mut waking = vec![PollFd::from_borrowed_fd(self.signals.descriptor(), PollFlags::IN)];
        let processes = self.bystanders.iter().filter_map(|bystander| bystander.process.as_ref());
        waking.extend(processes.map(|process| PollFd::new(process, PollFlags::IN)));
        if self.output.is_pending() {
            waking.push(PollFd::new(&stdout, PollFlags::OUT));
        }
        // Interrupted or timed out or woken: the loop looks at everything in each case.
        let _ = poll(&mut waking, self.patience().as_ref());
    }

    /// The time until the next deadline; nothing if there is none.
    fn patience(&self) -> Option<Timespec> {
        // Once the run is ending its own deadline means nothing, and once grace is over neither does that.
        let deadline = self.deadline.filter(|_| self.ending.is_none());
        let kill_at = self.kill_at.filter(|_| !self.impatient);
        let launch_after = self.launch_after.filter(|_| !self.is_stopping());
        // One whose end nothing tells of is looked at again and again.
        let untold = self.bystanders.iter().any(|bystander| bystander.process.is_none());
        let look = untold.then(|| Instant::now() + LOOK_AGAIN);
        let is_anyone_alive = !self.children.is_empty() || !self.bystanders.is_empty();
        let progress = self.progress.due().filter(|_| is_anyone_alive);
        let next = [deadline, kill_at, launch_after, self.look_again, look, progress].into_iter().flatten().min()?;
        let left = next.saturating_duration_since(Instant::now()).min(Duration::from_secs(24 * 3600));
        Timespec::try_from(left).ok()
    }
}

/// Whether the descriptor is ready for reading now.
pub(super) fn is_readable(descriptor: &OwnedFd) -> bool {
    let mut waking = [PollFd::from_borrowed_fd(descriptor.as_fd(), PollFlags::IN)];
    poll(&mut waking, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
}
