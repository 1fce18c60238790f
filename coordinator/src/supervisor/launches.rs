//! Launching workers for the queued tickets.

use std::time::Instant;

use super::Supervisor;
use super::deadlines::has_passed;
use super::failures::Failure;
use crate::timeline::Recording;

/// Launches between two turns of the loop.
const BATCH: usize = 16;

impl Supervisor<'_> {
    /// Launches as many workers as `--jobs` and the system allow, but only a batch.
    pub(super) fn launch_queued(&mut self) {
        if self.is_stopping() || (self.deadlines.launch.is_some() && !has_passed(self.deadlines.launch)) {
            return;
        }
        self.deadlines.launch = None;
        let reserved = self.segment.terms().reserved();
        for _ in 0..BATCH {
            if self.workers.alive(reserved) >= self.limits.jobs as usize {
                return;
            }
            let Some(ticket) = self.workers.queue.pop_front() else { return };
            self.launch(ticket);
            if self.deadlines.launch.is_some() {
                return;
            }
        }
        if !self.workers.queue.is_empty() {
            self.deadlines.check = Some(Instant::now());
        }
    }

    fn launch(&mut self, ticket: u32) {
        if !self.segment.is_linked() {
            // A worker would find no segment under the name, or another one.
            return self.refuse_launch(ticket, "was not launched: the segment was removed by someone else".to_owned());
        }
        if let Err(error) = self.segment.hold_launch(ticket) {
            return self.refuse_launch(ticket, format!("was not launched: {error}"));
        }
        self.ledger.forget_failure(ticket);
        self.timeline.record(Recording::launching);
        match self.launcher.launch(ticket) {
            Ok(pid) => {
                let again = if self.workers.outcomes.get(ticket).is_some() { " again" } else { "" };
                self.narrator.step(format_args!("launched Process-{ticket}{again}, pid {pid}"));
                self.workers.children.insert(pid, ticket);
                self.timeline.record(|recording| recording.launched(ticket, pid));
            }
            Err(refusal) => {
                if let Some(pause) = refusal.pause {
                    self.narrator.step(format_args!("no room for Process-{ticket} now; trying again in {pause:?}"));
                    self.workers.queue.push_front(ticket);
                    self.deadlines.launch = Some(Instant::now() + pause);
                    // Others may have the room.
                    self.offer(ticket);
                } else {
                    self.refuse_launch(ticket, refusal.reason);
                }
            }
        }
    }

    /// Gives the ticket up, and leaves its chunk to the workers that are there.
    fn refuse_launch(&mut self, ticket: u32, reason: String) {
        self.give_up(ticket, Failure::of_launch(reason));
        self.offer(ticket);
    }
}
