//! The coordinator: creates the segment, launches and supervises the workers, reports the result, removes the segment.
//!
//! Invariants: stdout carries results only; whatever ends a run, its workers are gone or asked to go and its segment is
//! removed, unless it is to be kept; only a SIGKILL leaves it behind, for `resume` or `remove`.

mod args;
mod command;
mod error;
mod launch;
mod narrate;
mod outcome;
mod output;
mod plan;
mod progress;
mod report;
mod run;
mod signals;
mod supervise;
mod tenure;
mod timeline;

use std::process::ExitCode;

use common::cli;

use args::{Cli, Command};

/// The coordinator's whole `main`.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match cli::parse::<Cli>() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    common::report_truncation();
    let outcome = match cli.command.unwrap_or(Command::Run(cli.run)) {
        Command::Run(args) => run::run(&args),
        Command::Create(args) => command::create::create(&args),
        Command::Status(args) => command::status::status(&args),
        Command::Kernels => command::kernels::kernels(),
        Command::List(args) => command::list::list(&args),
        Command::Wait(args) => command::wait::wait(&args),
        Command::Resume(args) => run::resume(&args),
        Command::Stop(args) => command::stop::stop(&args),
        Command::Remove(args) => command::remove::remove(&args),
        Command::Completions(args) => command::completions::completions(&args),
        Command::Man(args) => command::man::man(&args),
    };
    ExitCode::from(outcome.unwrap_or_else(|error| {
        cli::report(&error.to_string(), error.hint().as_deref());
        error.exit_code()
    }))
}
