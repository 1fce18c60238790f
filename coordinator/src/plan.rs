//! Arguments lowered into the typed terms of a run.

use std::path::PathBuf;
use std::time::Duration;

use common::kernel::{self, Kernel};
use common::{DelayRange, MOST_CELLS, MOST_ENTRIES, Mode, Origin, SegmentName, Terms};

use crate::args::{Chunk, RunArgs, TermsArgs, Workers};
use crate::error::{Error, Result};
use crate::launch;

/// Room for workers that join a run by hand.
const SPARE_SLOTS: u32 = 252;

/// The kernel that runs commands.
const EXEC: &str = "exec";

/// How often a worker started by hand tries again what failed.
const ATTEMPTS_BY_HAND: u32 = 3;

/// Arrays leave less room for workers by hand, so that the room takes no more than some 50 MiB.
const ROOMY: u32 = 1 << 21;

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
        format!("multiprocess-{:016x}", common::random()).parse().expect("prefix and hexadecimal digits are legal")
    })
}

fn shared_terms(args: &TermsArgs, origin: Origin) -> Result<Terms> {
    let Workers(workers) = args.workers;
    let Chunk(chunk) = args.chunk;
    let kernel = args.exec.as_ref().map_or(args.kernel.as_str(), |_| EXEC);
    check_kernel(args, kernel)?;
    let mode = match (args.split, args.independent) {
        (true, _) => Mode::Split,
        (_, true) => Mode::Independent,
        _ => Mode::Repeat,
    };
    let default_delay = if mode == Mode::Repeat { DelayRange::DEFAULT } else { DelayRange::NONE };
    let cells = cells(args, kernel)?;
    Ok(Terms {
        mode,
        origin,
        kernel: kernel.to_owned(),
        iterations: args.iterations,
        chunk,
        delay: args.delay.unwrap_or(default_delay),
        seed: args.seed,
        value_type: args.value_type,
        cells,
        overflow: args.overflow,
        workers,
        slots: slots(args.slots, workers, cells, origin)?,
        jobs: workers,
        restarts: ATTEMPTS_BY_HAND,
        grace: Duration::ZERO,
        timeout: None,
        worker: PathBuf::new(),
        command: args.exec.clone().unwrap_or_default(),
        command_timeout: args.exec_timeout,
    })
}

fn slots(given: Option<u64>, workers: u32, cells: u32, origin: Origin) -> Result<u32> {
    let slots = match (given, origin) {
        (Some(given), _) => small("--slots", given, workers)?,
        (None, Origin::Run) => workers + SPARE_SLOTS.min(ROOMY / cells),
        (None, Origin::ByHand) => workers.max(HAND_SLOTS.min(ROOMY / cells)),
    };
    if (u64::from(slots) + 1) * u64::from(cells - 1) <= MOST_ENTRIES as u64 {
        return Ok(slots);
    }
    Err(Error::Usage {
        what: format!("{cells} cells for each of {slots} workers are too many"),
        hint: format!("cells times slots is {MOST_ENTRIES} at most: fewer --cells, --workers or --slots"),
    })
}

/// How many cells the value has: as many as the kernel fills.
fn cells(args: &TermsArgs, kernel: &str) -> Result<u32> {
    let fills = kernel::find(kernel::built_in(), kernel).map(Kernel::cells);
    let usage = |what: String, hint: String| Err(Error::Usage { what, hint });
    let Some(given) = args.cells else { return Ok(fills.flatten().unwrap_or(1)) };
    match (u32::try_from(given).ok().filter(|given| (1..=MOST_CELLS).contains(given)), fills) {
        (None, _) => usage(format!("--cells is {given}"), format!("--cells is 1 to {MOST_CELLS}")),
        (Some(given), Some(Some(fills))) if given != fills && args.worker.is_none() => {
            usage(format!("--cells is {given}, and kernel {kernel} fills {fills}"), "leave --cells out".to_owned())
        }
        (Some(given), _) => Ok(given),
    }
}

/// A kernel of one's own is known to its worker alone; of those here more can be said.
fn check_kernel(args: &TermsArgs, name: &str) -> Result<()> {
    let usage = |what: String, hint: &str| Err(Error::Usage { what, hint: hint.to_owned() });
    let Some(kernel) = kernel::find(kernel::built_in(), name) else {
        return if args.worker.is_some() { Ok(()) } else { Err(unknown_kernel(name)) };
    };
    match &args.exec {
        None if name == EXEC => return usage("kernel exec has no command".to_owned(), "--exec 'CMD {start} {end}'"),
        Some(command) if command.trim().is_empty() => {
            return usage(format!("\"{command}\" is no command"), "--exec 'CMD {start} {end}'");
        }
        _ if args.exec_timeout.is_some_and(|timeout| timeout.is_zero()) => {
            return usage("--exec-timeout is 0".to_owned(), "a command needs some time, such as 10s");
        }
        Some(command) if args.split && !command.contains("{start}") && !command.contains("{end}") => {
            return usage(
                format!("the command \"{command}\" would compute the same for each chunk"),
                "say where the chunk's range goes: --exec 'CMD {start} {end}'",
            );
        }
        _ => {}
    }
    let most = kernel.most_iterations();
    if args.iterations <= most || args.worker.is_some() {
        return Ok(());
    }
    let what = format!("{} iterations are too many for kernel {name}: at most {most}", args.iterations);
    usage(what, "the result must be exact in 128 bits")
}

fn unknown_kernel(wanted: &str) -> Error {
    Error::Usage {
        what: format!("no kernel \"{wanted}\""),
        hint: format!("{}; one of your own needs --worker PATH", kernel::known(kernel::built_in(), wanted)),
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
