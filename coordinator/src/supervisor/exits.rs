//! Workers that have ended: the effects of what [`policy`] decides.

use std::ops::Range;
use std::time::Instant;

use common::descendants::PATIENCE;
use common::{Mode, Phase, TicketState};
use rustix::process::{WaitOptions, wait};

use super::Supervisor;
use super::failures::Failure;
use super::policy::{self, AdoptedExit, AfterAdoptedExit, AfterExit, Exit, HeldChunk, TicketStanding};
use super::workers::AdoptedWorker;
use crate::error::Result;
use crate::worker_outcome::WorkerExit;

/// A death that may be the work of the out-of-memory killer.
const KILLED: WorkerExit = WorkerExit::Signal(9);

impl Supervisor<'_> {
    /// Reaps the launched workers that have ended.
    pub(super) fn reap(&mut self) -> Result<()> {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            let pid = pid.as_raw_nonzero().get().cast_unsigned();
            self.workers.abandoned.remove(&pid);
            let Some(ticket) = self.workers.children.remove(&pid) else { continue };
            if let Some(abandon) = &mut self.deadlines.abandon {
                // Of many killed workers one after the other ends.
                *abandon = Instant::now() + PATIENCE;
            }
            let how = WorkerExit::from(status);
            self.timeline.record(|recording| recording.ended(self.segment, ticket, pid, how));
            if how.is_success() && self.is_done(ticket)? {
                // It has ended what it had started.
                self.on_exit(ticket, pid, how)?;
                self.release(ticket);
            } else {
                self.bury(ticket, pid, how);
            }
        }
        self.end_descendants()
    }

    /// Decides about the ticket of a worker that has ended, with all that it started.
    pub(super) fn on_exit(&mut self, ticket: u32, pid: u32, how: WorkerExit) -> Result<()> {
        self.workers.outcomes.record(ticket, how);
        self.print_new_commits();
        let exit = self.exit(ticket, pid, how)?;
        let report = if how.is_success() { None } else { self.reports.take(pid) };
        let who = format!("Process-{ticket} (pid {pid})");
        match policy::after_exit(&exit) {
            AfterExit::Finish => self.narrator.step(format_args!("reaped {who}, which has contributed and {how}")),
            AfterExit::Adopt(pid) => self.adopt(ticket, pid),
            AfterExit::LeaveOpen => {
                if let Some(report) = report {
                    self.report_failure(ticket, &Failure::of_exit(how, how.to_string(), Some(report)));
                }
                self.narrator.step(format_args!("reaped {who}, which {how}"));
            }
            AfterExit::Restart { charged, reason, follows } => {
                let why = report.map_or_else(|| reason.clone(), |report| format!("{reason}: {}", report.reason));
                let oom = self.killed_for_memory(how).map_or_else(String::new, |killed| format!("; {killed}"));
                let what = format!("{who} {why}{oom}; {follows}");
                // A kill, and a death with a chunk, is an event of its own. A program that exits too early does so again.
                if how.signal().is_some() || exit.chunk.is_some() || self.relaunches.is_first(ticket, &why) {
                    self.narrator.note(what);
                } else {
                    self.narrator.step(what);
                }
                self.ledger.record_exit(ticket, how.into());
                self.workers.outcomes.entry(ticket).restart(charged);
                self.workers.queue.push_front(ticket);
            }
            AfterExit::GiveUp(reason) => {
                let failure = Failure::of_exit(how, reason, report).with_oom(self.killed_for_memory(how));
                self.give_up(ticket, failure);
            }
        }
        Ok(())
    }

    /// What is known of a worker that has ended.
    fn exit(&self, ticket: u32, pid: u32, how: WorkerExit) -> Result<Exit> {
        Ok(Exit {
            how,
            ticket: self.standing(ticket, pid)?,
            mode: self.segment.terms().mode,
            // Who is killed gave nothing up: a chunk may be tried again.
            has_failed: self.ledger.has_failed(ticket) && how.signal().is_none(),
            has_lost_chunk: self.has_lost_chunk(ticket, pid),
            chunk: self.held_chunk(ticket, pid),
            restarts: self.workers.outcomes.get(ticket).map_or(0, |outcome| outcome.charged),
            most_restarts: self.limits.restarts,
            is_stopping: self.is_stopping(),
        })
    }

    /// Waits for a process that works under a ticket although its worker has ended.
    fn adopt(&mut self, ticket: u32, pid: Option<u32>) {
        let who = pid.map_or_else(|| "another process".to_owned(), |pid| format!("pid {pid}"));
        self.narrator.step(format_args!("Process-{ticket} is at work already ({who})"));
        self.workers.adopted.push(AdoptedWorker::new(self.ledger, ticket, pid));
    }

    /// What the out-of-memory killer has killed, if the death may be its work.
    fn killed_for_memory(&self, how: WorkerExit) -> Option<String> {
        (how == KILLED).then(|| self.kills.since("since the run began")).flatten()
    }

    /// Whether an ended worker held a chunk that its ticket holds no more.
    fn has_lost_chunk(&self, ticket: u32, pid: u32) -> bool {
        let is_at_work = |phase| matches!(phase, Phase::Computing | Phase::Sleeping);
        self.segment.terms().mode == Mode::Split
            && !self.ledger.holds_chunk(ticket)
            && self.ledger.phase(ticket).is_some_and(|(last, phase)| last == pid && is_at_work(phase))
    }

    /// The chunk that an ended worker held. One that has not taken its ticket held none, whatever its predecessor left.
    fn held_chunk(&self, ticket: u32, pid: u32) -> Option<HeldChunk> {
        let slot = self.ledger.slot(ticket).filter(|slot| slot.pid == pid)?;
        let Range { start, end } = slot.chunk;
        (start < end).then_some(HeldChunk { start, end, deaths: slot.deaths })
    }

    /// Drops the adopted workers that have ended.
    pub(super) fn release_adopted(&mut self) -> Result<()> {
        for mut worker in std::mem::take(&mut self.workers.adopted) {
            if let Some(TicketState::Held { .. }) = self.ledger.ticket(worker.ticket)? {
                if worker.has_exited() {
                    worker.forget_process();
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
        if self.is_stopping() {
            return Ok(());
        }
        match policy::after_adopted_exit(self.adopted_exit(ticket)?) {
            AfterAdoptedExit::Nothing => {}
            AfterAdoptedExit::Queue => self.workers.queue.push_back(ticket),
            AfterAdoptedExit::Restart { charged, follows } => {
                let what = format!("the process that had the ticket of Process-{ticket} is gone; {follows}");
                self.narrator.note(what);
                self.workers.outcomes.entry(ticket).restart(charged);
                self.workers.queue.push_back(ticket);
            }
            AfterAdoptedExit::GiveUp(reason) => {
                self.give_up(ticket, Failure::of_adopted(reason));
                self.offer(ticket);
            }
            AfterAdoptedExit::OfferChunk => self.ledger.offer_orphan(ticket),
        }
        Ok(())
    }

    fn adopted_exit(&self, ticket: u32) -> Result<AdoptedExit> {
        Ok(match self.workers.outcomes.get(ticket).map(|outcome| outcome.charged) {
            Some(restarts) => {
                let (is_done, most_restarts) = (self.is_done(ticket)?, self.limits.restarts);
                AdoptedExit::Launched { is_done, restarts, most_restarts }
            }
            None if ticket > self.segment.terms().reserved() => {
                AdoptedExit::Joined { has_failed: self.ledger.has_failed(ticket) }
            }
            None => AdoptedExit::Reserved { is_done: self.is_done(ticket)? },
        })
    }

    /// Where the ticket of a reaped worker stands.
    fn standing(&self, ticket: u32, reaped: u32) -> Result<TicketStanding> {
        if self.is_done(ticket)? {
            return Ok(TicketStanding::Done);
        }
        // What a reaped process started is ended by now. Who holds its role was launched before, by a coordinator that died:
        // it may not have taken the ticket yet, or may be dying with it. Or it is a copy of the reaped one out of reach.
        Ok(match self.ledger.ticket(ticket)? {
            Some(TicketState::Held { pid }) => TicketStanding::Owned(Some(pid).filter(|pid| *pid != reaped)),
            Some(TicketState::Free) if self.segment.has_worker(ticket)? => TicketStanding::Owned(None),
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

    pub(super) fn give_up(&mut self, ticket: u32, failure: Failure) {
        self.report_failure(ticket, &failure);
        self.workers.outcomes.entry(ticket).failure = Some(failure.reason);
    }

    /// Reports a failure, also with `--quiet`, unless one with the same cause was reported.
    fn report_failure(&mut self, ticket: u32, failure: &Failure) {
        let what = format!("Process-{ticket} failed: {}", failure.reason);
        if self.failures.is_first(ticket, &failure.cause) {
            // In a split run others may do the rest of the range, unless the worker says that they cannot.
            let is_note = self.segment.terms().mode == Mode::Split && !failure.is_reported;
            self.narrator.failure(if is_note { "note" } else { "error" }, &what, failure.hint.as_deref());
        } else {
            self.narrator.step(what);
        }
    }

    /// Counts the failures and relaunches that were not reported because another worker had the same one.
    pub(super) fn count_repeated_failures(&self) {
        for (first, others) in self.failures.counts(|_| true) {
            self.narrator.failure("note", &format!("Process-{first} failed, and {others} more like it"), None);
        }
        for (first, others) in self.relaunches.counts(|ticket| !self.workers.was_given_up(ticket)) {
            self.narrator.note(format_args!("Process-{first} was launched again, and {others} more like it"));
        }
    }
}
