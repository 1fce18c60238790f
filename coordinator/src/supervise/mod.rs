//! Supervision: launch, reap, launch again, and see the run to its end.
//!
//! One loop that sleeps in `poll` until a signal, an exit, a reader of stdout or a deadline wakes it. Nothing in it waits
//! for a worker, or for the lock for more than a moment, so that a signal is always heard.

mod bystanders;
mod obey;
mod reap;
mod wake;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use common::{Committed, Error as SegmentError, LockHolder, Mode, Segment, TicketState, Vigil, process};
use rustix::process::{WaitOptions, waitpid};

use crate::error::Result;
use crate::launch::{Launcher, Refused};
use crate::narrate::Narrator;
use crate::outcome::{Ending, Fates, Outcome};
use crate::output::{Output, Style};
use crate::progress::{Known, Progress};
use crate::report;
use crate::signals::Signals;
use crate::timeline::Timeline;
use bystanders::Bystander;

/// Launches between two looks at what else has happened.
const BATCH: usize = 16;

/// How long the lock may keep the loop from its other duties.
const LOCK_PATIENCE: Duration = Duration::from_millis(20);

/// When to look again at what wakes nobody: a lock that a stopped process holds.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// One run's supervision.
pub struct Supervisor<'a> {
    segment: &'a Segment,
    launcher: Launcher,
    signals: &'a mut Signals,
    output: &'a mut Output,
    timeline: &'a mut Timeline,
    narrator: &'a Narrator,
    progress: Progress<'a>,
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
    vigil: Vigil,
    /// Since when the lock has been waited for, and after how many seconds that was told last.
    lock_wait: Option<(Instant, u64)>,
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
        timeline: &'a mut Timeline,
        narrator: &'a Narrator,
        progress: Progress<'a>,
    ) -> Self {
        Self {
            segment,
            launcher,
            signals,
            output,
            timeline,
            narrator,
            progress,
            queue: VecDeque::new(),
            children: HashMap::new(),
            bystanders: Vec::new(),
            fates: Fates::default(),
            printed: segment.told(),
            ending: None,
            deadline: segment.terms().timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            kill_at: None,
            launch_after: None,
            look_again: None,
            vigil: Vigil::default(),
            lock_wait: None,
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
            self.show_progress();
            self.wait();
        }
        self.print_news();
        let stopped = self.is_stopping().then_some(Ending::Stopped);
        let fates = std::mem::take(&mut self.fates);
        Ok(Outcome { ending: self.ending.or(stopped), fates, deadline: self.deadline })
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

    fn launch(&mut self) {
        if self.is_stopping() || self.launch_after.is_some_and(|after| after > Instant::now()) {
            return;
        }
        self.launch_after = None;
        for _ in 0..BATCH {
            if self.alive() >= self.segment.terms().jobs as usize {
                return;
            }
            let Some(ticket) = self.queue.pop_front() else { return };
            if !self.segment.is_linked() {
                // A worker would find nothing under the name, or another segment.
                self.fail(ticket, "was not launched: the segment was removed by someone else".to_owned());
                continue;
            }
            self.segment.forget_failure(ticket);
            self.timeline.launching();
            match self.launcher.launch(ticket) {
                Ok(pid) => {
                    let again = if self.fates.get(ticket).is_some() { " again" } else { "" };
                    self.narrator.step(format_args!("launched Process-{ticket}{again}, pid {pid}"));
                    self.children.insert(pid, ticket);
                    self.timeline.launched(ticket, pid);
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
        if !self.queue.is_empty() {
            self.look_again = Some(Instant::now());
        }
    }

    fn show_progress(&mut self) {
        if self.progress.is_due() {
            let children = self.children.iter().map(|(pid, ticket)| (*ticket, *pid)).collect();
            self.progress.show(&Known { children, fates: &self.fates });
        }
    }

    fn print_news(&mut self) {
        if self.segment.done() > self.printed || self.output.is_pending() {
            let narrator = self.narrator;
            narrator.step_aside(|| self.print_all_news());
        }
    }

    fn print_all_news(&mut self) {
        while let Some(committed) = self.segment.committed(self.printed) {
            self.printed += 1;
            report::print_commit(self.segment, &committed, self.output);
            self.tell_commit(&committed);
        }
        self.output.write_what_fits();
        if self.output.style() != Style::Json && !self.output.is_pending() {
            // What is printed is never printed again; what is not is left to a coordinator that takes over.
            self.segment.remember_told(self.printed);
        }
    }

    /// How many workers are alive under the tickets that a coordinator gives out.
    fn alive(&self) -> usize {
        let reserved = self.segment.terms().reserved();
        self.children.len() + self.bystanders.iter().filter(|bystander| bystander.ticket <= reserved).count()
    }

    fn all_are_gone(&self) -> bool {
        let nobody_to_launch = self.queue.is_empty() || self.is_stopping();
        self.children.is_empty() && nobody_to_launch && (self.bystanders.is_empty() || self.impatient)
    }

    /// Closes the segment to workers that join by hand; says whether none is left who joined before.
    ///
    /// Taking the lock also brings to an end what a worker that died with it had begun.
    fn close(&mut self) -> Result<bool> {
        match self.segment.lock_within(LOCK_PATIENCE) {
            Ok(mut guard) => {
                if self.may_have_to_go_on()? {
                    return Ok(false);
                }
                guard.close();
                self.narrator.step("closed: nobody joins any more");
                // Under the lock: who joined and dies after this look is still waited for, and then the lock's recovery
                // brings to light, and to print, what it may have committed.
                self.greet_bystanders()?;
            }
            Err(SegmentError::Busy { .. }) if self.impatient => return Ok(true),
            Err(SegmentError::Busy { holder }) => {
                self.vigil.watch(self.segment, holder.as_ref())?;
                self.tell_holder(holder);
                self.look_again = Some(Instant::now() + LOOK_AGAIN);
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
        self.segment.notify();
        Ok(self.bystanders.is_empty() || self.impatient)
    }
}

impl Supervisor<'_> {
    fn tell_commit(&self, Committed { ticket, contribution, value }: &Committed) {
        self.narrator.step(match self.segment.terms().mode {
            Mode::Repeat => format!("Process-{ticket} committed {contribution}; the value is {value}"),
            Mode::Split => format!("Process-{ticket} committed its last chunk: {contribution} in all"),
            _ => format!("Process-{ticket} committed {contribution}"),
        });
    }

    /// Tells after 1, 2, 4, … seconds who keeps the run from being closed.
    fn tell_holder(&mut self, holder: Option<LockHolder>) {
        let (since, told) = self.lock_wait.get_or_insert_with(|| (Instant::now(), 0));
        let waited = since.elapsed().as_secs();
        if waited.is_power_of_two() && waited > *told {
            *told = waited;
            let holder = holder.map_or_else(|| "just released".to_owned(), |holder| holder.to_string());
            self.narrator.note(format_args!("waiting for the lock for {waited} s: {holder}"));
        }
    }
}

impl Drop for Supervisor<'_> {
    /// After an error or a panic no worker is left behind.
    fn drop(&mut self) {
        if !self.children.is_empty() {
            self.kill_all();
            for pid in self.children.keys().filter_map(|pid| process::id(*pid)) {
                let _ = waitpid(Some(pid), WaitOptions::empty());
            }
        }
    }
}

/// A lock that is busy is no error to who can do without it.
fn unless_busy<T>(error: SegmentError) -> std::result::Result<Option<T>, SegmentError> {
    if matches!(error, SegmentError::Busy { .. }) { Ok(None) } else { Err(error) }
}
