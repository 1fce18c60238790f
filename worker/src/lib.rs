//! A worker executable in one call: attach by name, compute a kernel, sleep, contribute exactly once.
//!
//! A worker with a kernel of one's own is a kernel and [`main_with`]; see `examples/cubes.rs`. Run it with
//! `coordinator --worker PATH --kernel NAME`, or by hand with `--name`.
//!
//! Invariant: a worker may be killed at any instruction; what it contributed counts once or not at all.

mod args;
mod chunks;
mod contribute;
mod error;
mod job;
mod pace;
mod record;
mod signals;

use std::process::ExitCode;

pub use common::kernel::{Contribution, Failure, Kernel, Stopped, Task, Unwatched, Watch};
use common::{cli, exit_code, kernel};

/// The command line of a worker, for those who explain it.
#[must_use]
pub fn command() -> clap::Command {
    <args::Args as clap::CommandFactory>::command()
}

/// A worker's whole `main`: the built-in kernels and `kernels`, which win where names are the same.
pub fn main_with(kernels: &[&dyn Kernel]) -> ExitCode {
    let args = match cli::parse::<args::Args>() {
        Ok(args) => args,
        Err(code) => return code,
    };
    let signals = signals::Signals::leave_at_once();
    common::report_truncation();
    let kernels: Vec<&dyn Kernel> = kernels.iter().chain(kernel::built_in()).copied().collect();
    match contribute::contribute(&args, &kernels, &signals) {
        Ok(()) => ExitCode::from(exit_code::COMPLETE),
        // Who asked for the stop tells of it, once for all its workers.
        Err(error @ error::Error::Stopped) if args.ticket.is_some() => ExitCode::from(error.exit_code()),
        Err(error) => {
            cli::report(&error.to_string(), error.hint().as_deref());
            ExitCode::from(error.exit_code())
        }
    }
}

/// The code that the README shows compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
