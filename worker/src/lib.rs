//! A worker executable in one call: attach by name, compute a kernel, sleep, contribute exactly once.
//!
//! To write a worker with your own kernel, implement [`Kernel`] and call [`main_with`]; see `examples/cubes.rs`. Run it with
//! `coordinator --worker PATH --kernel NAME`, or by hand with `--name`. A process with a `main` in another language calls
//! [`run`].
//!
//! Invariant: a worker may be killed at any instruction; its contribution counts once or not at all.

mod args;
mod chunk_sizer;
mod chunks;
mod contribute;
mod error;
mod failure_text;
mod job;
pub mod kernel;
mod processes;
mod report;
mod run;
mod signals;
mod span_recorder;
mod sys;
mod watchdog;

use std::process::ExitCode;

pub use kernel::{Contribution, Failure, Kernel, Stopped, Task, Unwatched, Watch, kernel_parser};
pub use run::run;

/// The worker's command line, for manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    <args::Args as clap::CommandFactory>::command()
}

/// A worker's whole `main`: [`run`] with the process's own arguments.
pub fn main_with(kernels: &[&dyn Kernel]) -> ExitCode {
    ExitCode::from(run(std::env::args_os(), kernels))
}

/// Compiles the README's code.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
