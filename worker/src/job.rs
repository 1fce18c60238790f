//! A worker's job: its ticket, and the steps that it takes under it.

use std::io::{ErrorKind, Write};
use std::ops::Range;
use std::time::{Duration, Instant};

use common::kernel::{Contribution, Failure, Kernel, Stopped, Task, Watch};
use common::trace::Activity;
use common::{Claim, Guard, LockHolder, Phase, Segment, Stop, cli};

use crate::args::Args;
use crate::error::Error;
use crate::record::Recorder;
use crate::signals::Signals;

/// What a worker has to do, and how long its steps took so far.
pub struct Job<'a> {
    pub args: &'a Args,
    pub segment: &'a Segment,
    pub claim: Claim,
    kernel: &'a dyn Kernel,
    signals: &'a Signals,
    task: Task,
    /// Computing, sleeping, waiting for the lock.
    spent: [Duration; 3],
    recorder: Recorder,
}

impl<'a> Job<'a> {
    /// The job under a ticket.
    pub fn new(
        args: &'a Args,
        segment: &'a Segment,
        kernel: &'a dyn Kernel,
        signals: &'a Signals,
        claim: Claim,
        recorder: Recorder,
    ) -> Self {
        let mut terms = segment.terms().clone();
        terms.iterations = args.iterations.unwrap_or(terms.iterations);
        let seed = args.seed.or(terms.seed).unwrap_or(segment.nonce());
        let task = Task { range: 0..terms.iterations, seed, terms };
        Self { args, segment, claim, kernel, signals, task, spent: [Duration::ZERO; 3], recorder }
    }

    /// Computes the contribution of a range, in several attempts if the kernel fails, and says how long it took.
    pub fn compute(&mut self, range: Range<u64>) -> Result<(Contribution, Duration), Error> {
        self.task.range = range;
        self.segment.enter(&self.claim, Phase::Computing);
        let (began, noted) = (Instant::now(), self.recorder.now());
        let contribution = self.attempt_often();
        let took = began.elapsed();
        self.recorder.note(Activity::Compute, noted, self.task.range.clone());
        let contribution = contribution?;
        self.spent[0] += took;
        Ok((contribution, took))
    }

    fn attempt_often(&mut self) -> Result<Contribution, Error> {
        let attempts = self.task.terms.restarts.saturating_add(1);
        for attempt in 1.. {
            let why = match self.attempt() {
                Ok(contribution) => return Ok(contribution),
                Err(Failure::Stopped) => return Err(Error::Stopped),
                Err(Failure::Failed(why)) => why,
            };
            let Range { start, end } = self.task.range;
            if attempt >= attempts {
                self.segment.enter(&self.claim, Phase::Failed);
                return Err(Error::Failed { kernel: self.kernel.name().to_owned(), start, end, attempts, why });
            }
            tell(&format!("{} failed for {start}..{end} (attempt {attempt} of {attempts}): {why}", self.kernel.name()));
        }
        unreachable!("the attempts are bounded")
    }

    fn attempt(&mut self) -> Result<Contribution, Failure> {
        let mut observer = Observer { segment: self.segment, claim: &self.claim, signals: self.signals };
        if self.kernel.starts_processes() {
            self.signals.defer(|| self.kernel.compute(&self.task, &mut observer))
        } else {
            self.kernel.compute(&self.task, &mut observer)
        }
    }

    /// Sleeps the delay that the ticket draws; each chunk, named by where it starts, draws its own.
    pub fn sleep(&mut self, start: u64) -> Result<(), Error> {
        let range = self.args.delay.unwrap_or(self.task.terms.delay);
        if range.max().is_zero() {
            return Ok(());
        }
        self.segment.enter(&self.claim, Phase::Sleeping);
        let (began, noted) = (Instant::now(), self.recorder.now());
        let delay = if range.min() == range.max() {
            range.min()
        } else {
            let seed = self.args.seed.or(self.task.terms.seed).unwrap_or_else(common::random);
            range.draw(seed.wrapping_add(start), self.claim.ticket())
        };
        let is_whole = self.segment.sleep(delay);
        self.spent[1] += began.elapsed();
        self.recorder.note(Activity::Sleep, noted, 0..0);
        if is_whole { Ok(()) } else { Err(Error::Stopped) }
    }

    /// The lock for a commit; all may still be asked to stop while it is waited for.
    pub fn lock(&mut self) -> Result<Guard<'a>, Error> {
        self.segment.enter(&self.claim, Phase::Waiting);
        let (began, noted) = (Instant::now(), self.recorder.now());
        let (segment, claim) = (self.segment, &self.claim);
        let guard = segment.lock(|holder, waited| {
            segment.enter(claim, Phase::Waiting);
            report_wait(holder, waited);
        })?;
        self.spent[2] += began.elapsed();
        // Under the lock, so that of a worker that dies now it is known that it had it.
        self.recorder.has_lock(noted);
        if segment.stop_requested() == Stop::Now {
            self.release(guard);
            return Err(Error::Stopped);
        }
        Ok(guard)
    }

    /// Gives the lock back.
    pub fn release(&mut self, guard: Guard<'_>) {
        self.recorder.gives_lock_back(Some(self.segment));
        drop(guard);
        self.recorder.gave_lock_back();
    }

    /// Tells those who look on that a contribution is applied, and how long its steps took.
    pub fn tell_committed(&self) {
        let [computed, slept, lock_wait] = self.spent.map(nanoseconds);
        self.segment.record_times(&self.claim, computed, slept, lock_wait);
        self.segment.notify();
    }

    /// Whether the kernel starts processes.
    pub fn starts_processes(&self) -> bool {
        self.kernel.starts_processes()
    }

    /// How long computing, sleeping and waiting for the lock took.
    pub fn spent(&self) -> [Duration; 3] {
        self.spent
    }

    /// Explains a step, if that is wanted.
    pub fn say(&self, what: &str) {
        if self.args.verbose {
            let (ticket, pid) = (self.claim.ticket(), std::process::id());
            common::say_if_read(&cli::step(self.segment.created(), &format!("Process-{ticket} (pid {pid}): {what}")));
        }
    }

    /// Prints a result, unless a coordinator does it, from the ledger, when it hears of the worker's end.
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

/// Tells after 1, 2, 4, … seconds who holds the lock.
pub fn report_wait(holder: Option<LockHolder>, waited: Duration) {
    if waited.as_secs().is_power_of_two() {
        let holder = holder.map_or_else(|| "just released".to_owned(), |holder| holder.to_string());
        tell(&format!("waiting for the lock for {} s: {holder}", waited.as_secs()));
    }
}

fn tell(what: &str) {
    common::say_if_read(&format!("worker {}: {}\n", std::process::id(), cli::one_line(what)));
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Shows the kernel's progress in the segment, and the request to stop to the kernel.
struct Observer<'a> {
    segment: &'a Segment,
    claim: &'a Claim,
    signals: &'a Signals,
}

impl Watch for Observer<'_> {
    fn step(&mut self, done: u64) -> Result<(), Stopped> {
        self.segment.progress(self.claim, done);
        let must_stop = self.segment.stop_requested() == Stop::Now || self.signals.are_waiting();
        if must_stop { Err(Stopped) } else { Ok(()) }
    }
}
