//! Workers that have ended: the effects of what [`policy`] decides.

use common::{Mode, TicketState};
use rustix::process::{WaitOptions, wait};

use super::Supervisor;
use super::policy::{self, AdoptedExit, AfterAdoptedExit, AfterExit, Exit, TicketStanding};
use super::workers::AdoptedWorker;
use crate::error::Result;
use crate::worker_outcome::WorkerExit;

impl Supervisor<'_> {
    /// Reaps the launched workers that have ended.
    pub(super) fn reap(&mut self) -> Result<()> {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            let pid = pid.as_raw_nonzero().get().cast_unsigned();
            if let Some(ticket) = self.workers.children.remove(&pid) {
                self.on_exit(ticket, pid, status.into())?;
            }
        }
        Ok(())
    }

    fn on_exit(&mut self, ticket: u32, pid: u32, how: WorkerExit) -> Result<()> {
        self.timeline.record(|recording| recording.ended(self.segment, ticket, pid, how));
        self.workers.outcomes.record(ticket, how);
        self.print_new_commits();
        let terms = self.segment.terms();
        let exit = Exit {
            how,
            ticket: self.standing(ticket)?,
            mode: terms.mode,
            has_failed: self.ledger.has_failed(ticket),
            restarts: self.workers.outcomes.get(ticket).map_or(0, |outcome| outcome.restarts),
            most_restarts: self.limits.restarts,
            is_stopping: self.is_stopping(),
        };
        match policy::after_exit(&exit) {
            AfterExit::Finish => {
                self.narrator
                    .step(format_args!("reaped Process-{ticket} (pid {pid}), which has contributed and {how}"));
            }
            AfterExit::Adopt(pid) => {
                self.narrator.step(format_args!("Process-{ticket} is at work already (pid {pid})"));
                self.workers.adopted.push(AdoptedWorker::new(ticket, pid));
            }
            AfterExit::LeaveOpen => {
                self.narrator.step(format_args!("reaped Process-{ticket} (pid {pid}), which {how}"));
            }
            AfterExit::Restart { nth, reason } => {
                let most = self.limits.restarts;
                self.narrator
                    .note(format_args!("Process-{ticket} (pid {pid}) {reason}; launching it again ({nth} of {most})"));
                self.workers.outcomes.entry(ticket).restarts = nth;
                self.workers.queue.push_front(ticket);
            }
            AfterExit::GiveUp(reason) => self.give_up(ticket, reason),
        }
        Ok(())
    }

    /// Drops the adopted workers that have ended.
    pub(super) fn release_adopted(&mut self) -> Result<()> {
        for mut worker in std::mem::take(&mut self.workers.adopted) {
            if let Some(TicketState::Held { .. }) = self.ledger.ticket(worker.ticket)? {
                if worker.has_exited() {
                    // Another process holds the role for it, such as a child of it: poll the ticket.
                    worker.process = None;
                }
                self.workers.adopted.push(worker);
            } else {
                self.on_adopted_exit(worker.ticket)?;
            }
        }
        Ok(())
    }

    fn on_adopted_exit(&mut self, ticket: u32) -> Result<()> {
        self.timeline.record(|recording| recording.left(ticket));
        let exit = if ticket > self.segment.terms().reserved() {
            AdoptedExit::Joined { has_failed: self.ledger.has_failed(ticket) }
        } else {
            AdoptedExit::Reserved { is_done: self.is_done(ticket)? }
        };
        match policy::after_adopted_exit(exit) {
            AfterAdoptedExit::Nothing => {}
            AfterAdoptedExit::Queue => self.workers.queue.push_back(ticket),
            AfterAdoptedExit::OfferChunk => self.ledger.offer_orphan(ticket),
        }
        Ok(())
    }

    /// Where the ticket of a reaped worker stands.
    fn standing(&self, ticket: u32) -> Result<TicketStanding> {
        if self.is_done(ticket)? {
            return Ok(TicketStanding::Done);
        }
        // The role of a reaped process is free. Who holds it was launched before, by a coordinator that died: it may not
        // have taken the ticket yet, or may be dying with it.
        Ok(match self.ledger.ticket(ticket)? {
            Some(TicketState::Held { pid }) => TicketStanding::Owned(pid),
            Some(TicketState::Free) if self.segment.has_worker(ticket)? => TicketStanding::Owned(0),
            _ => TicketStanding::Open,
        })
    }

    /// Whether the ticket is done, also if its worker died between the commit and its application.
    fn is_done(&self, ticket: u32) -> Result<bool> {
        if self.ledger.ticket(ticket)? == Some(TicketState::Done) {
            return Ok(true);
        }
        // If the lock is busy, the dead worker did not hold it, or another process has recovered it already. A worker that
        // is launched in vain finds its ticket done.
        self.apply_published_commit()?;
        Ok(self.ledger.ticket(ticket)? == Some(TicketState::Done))
    }

    pub(super) fn give_up(&mut self, ticket: u32, reason: String) {
        let what = format!("Process-{ticket} failed: {reason}");
        match self.segment.terms().mode {
            // Others may do the rest of the range; then the final report does not mention the failure.
            Mode::Split => self.narrator.note(what),
            _ => self.narrator.step(what),
        }
        self.workers.outcomes.entry(ticket).failure = Some(reason);
    }
}
