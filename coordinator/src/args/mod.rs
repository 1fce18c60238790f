//! The coordinator's command line.

mod collect;
mod examples;
mod manual;
mod part;
mod picture;
mod run;
mod segments;
mod terms;

use clap::{CommandFactory, Parser, Subcommand};

pub use collect::CollectArgs;
pub use manual::{CompletionsArgs, ManArgs, Program};
pub use part::{RangeArg, ShardArg};
pub use picture::{Picture, PictureFormat};
pub use run::{Format, Keep, OutputArgs, ProgressMode, ResumeArgs, RunArgs};
pub use segments::{CreateArgs, ListArgs, RemoveArgs, StatusArgs, StopArgs, WaitArgs};
pub use terms::{Chunk, TermsArgs, Workers};

/// Crash-safe worker processes over named shared memory
///
/// Without a command: create a segment, launch workers, wait, report, remove the segment.
#[derive(Parser, Debug)]
#[command(name = "coordinator", version, args_conflicts_with_subcommands = true, args_override_self = true)]
#[command(after_long_help = examples::COORDINATOR)]
pub struct Cli {
    /// What to do; `run` by default.
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
    #[command(after_long_help = examples::RUN)]
    Run(RunArgs),
    /// Create a segment for workers started by hand
    #[command(after_long_help = examples::CREATE)]
    Create(CreateArgs),
    /// Show a segment: workers, contributions, value, lock
    #[command(after_long_help = examples::STATUS)]
    Status(StatusArgs),
    /// List existing segments
    List(ListArgs),
    /// List the built-in kernels
    Kernels,
    /// Wait until a segment has its contributions
    ///
    /// Ends with 1 when nobody can contribute any more. Where workers may still join, it goes on, and says on stderr after a
    /// second when nobody is at work, who died, and what is missing.
    Wait(WaitArgs),
    /// Take over a run whose coordinator died or kept it, finish it, report, remove
    ///
    /// --jobs, --restarts and --timeout hold for this resume alone.
    #[command(after_long_help = examples::RESUME)]
    Resume(ResumeArgs),
    /// Ask a run's workers to stop
    Stop(StopArgs),
    /// Remove segments that no live process is attached to
    Remove(RemoveArgs),
    /// Add up the results that the shards of a job left in a folder
    ///
    /// Without any gap or overlap it prints the total of the whole job; otherwise what is missing, and ends with 1.
    #[command(after_long_help = examples::COLLECT)]
    Collect(CollectArgs),
    /// Print a script that completes command lines in a shell
    ///
    /// bash: coordinator completions bash > ~/.local/share/bash-completion/completions/coordinator
    Completions(CompletionsArgs),
    /// Print a manual page: coordinator man | man -l -
    Man(ManArgs),
}

/// The command line, for completions and manual pages.
pub fn coordinator() -> clap::Command {
    Cli::command()
}
