//! The worker's story: attach → ticket → kernel → delay → lock → commit.

use common::kernel::{self, Kernel};
use common::plant::{self, Point};
use common::{Claim, Guard, Mode, Segment, TakeOver, Terms};

use crate::args::Args;
use crate::chunks;
use crate::error::Error;
use crate::job::{Job, report_wait};
use crate::record::Recorder;
use crate::signals::Signals;

/// Does all that a worker is started for.
pub fn contribute(args: &Args, kernels: &[&dyn Kernel], signals: &Signals) -> Result<(), Error> {
    let segment = Segment::attach(&args.name)?;
    // Another segment may have the name by now: the coordinator that gave out the ticket meant its own.
    if args.nonce.is_some_and(|nonce| nonce != segment.nonce()) {
        return Err(common::Error::NoSegment { name: args.name.clone(), running: Vec::new() }.into());
    }
    let kernel = choose(kernels, segment.terms(), args)?;
    let mut recorder = Recorder::open(args, segment.nonce());
    let Some(claim) = take_ticket(&segment, args.ticket, &mut recorder)? else {
        if args.verbose {
            common::say_if_read("the contribution is applied already\n");
        }
        return Ok(());
    };
    let mut job = Job::new(args, &segment, kernel, signals, claim, recorder);
    job.say(&format!("attached to {}", args.name));
    if segment.terms().mode == Mode::Split { chunks::share(&mut job) } else { whole(&mut job) }
}

/// Contributes the whole range once.
fn whole(job: &mut Job<'_>) -> Result<(), Error> {
    let iterations = job.args.iterations.unwrap_or(job.segment.terms().iterations);
    let (contribution, computed) = job.compute(0..iterations)?;
    job.say(&format!("computed {contribution} in {computed:.1?}"));
    plant::at(Point::Computed);
    job.sleep(0)?;
    job.say(&format!("slept {:.1?}", job.spent()[1]));
    let mut guard = job.lock()?;
    let committed = guard.commit(&job.claim, contribution);
    job.release(guard);
    let committed = committed?;
    job.tell_committed();
    let (ticket, contribution, value) = (committed.ticket, committed.contribution, committed.value);
    // A coordinator that gave out the ticket tells of it.
    if job.args.ticket.is_none() {
        job.say(&format!("committed {contribution}; the value is {value}"));
    }
    plant::at(Point::Committed);
    job.print(&match job.segment.terms().mode {
        Mode::Independent => format!("Process Process-{ticket}, Result: {contribution}"),
        _ => format!("Process Process-{ticket} updated shared value to {value}"),
    })
}

/// The kernel that the segment wants, if it is here, exact for that many iterations and one for that many cells.
fn choose<'a>(kernels: &[&'a dyn Kernel], terms: &Terms, args: &Args) -> Result<&'a dyn Kernel, Error> {
    if terms.mode == Mode::Shared {
        return Err(Error::NoRun { name: args.name.clone() });
    }
    if terms.mode == Mode::Split && args.iterations.is_some() {
        return Err(Error::SharedOut { name: args.name.clone(), iterations: terms.iterations });
    }
    let kernel = kernel::find(kernels, &terms.kernel).ok_or_else(|| Error::NoKernel {
        wanted: terms.kernel.clone(),
        known: kernel::known(kernels, &terms.kernel),
    })?;
    let (iterations, most) = (args.iterations.unwrap_or(terms.iterations), kernel.most_iterations());
    if iterations > most {
        return Err(Error::TooManyIterations { iterations, kernel: kernel.name().to_owned(), most });
    }
    match kernel.cells() {
        Some(fills) if fills != terms.cells => {
            Err(Error::OtherCells { kernel: kernel.name().to_owned(), fills, cells: terms.cells })
        }
        _ => Ok(kernel),
    }
}

/// The ticket that the coordinator gave out, or a free one; nothing if the former is done already.
fn take_ticket(segment: &Segment, ticket: Option<u32>, recorder: &mut Recorder) -> Result<Option<Claim>, Error> {
    let noted = recorder.now();
    let mut guard: Guard<'_> = segment.lock(report_wait)?;
    recorder.has_lock(noted);
    let taken = match ticket {
        None => guard.join().map(TakeOver::Taken),
        Some(ticket) => guard.take(ticket),
    };
    recorder.gives_lock_back(None);
    drop(guard);
    recorder.gave_lock_back();
    Ok(match taken? {
        TakeOver::Taken(claim) => Some(claim),
        TakeOver::AlreadyDone => None,
    })
}
