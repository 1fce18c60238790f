//! A worker executable in one call: attach by name, compute a kernel, sleep, contribute exactly once.
//!
//! To write a worker with your own kernel, implement [`Kernel`] and call [`main_with`]; see `examples/cubes.rs`. Run it with
//! `coordinator --worker PATH --kernel NAME`, or by hand with `--name`.
//!
//! Invariant: a worker may be killed at any instruction; its contribution counts once or not at all.

mod args;
mod chunk_sizer;
mod chunks;
mod contribute;
mod error;
mod job;
pub mod kernel;
mod processes;
mod report;
mod signals;
mod span_recorder;
mod sys;

use std::process::ExitCode;

use common::cli::{self, exit_code};
pub use kernel::{Contribution, Failure, Kernel, Stopped, Task, Unwatched, Watch, kernel_parser};
use processes::Processes;

/// The worker's command line, for manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    <args::Args as clap::CommandFactory>::command()
}

/// A worker's whole `main`, with `kernels` and the built-in kernels. Of two with the same name the former is used.
pub fn main_with(kernels: &[&dyn Kernel]) -> ExitCode {
    let args = match cli::parse::<args::Args>() {
        Ok(args) => args,
        Err(code) => return code,
    };
    let processes = Processes::adopt();
    let signals = signals::Signals::leave_at_once(&processes);
    common::exit_on_truncation(exit_code::FOREIGN);
    let kernels: Vec<&dyn Kernel> = kernels.iter().chain(kernel::built_in()).copied().collect();
    match contribute::contribute(&args, &kernels, &signals) {
        Ok(()) => ExitCode::from(exit_code::COMPLETE),
        // The coordinator reports the stop, and what is missing, once for all its workers.
        Err(error) if args.ticket.is_some() && error.is_reported_by_coordinator() => ExitCode::from(error.exit_code()),
        Err(error) => {
            report::failure(&args, &error);
            ExitCode::from(error.exit_code())
        }
    }
}

/// Compiles the README's code.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
