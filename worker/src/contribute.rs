//! The worker's story: attach → ticket → kernel → delay → lock → commit.

use std::sync::Arc;

use common::failpoint::Failpoint;
use common::{AttachError, Committed, Ledger, Mode, Phase, Segment, TakeOver, Terms};

use crate::args::Args;
use crate::chunks;
use crate::error::Error;
use crate::job::Job;
use crate::kernel::{self, Kernel};
use crate::report;
use crate::signals::Signals;
use crate::span_recorder::SpanRecorder;

/// Attaches, takes a ticket, and contributes.
pub fn contribute(args: &Args, kernels: &[&dyn Kernel], signals: &Signals) -> Result<(), Error> {
    let mut segment = Segment::attach(args.name())?;
    if let Some(restarts) = args.restarts {
        segment = segment.with_restarts(restarts);
    }
    // Another segment may have the name by now; the ticket belongs to the coordinator's own.
    if args.nonce.is_some_and(|nonce| nonce != segment.nonce()) {
        return Err(AttachError::NoSegment { name: args.name().clone() }.into());
    }
    let segment = Arc::new(segment);
    let kernel = choose(kernels, segment.terms(), args)?;
    let mut recorder = SpanRecorder::open(args, segment.nonce());
    let TakeOver::Taken(claim) = take_ticket(&segment, args.ticket, &mut recorder)? else {
        if args.verbose {
            common::say_if_read("the contribution is applied already\n");
        }
        recorder.leave();
        return Ok(());
    };
    let mut job = Job::new(args, &segment, kernel, signals, claim, recorder);
    job.say(&format!("attached to {}", args.name()));
    let done = if segment.terms().mode == Mode::Split {
        chunks::contribute_chunks(&mut job)
    } else {
        contribute_whole(&mut job)
    };
    job.finish();
    // While the segment, and with it the ticket, is still its own.
    signals.processes().end();
    job.leave();
    done
}

/// Contributes the whole range once.
fn contribute_whole(job: &mut Job<'_>) -> Result<(), Error> {
    let iterations = job.args.iterations.unwrap_or(job.segment.terms().iterations);
    let computed = job.compute(0..iterations);
    if matches!(computed, Err(Error::Failed { .. })) {
        // It would fail for another worker, too.
        job.ledger.enter(&job.claim, Phase::Failed);
    }
    let (contribution, computed) = computed?;
    job.say(&format!("computed {contribution} in {computed:.1?}"));
    Failpoint::Computed.reach();
    job.sleep(0)?;
    job.say(&format!("slept {:.1?}", job.spent().slept));
    let mut ledger = job.lock()?;
    let committed = ledger.commit(&job.claim, contribution);
    job.release(ledger, committed.is_ok());
    let Committed { ticket, contribution, value } = committed?;
    job.announce_commit();
    // A launched worker's commit is reported by its coordinator.
    if job.args.ticket.is_none() {
        job.say(&format!("committed {contribution}; the value is {value}"));
    }
    Failpoint::Committed.reach();
    job.print(&match job.segment.terms().mode {
        Mode::Independent => format!("Process Process-{ticket}, Result: {contribution}"),
        _ => format!("Process Process-{ticket} updated shared value to {value}"),
    })
}

/// The segment's kernel, if this worker has it and it is exact for the iterations and fills the cells.
fn choose<'a>(kernels: &[&'a dyn Kernel], terms: &Terms, args: &Args) -> Result<&'a dyn Kernel, Error> {
    if terms.mode == Mode::Shared {
        return Err(Error::NoRun { name: args.name().clone() });
    }
    if terms.mode == Mode::Split && args.iterations.is_some() {
        return Err(Error::Split { name: args.name().clone(), range: terms.range() });
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

/// Takes the ticket that the coordinator gave, or a free one.
fn take_ticket(segment: &Segment, ticket: Option<u32>, recorder: &mut SpanRecorder) -> Result<TakeOver, Error> {
    let began = recorder.now();
    let mut ledger = Ledger::of(segment).lock(|owner, waited| report::lock_wait(ticket, owner, waited))?;
    recorder.lock_acquired(began);
    let taken = match ticket {
        None => ledger.join().map(TakeOver::Taken),
        Some(ticket) => ledger.take(ticket),
    };
    recorder.lock_releasing();
    drop(ledger);
    recorder.lock_released(None);
    Ok(taken?)
}
