//! What follows from a worker's end.

use common::{Mode, TicketState};
use rustix::process::{WaitOptions, WaitStatus, wait};

use super::bystanders::Bystander;
use super::{LOCK_PATIENCE, Supervisor, unless_busy};
use crate::error::Result;
use crate::outcome::{describe, is_final};

impl Supervisor<'_> {
    /// Buries every worker that has ended.
    pub(super) fn reap(&mut self) -> Result<()> {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            let pid = pid.as_raw_nonzero().get().cast_unsigned();
            if let Some(ticket) = self.children.remove(&pid) {
                self.bury(ticket, pid, status)?;
            }
        }
        Ok(())
    }

    /// Decides what follows from a worker's end.
    fn bury(&mut self, ticket: u32, pid: u32, status: WaitStatus) -> Result<()> {
        self.timeline.ended(self.segment, ticket, pid, status);
        self.fates.record(ticket, status);
        self.print_news();
        let end = describe(status);
        let before = match self.segment.terms().mode {
            Mode::Split => "before all was done",
            _ => "before its contribution",
        };
        if self.is_done(ticket)? {
            self.narrator.step(format_args!("reaped Process-{ticket} (pid {pid}), which has contributed and {end}"));
        } else if let Some(pid) = self.rival(ticket)? {
            self.narrator.step(format_args!("Process-{ticket} is at work already (pid {pid})"));
            self.bystanders.push(Bystander::new(ticket, pid));
        } else if self.is_stopping() {
            self.narrator.step(format_args!("reaped Process-{ticket} (pid {pid}), which {end}"));
        } else if let Some(reason) = is_final(status) {
            self.fail(ticket, format!("{end}: {reason}"));
        } else if self.segment.has_failed(ticket) {
            self.fail(ticket, "gave up what it could not compute".to_owned());
        } else if self.fates.of(ticket).restarts < self.segment.terms().restarts {
            let (fate, most) = (self.fates.of(ticket), self.segment.terms().restarts);
            fate.restarts += 1;
            let restarts = fate.restarts;
            self.narrator.note(format_args!(
                "Process-{ticket} (pid {pid}) {end} {before}; launching it again ({restarts} of {most})"
            ));
            // A chunk that it held stays in its slot for the next one: what kills a worker is not handed round.
            self.queue.push_front(ticket);
        } else {
            let restarts = self.segment.terms().restarts;
            // What it held others find, once all the rest is given out.
            self.fail(ticket, format!("{end} {before}, after {restarts} restarts"));
        }
        Ok(())
    }

    /// The process that works under the ticket of a worker that was reaped.
    ///
    /// The role of a process that was reaped is free: who holds it was left by a coordinator that died before this worker
    /// was launched. It may hold the role and not have the ticket yet, or just be dying with it.
    fn rival(&self, ticket: u32) -> Result<Option<u32>> {
        Ok(match self.segment.ticket(ticket)? {
            Some(TicketState::Held { pid }) => Some(pid),
            Some(TicketState::Free) if self.segment.has_worker(ticket)? => Some(0),
            _ => None,
        })
    }

    /// Gives what a dead worker held to those at work, unless it is what it failed for.
    pub(super) fn offer_orphan(&self, ticket: u32) {
        if !self.segment.has_failed(ticket) {
            self.segment.offer_orphan(ticket);
        }
    }

    pub(super) fn fail(&mut self, ticket: u32, reason: String) {
        // Others may do the rest of a range that is shared out: then nothing else tells of it.
        match self.segment.terms().mode {
            Mode::Split => self.narrator.note(format_args!("Process-{ticket} failed: {reason}")),
            _ => self.narrator.step(format_args!("Process-{ticket} failed: {reason}")),
        }
        self.fates.of(ticket).failure = Some(reason);
    }

    /// Whether the ticket is done, also if its worker died between the commit and its application.
    pub(super) fn is_done(&self, ticket: u32) -> Result<bool> {
        if self.segment.ticket(ticket)? == Some(TicketState::Done) {
            return Ok(true);
        }
        // If the lock is busy, the dead worker did not hold it, or someone has recovered it already; and a worker that is
        // launched for nothing finds its ticket done.
        drop(self.segment.lock_within(LOCK_PATIENCE).map(Some).or_else(unless_busy)?);
        Ok(self.segment.ticket(ticket)? == Some(TicketState::Done))
    }
}
