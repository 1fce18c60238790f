//! Supervision: launch, reap, launch again, and see the run to its end.
//!
//! One loop that sleeps in `poll` until a signal, an exit, a reader of stdout or a deadline wakes it. Nothing in it waits
//! for a worker or for the lock, so that a signal is always heard.

mod bystanders;
mod fate;
mod wake;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use common::{Error as SegmentError, Segment, Stop, TicketState};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, wait};

pub use fate::Fates;

use crate::error::Result;
use crate::launch::{Launcher, Refused};
use crate::narrate::Narrator;
use crate::output::Output;
use crate::report::{self, Style};
use crate::signals::{Farewell, Signals};
use bystanders::Bystander;

/// Launches between two looks at what else has happened.
const BATCH: usize = 16;

/// How long the lock may keep the loop from its other duties.
const LOCK_PATIENCE: Duration = Duration::from_millis(20);

/// When to look again at what wakes nobody: a lock that a stopped process holds.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Why a run ended before its workers were done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By a signal to the coordinator.
    Farewell(Farewell),
    /// By `--timeout`.
    TimedOut,
    /// By `coordinator stop`.
    Stopped,
}

/// What became of a run.
pub struct Outcome {
    /// Why it ended early, if it did.
    pub ending: Option<Ending>,
    /// What became of each worker that was launched.
    pub fates: Fates,
}

/// One run's supervision.
pub struct Supervisor<'a> {
    segment: &'a Segment,
    launcher: Launcher,
    signals: &'a mut Signals,
    output: &'a mut Output,
    style: Style,
    narrator: &'a Narrator,
    /// Tickets that wait for a worker.
    queue: VecDeque<u32>,
    /// Live workers that this process launched: ticket by process id.
    children: HashMap<u32, u32>,
    /// Live workers that it did not.
    bystanders: Vec<Bystander>,
    fates: Fates,
    printed: u32,
    ending: Option<Ending>,
    deadline: Option<Instant>,
    /// When workers that were asked to leave are killed.
    kill_at: Option<Instant>,
    launch_after: Option<Instant>,
    look_again: Option<Instant>,
    /// Grace is over: nobody is waited for any more.
    impatient: bool,
}

impl<'a> Supervisor<'a> {
    /// A supervisor of the run in `segment`, from whatever state it is in.
    pub fn new(
        segment: &'a Segment,
        launcher: Launcher,
        signals: &'a mut Signals,
        output: &'a mut Output,
        style: Style,
        narrator: &'a Narrator,
    ) -> Self {
        Self {
            segment,
            launcher,
            signals,
            output,
            style,
            narrator,
            queue: VecDeque::new(),
            children: HashMap::new(),
            bystanders: Vec::new(),
            fates: Fates::new(segment.terms().workers),
            printed: segment.done(),
            ending: None,
            deadline: segment.terms().timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            kill_at: None,
            launch_after: None,
            look_again: None,
            impatient: false,
        }
    }

    /// Sees the run to its end: when it returns, no worker is left that was not given up.
    pub fn run(mut self) -> Result<Outcome> {
        self.find_what_is_left()?;
        loop {
            self.look_again = None;
            self.obey();
            self.reap()?;
            self.part_from_bystanders()?;
            self.launch();
            self.print_news();
            if self.all_are_gone() && self.close()? {
                break;
            }
            self.wait();
        }
        self.print_news();
        Ok(Outcome { ending: self.ending, fates: std::mem::take(&mut self.fates) })
    }

    /// Queues the tickets that are not done; those of live workers are left to them.
    fn find_what_is_left(&mut self) -> Result<()> {
        // After a crash a commit may be published and not applied: the lock's recovery brings that to an end.
        drop(self.segment.lock_within(LOCK_PATIENCE).map(Some).or_else(unless_busy)?);
        for ticket in 1..=self.segment.terms().workers {
            match self.segment.ticket(ticket)? {
                Some(TicketState::Done) | None => {}
                Some(TicketState::Held { pid }) => self.bystanders.push(Bystander::new(ticket, pid)),
                Some(TicketState::Free | TicketState::Abandoned) => self.queue.push_back(ticket),
            }
        }
        Ok(())
    }

    /// Does what signals, requests and deadlines ask for.
    fn obey(&mut self) {
        for farewell in self.signals.farewells() {
            if self.ending.is_some() {
                self.kill_all();
            } else {
                self.end(Ending::Farewell(farewell));
            }
        }
        let now = Instant::now();
        if self.ending.is_none() && self.deadline.is_some_and(|deadline| deadline <= now) {
            self.end(Ending::TimedOut);
        }
        match self.segment.stop_requested() {
            Stop::No => {}
            Stop::Drain => _ = self.ending.get_or_insert(Ending::Stopped),
            Stop::Now if self.ending.is_none() => self.end(Ending::Stopped),
            // A run that drains is told to stop now: from here on it has its grace.
            Stop::Now => _ = self.kill_at.get_or_insert_with(|| now + self.segment.terms().grace),
        }
        if self.kill_at.is_some_and(|kill_at| kill_at <= now) {
            self.kill_all();
        }
    }

    /// Ends the run early: no more launches, and workers have their grace to leave.
    fn end(&mut self, ending: Ending) {
        self.narrator.step(format_args!("stopping: {ending:?}; workers have {:?}", self.segment.terms().grace));
        self.ending = Some(ending);
        self.segment.request_stop(Stop::Now);
        let far_off = Duration::from_secs(365 * 24 * 3600);
        self.kill_at = Some(Instant::now() + self.segment.terms().grace.min(far_off));
    }

    /// Kills every worker of its own, and waits for nobody else any more.
    fn kill_all(&mut self) {
        self.impatient = true;
        self.segment.request_stop(Stop::Now);
        for pid in self.children.keys().filter_map(|pid| Pid::from_raw(pid.cast_signed())) {
            // A child that has ended keeps its id until it is reaped, so no one else is hit.
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    fn reap(&mut self) -> Result<()> {
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
        self.fates.of(ticket).record(status);
        self.print_news();
        let end = fate::describe(status);
        if self.is_done(ticket)? {
            self.narrator.step(format_args!("Process-{ticket} (pid {pid}) has contributed and {end}"));
        } else if self.ending.is_some() {
            self.narrator.step(format_args!("Process-{ticket} (pid {pid}) {end}"));
        } else if let Some(reason) = fate::is_final(status) {
            self.fail(ticket, format!("{end}: {reason}"));
        } else if self.fates.of(ticket).restarts < self.segment.terms().restarts {
            let (fate, most) = (self.fates.of(ticket), self.segment.terms().restarts);
            fate.restarts += 1;
            let restarts = fate.restarts;
            self.narrator.note(format_args!(
                "Process-{ticket} (pid {pid}) {end} before its contribution; launching it again ({restarts} of {most})"
            ));
            self.queue.push_front(ticket);
        } else {
            let restarts = self.segment.terms().restarts;
            self.fail(ticket, format!("{end} before its contribution, after {restarts} restarts"));
        }
        Ok(())
    }

    fn fail(&mut self, ticket: u32, reason: String) {
        self.narrator.step(format_args!("Process-{ticket} failed: {reason}"));
        self.fates.of(ticket).failure = Some(reason);
    }

    /// Whether the ticket is done, also if its worker died between the commit and its application.
    fn is_done(&self, ticket: u32) -> Result<bool> {
        if self.segment.ticket(ticket)? == Some(TicketState::Done) {
            return Ok(true);
        }
        // If the lock is busy, the dead worker did not hold it, or someone has recovered it already; and a worker that is
        // launched for nothing finds its ticket done.
        drop(self.segment.lock_within(LOCK_PATIENCE).map(Some).or_else(unless_busy)?);
        Ok(self.segment.ticket(ticket)? == Some(TicketState::Done))
    }

    fn launch(&mut self) {
        if self.ending.is_some() || self.launch_after.is_some_and(|after| after > Instant::now()) {
            return;
        }
        self.launch_after = None;
        for _ in 0..BATCH {
            if self.children.len() >= self.segment.terms().jobs as usize {
                return;
            }
            let Some(ticket) = self.queue.pop_front() else { return };
            match self.launcher.launch(ticket) {
                Ok(pid) => {
                    self.narrator.step(format_args!("launched Process-{ticket} (pid {pid})"));
                    self.children.insert(pid, ticket);
                }
                Err(Refused::ForNow(pause)) => {
                    self.narrator.step(format_args!("no room for Process-{ticket} now; trying again in {pause:?}"));
                    self.queue.push_front(ticket);
                    self.launch_after = Some(Instant::now() + pause);
                    return;
                }
                Err(Refused::ForGood(reason)) => self.fail(ticket, reason),
            }
        }
        // More may be left than one batch.
        self.look_again = (!self.queue.is_empty()).then(Instant::now);
    }

    fn print_news(&mut self) {
        while let Some(committed) = self.segment.committed(self.printed) {
            self.printed += 1;
            report::print_commit(self.segment, &committed, self.style, self.output);
            self.narrator.step(format_args!("Process-{} committed", committed.ticket));
        }
        self.output.write_what_fits();
    }

    fn all_are_gone(&self) -> bool {
        let nobody_to_launch = self.queue.is_empty() || self.ending.is_some();
        self.children.is_empty() && nobody_to_launch && (self.bystanders.is_empty() || self.impatient)
    }

    /// Closes the segment to workers that join by hand; says whether none is left who joined before.
    ///
    /// Taking the lock also brings to an end what a worker that died with it had begun.
    fn close(&mut self) -> Result<bool> {
        match self.segment.lock_within(LOCK_PATIENCE) {
            Ok(mut guard) => guard.close(),
            Err(SegmentError::Busy { .. }) if self.impatient => return Ok(true),
            Err(SegmentError::Busy { holder }) => {
                let holder = holder.map_or_else(|| "just released".to_owned(), |holder| holder.to_string());
                self.narrator.step(format_args!("waiting for the lock: {holder}"));
                self.look_again = Some(Instant::now() + LOOK_AGAIN);
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
        self.segment.notify();
        self.greet_bystanders()?;
        Ok(self.bystanders.is_empty() || self.impatient)
    }
}

impl Drop for Supervisor<'_> {
    /// After an error or a panic no worker is left behind.
    fn drop(&mut self) {
        if !self.children.is_empty() {
            self.kill_all();
            while wait(WaitOptions::empty()).is_ok() {}
        }
    }
}

/// A lock that is busy is no error to who can do without it.
fn unless_busy<T>(error: SegmentError) -> std::result::Result<Option<T>, SegmentError> {
    if matches!(error, SegmentError::Busy { .. }) { Ok(None) } else { Err(error) }
}
