//! What workers leave behind: the coordinator is their subreaper, so it becomes its parent, and ends it.
//!
//! While a dead worker's descendants end, the coordinator holds the role `Role::Launcher` of its ticket: nobody takes its chunk,
//! and no worker is launched for it. So nothing computes beside the next attempt.

use std::time::{Duration, Instant};

use common::descendants::PATIENCE;

use super::Supervisor;
use super::deadlines::{earlier, has_passed};
use super::workers::DeadWorker;
use crate::error::Result;
use crate::figures::first_few;
use crate::worker_outcome::WorkerExit;

/// How often to look whether killed processes have ended.
const PAUSE: Duration = Duration::from_millis(5);

/// How many processes a line names.
const MOST_NAMED: usize = 5;

impl Supervisor<'_> {
    /// Keeps a dead worker's ticket until what it started has ended.
    pub(super) fn bury(&mut self, ticket: u32, pid: u32, how: WorkerExit) {
        self.workers.dead.push(DeadWorker { ticket, pid, how, until: Instant::now() + PATIENCE });
    }

    /// Ends what dead workers started, and then decides about their tickets. It never waits: the loop calls it again.
    pub(super) fn end_descendants(&mut self) -> Result<()> {
        if self.workers.dead.is_empty() {
            return Ok(());
        }
        let is_over = self.end_those_of_dead_workers().is_empty();
        if !is_over {
            self.deadlines.check = Some(earlier(self.deadlines.check, Instant::now() + PAUSE));
        }
        // What is left may be another dead worker's: each one's time is its own.
        let (decided, waiting) = std::mem::take(&mut self.workers.dead)
            .into_iter()
            .partition(|dead| is_over || has_passed(Some(dead.until)));
        self.workers.dead = waiting;
        let decided: Vec<DeadWorker> = decided;
        for DeadWorker { ticket, pid, how, .. } in decided {
            self.on_exit(ticket, pid, how)?;
            self.release(ticket);
        }
        Ok(())
    }

    /// Ends what dead workers started. Returns who is left, without those that were killed long ago, which are given up.
    fn end_those_of_dead_workers(&mut self) -> Vec<u32> {
        let mut left = self.descendants.end(|pid| self.workers.is_spared(pid));
        let now = Instant::now();
        let seen = &mut self.workers.ending;
        seen.retain(|pid, _| left.contains(pid));
        let stuck: Vec<u32> =
            left.iter().copied().filter(|pid| *seen.entry(*pid).or_insert(now) + PATIENCE <= now).collect();
        left.retain(|pid| !stuck.contains(pid));
        self.abandon(&stuck);
        left
    }

    /// Lets others take the ticket's chunk and offers it to them, unless a worker is launched for it.
    pub(super) fn release(&self, ticket: u32) {
        if !self.workers.queue.contains(&ticket) {
            self.offer(ticket);
        }
    }

    /// Lets others take the ticket's chunk, and offers it to them.
    pub(super) fn offer(&self, ticket: u32) {
        // On an error they wait until this coordinator exits.
        let _ = self.segment.release_launch(ticket);
        if self.ledger.holds_chunk(ticket) {
            self.ledger.offer_orphan(ticket);
        }
    }

    /// Whether nothing is left that workers started. Ends it, for a moment at most.
    pub(super) fn are_leftovers_ended(&mut self) -> bool {
        let left = self.descendants.end(|pid| self.workers.is_spared(pid));
        if !left.is_empty() && !has_passed(Some(*self.deadlines.leave.get_or_insert_with(|| Instant::now() + PATIENCE)))
        {
            self.deadlines.check = Some(earlier(self.deadlines.check, Instant::now() + PAUSE));
            return false;
        }
        self.deadlines.leave = None;
        self.abandon(&left);
        true
    }

    /// Gives up on workers that do not end although they were killed: the kernel may keep a process for as long as a disk or a
    /// tracer wants.
    pub(super) fn abandon_workers(&mut self) {
        self.deadlines.abandon = None;
        let left: Vec<u32> = std::mem::take(&mut self.workers.children).into_keys().collect();
        self.abandon(&left);
    }

    /// Says that killed processes are left behind.
    pub(super) fn abandon(&mut self, left: &[u32]) {
        if left.is_empty() {
            return;
        }
        let who = first_few(left, left.len(), MOST_NAMED, |pid| format!("pid {pid}"));
        self.narrator.failure("note", &format!("killed, and not gone after a second: {}", who.join(", ")), None);
        self.workers.abandoned.extend(left);
    }
}
