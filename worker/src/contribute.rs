//! The worker's story: attach → ticket → kernel → delay → lock → commit.

use std::io::{ErrorKind, Write};
use std::time::{Duration, Instant};

use common::kernel::{self, Kernel, Stopped, Watch};
use common::plant::{self, Point};
use common::{Claim, Committed, Guard, LockHolder, Mode, Phase, Segment, Stop, TakeOver, Terms};

use crate::args::Args;
use crate::error::Error;

/// Does all that a worker is started for.
pub fn contribute(args: &Args, kernels: &[&dyn Kernel]) -> Result<(), Error> {
    let segment = Segment::attach(&args.name)?;
    // Another segment may have the name by now: the coordinator that gave out the ticket meant its own.
    if args.nonce.is_some_and(|nonce| nonce != segment.nonce()) {
        return Err(common::Error::NoSegment { name: args.name.clone(), running: Vec::new() }.into());
    }
    let kernel = choose(kernels, segment.terms(), args)?;
    let Some(claim) = take_ticket(&segment, args.ticket)? else {
        say(args, "the contribution is applied already");
        return Ok(());
    };
    say(args, &format!("attached to {} as Process-{}", args.name, claim.ticket()));

    let began = Instant::now();
    segment.enter(&claim, Phase::Computing);
    let iterations = args.iterations.unwrap_or(segment.terms().iterations);
    let mut observer = Observer { segment: &segment, claim: &claim };
    let contribution = kernel.compute(0..iterations, &mut observer).map_err(|Stopped| Error::Stopped)?;
    let computed_at = Instant::now();
    let computed = computed_at.duration_since(began);
    say(args, &format!("computed {contribution} in {computed:.1?}"));
    plant::at(Point::Computed);

    let delay = delay(&segment, &claim, args);
    segment.enter(&claim, Phase::Sleeping);
    if !segment.sleep(delay) {
        return Err(Error::Stopped);
    }
    let slept_at = Instant::now();
    let slept = slept_at.duration_since(computed_at);
    say(args, &format!("slept {slept:.1?}"));

    segment.enter(&claim, Phase::Waiting);
    let mut guard = lock(&segment, &claim)?;
    let lock_wait = slept_at.elapsed();
    let committed = guard.commit(&claim, contribution)?;
    drop(guard);
    let [computed, slept, lock_wait] = [computed, slept, lock_wait].map(nanoseconds);
    segment.record_times(&claim, computed, slept, lock_wait);
    segment.notify();
    say(args, &format!("committed; the value is {}", committed.value));
    plant::at(Point::Committed);
    // A coordinator prints the line of a worker that it launched, from the ledger, when it hears of its end.
    if args.ticket.is_some() {
        return Ok(());
    }
    segment.wake_coordinator()?;
    if args.quiet { Ok(()) } else { print(&segment, &committed) }
}

/// The kernel that the segment wants, if it is here and exact for that many iterations.
fn choose<'a>(kernels: &[&'a dyn Kernel], terms: &Terms, args: &Args) -> Result<&'a dyn Kernel, Error> {
    let kernel = kernel::find(kernels, &terms.kernel).ok_or_else(|| Error::NoKernel {
        wanted: terms.kernel.clone(),
        known: kernels.iter().map(|kernel| kernel.name()).collect::<Vec<_>>().join(", "),
    })?;
    let (iterations, most) = (args.iterations.unwrap_or(terms.iterations), kernel.most_iterations());
    if iterations > most {
        return Err(Error::TooManyIterations { iterations, kernel: kernel.name().to_owned(), most });
    }
    Ok(kernel)
}

/// The ticket that the coordinator gave out, or a free one; nothing if the former is done already.
fn take_ticket(segment: &Segment, ticket: Option<u32>) -> Result<Option<Claim>, Error> {
    let mut guard: Guard<'_> = segment.lock(report_wait)?;
    Ok(match ticket {
        None => Some(guard.join()?),
        Some(ticket) => match guard.take(ticket)? {
            TakeOver::Taken(claim) => Some(claim),
            TakeOver::AlreadyDone => None,
        },
    })
}

/// The lock for the commit; all may still be asked to stop while it is waited for.
fn lock<'a>(segment: &'a Segment, claim: &Claim) -> Result<Guard<'a>, Error> {
    let guard = segment.lock(|holder, waited| {
        segment.enter(claim, Phase::Waiting);
        report_wait(holder, waited);
    })?;
    if segment.stop_requested() == Stop::Now { Err(Error::Stopped) } else { Ok(guard) }
}

/// Tells after 1, 2, 4, … seconds who holds the lock.
fn report_wait(holder: Option<LockHolder>, waited: Duration) {
    if waited.as_secs().is_power_of_two() {
        let holder = holder.map_or_else(|| "just released".to_owned(), |holder| holder.to_string());
        tell(&format!("waiting for the lock for {} s: {holder}", waited.as_secs()));
    }
}

fn delay(segment: &Segment, claim: &Claim, args: &Args) -> Duration {
    let range = args.delay.unwrap_or(segment.terms().delay);
    if range.min() == range.max() {
        return range.min();
    }
    let seed = args.seed.or(segment.terms().seed).unwrap_or_else(rand::random);
    range.draw(seed, claim.ticket())
}

fn print(segment: &Segment, committed: &Committed) -> Result<(), Error> {
    let Committed { ticket, contribution, value } = committed;
    let line = match segment.terms().mode {
        Mode::Repeat => format!("Process Process-{ticket} updated shared value to {value}\n"),
        Mode::Independent => format!("Process Process-{ticket}, Result: {contribution}\n"),
    };
    match std::io::stdout().write_all(line.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::Output(error)),
        _ => Ok(()),
    }
}

fn say(args: &Args, what: &str) {
    if args.verbose {
        tell(what);
    }
}

fn tell(what: &str) {
    common::say_if_read(&format!("worker {}: {what}\n", std::process::id()));
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Shows the kernel's progress in the segment, and the request to stop to the kernel.
struct Observer<'a> {
    segment: &'a Segment,
    claim: &'a Claim,
}

impl Watch for Observer<'_> {
    fn step(&mut self, done: u64) -> Result<(), Stopped> {
        self.segment.progress(self.claim, done);
        if self.segment.stop_requested() == Stop::Now { Err(Stopped) } else { Ok(()) }
    }
}
