//! Supervision: launches workers, reaps them, launches them again, and closes the run.
//!
//! One loop that sleeps in `poll` until a signal, an exit, a reader of stdout or a deadline wakes it. It never waits for a
//! worker, and for the lock only for a moment, so that it handles every signal at once.

mod commits;
mod deadlines;
mod descendants;
mod exits;
mod failure_reports;
mod failures;
mod joined;
mod launches;
mod lock_wait;
mod policy;
mod requests;
mod sleep;
mod workers;

use std::time::Instant;

use common::oom::OomKills;
use common::{Descendants, Ledger, LockError, Segment, TicketState};

use crate::caller::Caller;
use crate::error::Result;
use crate::launch::{self, Launcher};
use crate::limits::Limits;
use crate::narration::Narrator;
use crate::outcome::{EndReason, Outcome, PrintedCommits};
use crate::output::Output;
use crate::progress::ProgressDisplay;
use crate::readiness::{CHECK_INTERVAL, LOCK_PATIENCE};
use crate::signals::Signals;
use crate::timeline::Timeline;
use deadlines::Deadlines;
pub use deadlines::has_passed;
use failure_reports::FailureReports;
use failures::Repeats;
pub use lock_wait::LockWait;
use workers::{AdoptedWorker, Workers};

/// One run's supervision.
pub struct Supervisor<'a> {
    segment: &'a Segment,
    ledger: Ledger<'a>,
    launcher: Launcher,
    signals: &'a mut Signals,
    /// The process that the run ends with.
    caller: Option<&'a Caller>,
    output: &'a mut Output,
    timeline: &'a mut Timeline,
    narrator: &'a Narrator,
    progress: ProgressDisplay<'a>,
    workers: Workers,
    descendants: Descendants,
    reports: FailureReports,
    /// Which failures, and which exits before a relaunch, were reported.
    failures: Repeats,
    relaunches: Repeats,
    /// What the out-of-memory killer had killed at the beginning.
    kills: OomKills,
    limits: Limits,
    deadlines: Deadlines,
    lock_wait: LockWait,
    /// The commits that are printed.
    printed: PrintedCommits,
    end_reason: Option<EndReason>,
    /// The workers were killed: no other process is waited for.
    grace_is_over: bool,
}

impl<'a> Supervisor<'a> {
    /// Supervises the run in `segment`, from whatever state it is in.
    pub fn new(
        segment: &'a Segment,
        mut launcher: Launcher,
        signals: &'a mut Signals,
        output: &'a mut Output,
        timeline: &'a mut Timeline,
        narrator: &'a Narrator,
        progress: ProgressDisplay<'a>,
    ) -> Self {
        let (ledger, limits) = (Ledger::of(segment), launcher.limits());
        let reports = FailureReports::new(segment);
        let descendants = Descendants::adopt(Some(launch::mark(segment.nonce())));
        launcher.report_to(reports.path());
        launcher.mark_workers(descendants.need_mark());
        Self {
            segment,
            ledger,
            launcher,
            signals,
            caller: None,
            output,
            timeline,
            narrator,
            progress,
            workers: Workers::default(),
            descendants,
            reports,
            failures: Repeats::default(),
            relaunches: Repeats::default(),
            kills: OomKills::now(),
            limits,
            deadlines: Deadlines::of_run(limits.deadline),
            lock_wait: LockWait::default(),
            printed: PrintedCommits { before: ledger.reported(), until: ledger.reported() },
            end_reason: None,
            grace_is_over: false,
        }
    }

    /// Ends the run when that process has ended.
    pub fn end_with(mut self, caller: Option<&'a Caller>) -> Self {
        self.caller = caller;
        self
    }

    /// Runs until all workers have ended, or were killed, and the segment is closed.
    pub fn run(mut self) -> Result<Outcome> {
        self.take_stock()?;
        loop {
            self.deadlines.check = None;
            self.handle_requests();
            self.reap()?;
            self.release_adopted()?;
            self.launch_queued();
            self.print_new_commits();
            if self.is_everyone_gone() && self.are_leftovers_ended() && self.close()? {
                break;
            }
            self.progress.show(|| self.workers.known());
            self.sleep();
        }
        self.print_new_commits();
        self.count_repeated_failures();
        let stopped = self.is_stopping().then_some(EndReason::Stopped);
        let has_overflow = self.workers.outcomes.have_overflow() || self.ledger.has_overflow();
        Ok(Outcome {
            has_overflow,
            end_reason: self.end_reason.or(stopped),
            workers: std::mem::take(&mut self.workers.outcomes),
            printed: self.printed,
            deadline: self.deadlines.run,
        })
    }

    /// Queues the tickets that are not done, and adopts the workers that are alive.
    fn take_stock(&mut self) -> Result<()> {
        self.apply_published_commit()?;
        for ticket in 1..=self.segment.terms().workers {
            self.segment.release_pages_behind(ticket);
            match self.ledger.ticket(ticket)? {
                Some(TicketState::Done) | None => {}
                Some(TicketState::Held { pid }) => {
                    self.workers.adopted.push(AdoptedWorker::new(self.ledger, ticket, Some(pid)));
                }
                Some(TicketState::Free | TicketState::Abandoned) => self.workers.queue.push_back(ticket),
            }
        }
        Ok(())
    }

    /// Takes the lock, if it is free, which applies the commit that a dead worker has published.
    fn apply_published_commit(&self) -> Result<()> {
        match self.ledger.lock_within(LOCK_PATIENCE) {
            Ok(_) | Err(LockError::Busy { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn is_everyone_gone(&self) -> bool {
        let nobody_to_launch = self.workers.queue.is_empty() || self.is_stopping();
        let nobody_to_await = self.workers.adopted.is_empty() || self.grace_is_over;
        self.workers.children.is_empty() && self.workers.dead.is_empty() && nobody_to_launch && nobody_to_await
    }

    /// Closes the segment to workers that join by hand; returns whether all that joined before are gone.
    ///
    /// Taking the lock also finishes the commit of a worker that died with it.
    fn close(&mut self) -> Result<bool> {
        match self.ledger.lock_within(LOCK_PATIENCE) {
            Ok(mut guard) => {
                if self.must_stay_open()? {
                    return Ok(false);
                }
                guard.close();
                self.narrator.step("closed: nobody joins any more");
                // Under the lock: a worker that joined and dies after this is still waited for. Recovery then applies what
                // it may have committed, and it is printed.
                self.adopt_joined()?;
            }
            Err(LockError::Busy { .. }) if self.grace_is_over => return Ok(true),
            Err(LockError::Busy { owner }) => {
                if let Some(note) = self.lock_wait.watch(self.segment, owner)? {
                    self.narrator.note(note);
                }
                self.deadlines.check = Some(Instant::now() + CHECK_INTERVAL);
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
        self.segment.notify();
        Ok(self.workers.adopted.is_empty() || self.grace_is_over)
    }
}

impl Drop for Supervisor<'_> {
    /// Leaves no worker behind after an error or a panic, and nothing that workers started.
    fn drop(&mut self) {
        if !self.workers.children.is_empty() {
            self.kill_all();
        }
        let left = self.descendants.end_all(|pid| self.workers.abandoned.contains(&pid));
        self.abandon(&left);
    }
}
