//! The coordinator's command line: the only module that knows clap.

mod run;
mod segments;
mod terms;

use clap::{Parser, Subcommand};

pub use run::{Format, OutputArgs, Progress, ResumeArgs, RunArgs};
pub use segments::{CreateArgs, ListArgs, RemoveArgs, StatusArgs, StopArgs, WaitArgs};
pub use terms::{Chunk, TermsArgs, Workers};

/// Crash-safe worker processes over named shared memory
///
/// Without a command: create a segment, launch workers, wait, report, remove the segment.
#[derive(Parser, Debug)]
#[command(name = "coordinator", version, args_conflicts_with_subcommands = true, args_override_self = true)]
pub struct Cli {
    /// What to do; `run` if nothing is named.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The options of `run`.
    #[command(flatten)]
    pub run: RunArgs,
}

/// The subcommands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Create a segment, launch workers, wait, report, remove the segment
    Run(RunArgs),
    /// Create a ready segment and no worker: for workers started by hand
    Create(CreateArgs),
    /// Show a segment: workers, contributions, value, lock
    Status(StatusArgs),
    /// List the segments that there are
    List(ListArgs),
    /// List the kernels that there are
    Kernels,
    /// Wait until a segment has its contributions
    Wait(WaitArgs),
    /// Take over a run whose coordinator died, finish it, report, remove
    Resume(ResumeArgs),
    /// Ask a run's workers to stop
    Stop(StopArgs),
    /// Remove segments; refuses while a live process is attached
    Remove(RemoveArgs),
}
