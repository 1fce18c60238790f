//! Arguments, checked and turned into the terms of a run.

use std::path::PathBuf;

use common::{CreateError, DelayRange, MOST_CELLS, Mode, Origin, Part, SegmentName, Terms};
use worker::kernel::{self, Exec, Kernel, MonteCarloPi, Serve};

use crate::args::{Chunk, Keep, RangeArg, RunArgs, ShardArg, TermsArgs, Workers};
use crate::engine;
use crate::error::{Error, Result};
use crate::launch;
use crate::limits::{self, SPARE_SLOTS};

/// How often a worker started by hand retries a failed command.
const ATTEMPTS_BY_HAND: u32 = 3;

/// Spare slots times cells: large arrays get fewer spare slots, so that these take about 50 MiB at most.
const MOST_SPARE_CELLS: u32 = 1 << 21;

/// Slots of a segment for workers started by hand.
const HAND_SLOTS: u32 = 4096;

/// The terms of a run, except its worker executable.
pub fn run_terms(args: &RunArgs) -> Result<Terms> {
    let is_call = args.end_with.is_some() && args.keep == Keep::Never;
    let origin = if is_call { Origin::Call } else { Origin::Run };
    let mut terms = shared_terms(&args.terms, origin)?;
    terms.jobs = match args.jobs {
        None => terms.workers,
        Some(given) => limits::jobs(given, terms.workers)?,
    };
    terms.restarts = limits::restarts(args.restarts)?;
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

/// The given name, or a random one.
pub fn name(given: Option<&SegmentName>) -> SegmentName {
    given.cloned().unwrap_or_else(|| {
        format!("multiprocess-{:016x}", common::random()).parse().expect("prefix and hexadecimal digits are legal")
    })
}

fn shared_terms(args: &TermsArgs, origin: Origin) -> Result<Terms> {
    let Workers(workers) = args.workers;
    let Chunk(chunk) = args.chunk;
    let (kernel, command) = match (&args.exec, &args.serve) {
        (Some(command), _) => (Exec::NAME, command.as_str()),
        (_, Some(command)) => (Serve::NAME, command.as_str()),
        _ => (args.kernel.as_str(), ""),
    };
    check_kernel(args, kernel, command)?;
    let mode = match (args.split, args.independent) {
        (true, _) => Mode::Split,
        (_, true) => Mode::Independent,
        _ => Mode::Repeat,
    };
    let part = part(args)?;
    let default_delay = if mode == Mode::Repeat { DelayRange::DEFAULT } else { DelayRange::NONE };
    let cells = cells(args, kernel)?;
    let terms = Terms {
        mode,
        origin,
        kernel: kernel.to_owned(),
        iterations: args.iterations,
        part,
        has_folder: false,
        has_named_worker: args.worker.is_some(),
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
        fail_fast: args.fail_fast,
        grace: Terms::DEFAULT_GRACE,
        timeout: None,
        worker: PathBuf::new(),
        command: command.to_owned(),
        command_timeout: args.exec_timeout.map(limits::command_timeout).transpose()?,
    };
    // Before a folder or a segment is made.
    terms.check().map_err(|what| Error::creating(CreateError::Terms { what }))?;
    Ok(terms)
}

/// The part of 0..n that the run computes, if it does not compute the whole.
fn part(args: &TermsArgs) -> Result<Option<Part>> {
    let n = args.iterations;
    if let Some(RangeArg(range)) = &args.range {
        if range.end <= n {
            return Ok(Some(Part::of_range(range.clone())));
        }
        let what = format!("--range is {}..{}, and the whole range is 0..{n}", range.start, range.end);
        return Err(Error::usage(what, format!("-n {}, or more: the end of the whole range", range.end)));
    }
    let shard = match args.shard {
        None => return Ok(None),
        Some(ShardArg::Given(shard)) => shard,
        Some(ShardArg::Auto(of)) => {
            engine::shard(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()), of)?
        }
    };
    if shard.of() > n {
        let what = format!("0..{n} has too few iterations for {} shards", shard.of());
        return Err(Error::usage(what, "each shard has one iteration at least: fewer shards, or more iterations (-n)"));
    }
    Ok(Some(Part::of_shard(shard, n)))
}

fn slots(given: Option<u64>, workers: u32, cells: u32, origin: Origin) -> Result<u32> {
    Ok(match (given, origin) {
        (Some(given), _) => limits::count("--slots", given, workers)?,
        (None, Origin::Run | Origin::Call) => workers + SPARE_SLOTS.min(MOST_SPARE_CELLS / cells),
        (None, Origin::ByHand) => workers.max(HAND_SLOTS.min(MOST_SPARE_CELLS / cells)),
    })
}

/// How many cells the value has: by default as many as the kernel fills.
fn cells(args: &TermsArgs, kernel: &str) -> Result<u32> {
    let fills = kernel::find(kernel::built_in(), kernel).map(Kernel::cells);
    let Some(given) = args.cells else { return Ok(fills.flatten().unwrap_or(1)) };
    match (u32::try_from(given).ok().filter(|given| (1..=MOST_CELLS).contains(given)), fills) {
        (None, _) => Err(Error::usage(format!("--cells is {given}"), format!("--cells is 1 to {MOST_CELLS}"))),
        (Some(given), Some(Some(fills))) if given != fills && args.worker.is_none() => {
            Err(Error::usage(format!("--cells is {given}, and kernel {kernel} fills {fills}"), "omit --cells"))
        }
        (Some(given), _) => Ok(given),
    }
}

/// Checks what is known of built-in kernels; a kernel of the user's own is known only to its worker.
fn check_kernel(args: &TermsArgs, name: &str, command: &str) -> Result<()> {
    let Some(kernel) = kernel::find(kernel::built_in(), name) else {
        return if args.worker.is_some() { Ok(()) } else { Err(unknown_kernel(name)) };
    };
    let most = kernel.most_iterations();
    let example = if name == Serve::NAME { "--serve CMD" } else { "--exec 'CMD {start} {end}'" };
    let has = |places: [&str; 2]| places.iter().any(|place| command.contains(place));
    let (has_place, has_variable) = (has(["{start}", "{end}"]), has(["KILLPROOF_START", "KILLPROOF_END"]));
    let (what, hint) = match name {
        Exec::NAME | Serve::NAME if args.exec.is_none() && args.serve.is_none() => {
            (format!("kernel {name} has no command"), example)
        }
        Exec::NAME | Serve::NAME if command.trim().is_empty() => (format!("\"{command}\" is not a command"), example),
        Exec::NAME if args.split && !has_place && !has_variable => (
            format!("the command \"{command}\" would compute the same result for each chunk"),
            "put the chunk's range into it: --exec 'CMD {start} {end}'; or, if it reads its environment: --exec 'CMD # {start}'",
        ),
        Serve::NAME if has_place => (
            format!("the command \"{command}\" has {{start}} or {{end}} in it, which --serve does not replace"),
            "it reads the ranges from its stdin; or start it for each range: --exec CMD",
        ),
        _ if args.iterations > most && args.worker.is_none() => (
            format!("{} iterations are too many for kernel {name}: at most {most}", args.iterations),
            "the result must be exact in 128 bits",
        ),
        _ if name == MonteCarloPi.name() && is_sum_of_estimates(args) => (
            format!("the workers would add up their estimates of pi: --kernel {name} --type f64 without --split"),
            "add --split for one estimate, or --independent for one from each worker",
        ),
        _ => return Ok(()),
    };
    Err(Error::usage(what, hint))
}

/// Whether the value would be the sum of several workers' fractions of the same range.
fn is_sum_of_estimates(args: &TermsArgs) -> bool {
    args.value_type.is_float() && !args.split && !args.independent && args.worker.is_none()
}

fn unknown_kernel(wanted: &str) -> Error {
    let known = kernel::known(kernel::built_in(), wanted);
    Error::usage(format!("no kernel \"{wanted}\""), format!("{known}; your own kernels need --worker PATH"))
}
