//! Arguments lowered into the typed terms of a run.

use std::path::PathBuf;

use common::kernel::{self, Kernel};
use common::{DelayRange, Mode, Origin, SegmentName, Terms};

use crate::args::{RunArgs, TermsArgs, Workers};
use crate::error::{Error, Result};
use crate::launch;

/// Room for workers that join a run by hand.
const SPARE_SLOTS: u32 = 1020;

/// Room in a segment that is made for workers started by hand.
const HAND_SLOTS: u32 = 4096;

/// The terms of a run, but for the executable that it launches.
pub fn run_terms(args: &RunArgs) -> Result<Terms> {
    let mut terms = shared_terms(&args.terms, Origin::Run)?;
    terms.jobs = match args.jobs {
        None => terms.workers,
        Some(jobs) => small("--jobs", jobs, 1)?.min(terms.workers),
    };
    terms.restarts = small("--restarts", args.restarts, 0)?;
    terms.grace = args.grace;
    terms.timeout = args.timeout;
    Ok(terms)
}

/// The terms of a segment for workers started by hand.
pub fn hand_terms(args: &TermsArgs) -> Result<Terms> {
    let mut terms = shared_terms(args, Origin::ByHand)?;
    if let Some(worker) = &args.worker {
        terms.worker = launch::find(Some(worker))?;
    }
    Ok(terms)
}

/// The name that was given, or a fresh one.
pub fn name(given: Option<&SegmentName>) -> SegmentName {
    given.cloned().unwrap_or_else(|| {
        let random: u64 = rand::random();
        format!("multiprocess-{random:016x}").parse().expect("prefix and hexadecimal digits are legal")
    })
}

fn shared_terms(args: &TermsArgs, origin: Origin) -> Result<Terms> {
    let Workers(workers) = args.workers;
    check_kernel(args)?;
    let default_delay = if args.independent { DelayRange::NONE } else { DelayRange::DEFAULT };
    Ok(Terms {
        mode: if args.independent { Mode::Independent } else { Mode::Repeat },
        origin,
        kernel: args.kernel.clone(),
        iterations: args.iterations,
        delay: args.delay.unwrap_or(default_delay),
        seed: args.seed,
        value_type: args.value_type,
        overflow: args.overflow,
        workers,
        slots: slots(args.slots, workers, origin)?,
        jobs: workers,
        restarts: 0,
        grace: std::time::Duration::ZERO,
        timeout: None,
        worker: PathBuf::new(),
    })
}

fn slots(given: Option<u64>, workers: u32, origin: Origin) -> Result<u32> {
    match (given, origin) {
        (Some(given), _) => small("--slots", given, workers),
        (None, Origin::Run) => Ok(workers + SPARE_SLOTS),
        (None, Origin::ByHand) => Ok(workers.max(HAND_SLOTS)),
    }
}

/// A kernel of one's own is known to its worker alone; of those here more can be said.
fn check_kernel(args: &TermsArgs) -> Result<()> {
    let Some(kernel) = kernel::find(kernel::built_in(), &args.kernel) else {
        return if args.worker.is_some() { Ok(()) } else { Err(unknown_kernel(&args.kernel)) };
    };
    let most = kernel.most_iterations();
    if args.iterations <= most || args.worker.is_some() {
        return Ok(());
    }
    Err(Error::Usage {
        what: format!("{} iterations are too many for kernel {}: at most {most}", args.iterations, kernel.name()),
        hint: "the result must be exact in 128 bits".to_owned(),
    })
}

fn unknown_kernel(wanted: &str) -> Error {
    let known: Vec<&str> = kernel::built_in().iter().copied().map(Kernel::name).collect();
    Error::Usage {
        what: format!("no kernel \"{wanted}\""),
        hint: format!("kernels: {}; one of your own needs --worker PATH", known.join(", ")),
    }
}

/// A count of processes.
fn small(option: &str, count: u64, least: u32) -> Result<u32> {
    let most = Workers::MOST + SPARE_SLOTS;
    u32::try_from(count).ok().filter(|count| (least..=most).contains(count)).ok_or_else(|| Error::Usage {
        what: format!("{option} is {count}"),
        hint: format!("{option} is {least} to {most}"),
    })
}
