//! The coordinator: creates the segment, launches and supervises the workers, reports the result, removes the segment.
//!
//! Invariants: stdout carries results only. However a run ends, its workers are gone or asked to go, and its segment is
//! removed, or kept with the work in it, as `keep` decides. Only SIGKILL leaves the segment behind without a decision.

mod advice;
mod args;
mod caller;
mod command;
mod engine;
mod error;
mod figures;
mod keep;
mod launch;
mod leftovers;
mod limits;
mod narration;
mod outcome;
mod output;
mod owned_segment;
mod plan;
mod progress;
mod readiness;
mod report;
mod results;
mod run;
mod signals;
mod supervisor;
mod terminal;
mod timeline;
mod worker_outcome;

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
    signals::survive_file_size_limit();
    common::exit_on_truncation(cli::exit_code::FOREIGN);
    let outcome = match cli.command.unwrap_or(Command::Run(cli.run)) {
        Command::Run(args) => run::run(&args),
        Command::Create(args) => command::create::create(&args),
        Command::Status(args) => command::status::status(&args),
        Command::Kernels => command::kernels::kernels(),
        Command::List(args) => command::list::list(&args),
        Command::Wait(args) => Ok(command::wait::wait(&args)),
        Command::Resume(args) => run::resume(&args),
        Command::Stop(args) => command::stop::stop(&args),
        Command::Remove(args) => command::remove::remove(&args),
        Command::Collect(args) => command::collect::collect(&args),
        Command::Completions(args) => command::completions::completions(&args),
        Command::Man(args) => command::man::man(&args),
    };
    ExitCode::from(outcome.unwrap_or_else(|error| {
        cli::report(&error.to_string(), error.hint().as_deref());
        error.exit_code()
    }))
}
