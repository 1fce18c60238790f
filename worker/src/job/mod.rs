//! A worker's job: its ticket, and the steps under it.

mod watch;

use std::io::{ErrorKind, Write};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::oom::{self, OomKills};
use common::span::Activity;
use common::{Cause, Claim, ForkError, Ledger, LockError, LockedLedger, Phase, Segment, Stop, cli, nanoseconds};

use crate::args::Args;
use crate::error::Error;
use crate::failure_text::FailureText;
use crate::kernel::{Contribution, Failure, Kernel, StderrTo, Task, is_killed};
use crate::report;
use crate::signals::Signals;
use crate::span_recorder::SpanRecorder;
use crate::watchdog::Watchdog;
use watch::JobWatch;

/// A worker's job.
pub struct Job<'a> {
    pub args: &'a Args,
    pub segment: &'a Segment,
    pub ledger: Ledger<'a>,
    pub claim: Claim,
    kernel: &'a dyn Kernel,
    signals: &'a Signals,
    /// For a kernel that does not watch.
    watchdog: Option<Watchdog>,
    task: Task,
    spent: Spent,
    /// When the last attempt or sleep ended. The clock is read seldom: a chunk may take less time than three readings.
    step_ended: Instant,
    recorder: SpanRecorder,
    /// What the out-of-memory killer had killed at the beginning.
    kills: OomKills,
    /// What stood below the last failed attempt: attempts often fail alike.
    last_details: String,
}

/// How long the steps of a job took so far.
#[derive(Clone, Copy, Default)]
pub struct Spent {
    pub computed: Duration,
    pub slept: Duration,
    pub waited: Duration,
}

impl<'a> Job<'a> {
    /// The job under the claimed ticket.
    pub fn new(
        args: &'a Args,
        segment: &'a Arc<Segment>,
        kernel: &'a dyn Kernel,
        signals: &'a Signals,
        claim: Claim,
        recorder: SpanRecorder,
    ) -> Self {
        let mut terms = segment.terms().clone();
        terms.iterations = args.iterations.unwrap_or(terms.iterations);
        terms.jobs = args.jobs.unwrap_or(terms.jobs);
        terms.command_timeout = args.exec_timeout.or(terms.command_timeout);
        // Not the option's, which is for delays: what is computed follows from the terms alone.
        let seed = terms.seed.unwrap_or(segment.nonce());
        let (name, worker) = (segment.name().to_string(), claim.ticket());
        let task = Task { range: terms.range(), seed, terms, name, worker, attempt: 1, stderr: StderrTo::of(args) };
        let watchdog = (!kernel.watches()).then(|| Watchdog::start(segment, signals, args)).flatten();
        Self {
            args,
            segment,
            ledger: Ledger::of(segment),
            claim,
            kernel,
            signals,
            watchdog,
            task,
            spent: Spent::default(),
            step_ended: Instant::now(),
            recorder,
            kills: if kernel.starts_processes() || kernel.keeps_processes() {
                OomKills::now()
            } else {
                OomKills::UNKNOWN
            },
            last_details: String::new(),
        }
    }

    /// Computes the contribution of a range, in several attempts if the kernel fails. Returns it and the time of the last one.
    pub fn compute(&mut self, range: Range<u64>) -> Result<(Contribution, Duration), Error> {
        self.task.range = range;
        self.ledger.enter(&self.claim, Phase::Computing);
        let (began, span_began) = (Instant::now(), self.recorder.now());
        let computed = self.attempt_often(began);
        self.recorder.record(Activity::Compute, span_began, self.task.range.clone());
        let computed = computed?;
        self.spent.computed += self.step_ended - began;
        Ok(computed)
    }

    fn attempt_often(&mut self, mut began: Instant) -> Result<(Contribution, Duration), Error> {
        let attempts = self.task.terms.restarts.saturating_add(1);
        for attempt in 1.. {
            self.task.attempt = attempt;
            let computed = self.attempt();
            self.step_ended = Instant::now();
            if self.segment.is_inherited() {
                // The kernel has forked, and this is the child: what it has computed is its parent's to add.
                return Err(LockError::from(ForkError::Inherited { name: self.segment.name().clone() }).into());
            }
            let (cause, why) = match computed? {
                Ok(contribution) => return Ok((contribution, self.step_ended - began)),
                Err(Failure::Stopped) => return Err(Error::Stopped),
                Err(Failure::Failed(why)) => (Cause::Failed, why),
                Err(Failure::Command(exit, why)) => (Cause::Command(exit), why),
            };
            let why = FailureText::of(&why);
            self.report_attempt(attempt, attempts, &why);
            if attempt >= attempts {
                let (kernel, why, Range { start, end }) =
                    (self.kernel.name().to_owned(), why.reason, self.task.range.clone());
                let hint = self.hint(cause);
                return Err(Error::Failed { kernel, start, end, attempts, why, cause, hint });
            }
            began = Instant::now();
        }
        unreachable!("the attempts are bounded")
    }

    /// What helps against the cause of a failure, where that is known.
    fn hint(&self, cause: Cause) -> Option<&'static str> {
        let Cause::Command(exit) = cause else { return None };
        (is_killed(exit) && self.kills.have_risen()).then_some(oom::HINT)
    }

    /// Reports an attempt that is followed by another one, or has more to tell than its reason.
    fn report_attempt(&mut self, attempt: u32, attempts: u32, why: &FailureText) {
        let (kernel, Range { start, end }) = (self.kernel.name(), &self.task.range);
        let is_new = !why.details.is_empty() && why.details != self.last_details;
        if attempt < attempts || is_new {
            let what = format!("{kernel} failed for {start}..{end} (attempt {attempt} of {attempts}): {}", why.reason);
            report::block(Some(self.claim.ticket()), &what, if is_new { &why.details } else { "" });
        }
        if is_new {
            self.last_details.clone_from(&why.details);
        }
    }

    fn attempt(&self) -> Result<Result<Contribution, Failure>, Error> {
        let mut watch = JobWatch { segment: self.segment, claim: &self.claim, signals: self.signals };
        let mut compute = || self.kernel.compute(&self.task, &mut watch);
        if let Some(watchdog) = &self.watchdog {
            watchdog.guard(self.signals, compute)
        } else if self.kernel.starts_processes() {
            let computed = self.signals.defer(compute);
            self.signals.processes().reap();
            computed
        } else if self.kernel.keeps_processes() {
            self.signals.defer(compute)
        } else {
            Ok(compute())
        }
    }

    /// Lets the kernel end what it has started. All is contributed by then: a signal meanwhile changes nothing more.
    pub fn finish(&self) {
        let finish = || self.kernel.finish();
        if self.segment.is_inherited() {
            // What has been started is of the parent.
        } else if let Some(watchdog) = &self.watchdog {
            let _ = watchdog.guard(self.signals, finish);
        } else {
            finish();
        }
    }

    /// Sleeps the ticket's delay. Each chunk draws its own, by its start.
    pub fn sleep(&mut self, start: u64) -> Result<(), Error> {
        let range = self.args.delay.unwrap_or(self.task.terms.delay);
        if range.max().is_zero() {
            return Ok(());
        }
        self.ledger.enter(&self.claim, Phase::Sleeping);
        let (began, span_began) = (Instant::now(), self.recorder.now());
        let delay = if range.min() == range.max() {
            range.min()
        } else {
            let seed = self.args.seed.or(self.task.terms.seed).unwrap_or_else(common::random);
            range.draw(seed.wrapping_add(start), self.claim.ticket())
        };
        let is_whole = self.segment.sleep(delay);
        self.step_ended = Instant::now();
        self.spent.slept += self.step_ended - began;
        self.recorder.record(Activity::Sleep, span_began, 0..0);
        if is_whole { Ok(()) } else { Err(Error::Stopped) }
    }

    /// Acquires the lock for a commit, unless the workers are asked to stop meanwhile.
    pub fn lock(&mut self) -> Result<LockedLedger<'a>, Error> {
        self.ledger.enter(&self.claim, Phase::Waiting);
        let span_began = self.recorder.now();
        let locked = match self.ledger.try_lock()? {
            Some(locked) => locked,
            None => self.wait_for_lock()?,
        };
        // Under the lock, so that the span shows the lock of a worker that dies now.
        self.recorder.lock_acquired(span_began);
        if self.segment.stop_requested() == Stop::Now {
            self.release(locked, false);
            return Err(Error::Stopped);
        }
        Ok(locked)
    }

    /// Waits for the lock, which another process holds.
    #[cold]
    fn wait_for_lock(&mut self) -> Result<LockedLedger<'a>, Error> {
        let began = Instant::now();
        let (ledger, claim) = (self.ledger, &self.claim);
        let locked = ledger.lock(|owner, waited| {
            ledger.enter(claim, Phase::Waiting);
            report::lock_wait(Some(claim.ticket()), owner, waited);
        })?;
        self.spent.waited += began.elapsed();
        Ok(locked)
    }

    /// Releases the lock, after a commit or without one.
    pub fn release(&mut self, locked: LockedLedger<'_>, has_committed: bool) {
        self.recorder.lock_releasing();
        drop(locked);
        self.recorder.lock_released(has_committed.then_some(self.ledger));
    }

    /// The worker leaves: records it as its last act.
    pub fn leave(mut self) {
        self.recorder.leave();
    }

    /// Announces an applied contribution and the times of its steps.
    pub fn announce_commit(&self) {
        let Spent { computed, slept, waited } = self.spent;
        self.ledger.record_times(&self.claim, nanoseconds(computed), nanoseconds(slept), nanoseconds(waited));
        self.segment.notify();
    }

    /// Whether the kernel starts processes.
    pub fn starts_processes(&self) -> bool {
        self.kernel.starts_processes()
    }

    /// How many iterations its first chunk has.
    pub fn first_chunk(&self) -> u64 {
        self.kernel.first_chunk()
    }

    /// How many workers are alive at once.
    pub fn jobs(&self) -> u32 {
        self.task.terms.jobs
    }

    /// When its last attempt or sleep ended; before the first one, when it began.
    pub fn step_ended(&self) -> Instant {
        self.step_ended
    }

    /// How long the steps took so far.
    pub fn spent(&self) -> Spent {
        self.spent
    }

    /// Explains a step on stderr, with `--verbose`.
    pub fn say(&self, what: &str) {
        if self.args.verbose {
            let (ticket, pid) = (self.claim.ticket(), std::process::id());
            common::say_if_read(&cli::step(self.segment.created(), &format!("Process-{ticket} (pid {pid}): {what}")));
        }
    }

    /// Prints a result. For a launched worker its coordinator prints it, from the ledger.
    pub fn print(&self, line: &str) -> Result<(), Error> {
        if self.args.ticket.is_some() {
            return Ok(());
        }
        self.segment.wake_coordinator()?;
        if self.args.quiet {
            return Ok(());
        }
        match std::io::stdout().write_all(format!("{line}\n").as_bytes()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::Output(error)),
            _ => Ok(()),
        }
    }
}
