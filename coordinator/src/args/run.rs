//! The options of the commands that run workers: `run` and `resume`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use common::{SegmentName, cli, parse_count, parse_duration};

use super::picture::{self, Picture};
use super::terms::TermsArgs;

/// The options of `run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    #[command(flatten)]
    pub terms: TermsArgs,
    /// Name of the segment [default: multiprocess-<random>]
    #[arg(long, value_name = "NAME", value_parser = cli::name_parser())]
    pub name: Option<SegmentName>,
    /// Leave the exact result in this folder, once, for coordinator collect; if it is there already, compute nothing
    #[arg(long, value_name = "DIR", requires = "split", conflicts_with_all = ["name", "independent"])]
    pub results: Option<PathBuf>,
    /// Keep each command's stderr in this folder, in START-END.log
    #[arg(long, value_name = "DIR", requires = "exec", conflicts_with_all = ["kernel", "serve"])]
    pub exec_log: Option<PathBuf>,
    /// At most N workers alive at once [default: all]
    #[arg(long, value_name = "N", value_parser = parse_count, allow_hyphen_values = true)]
    pub jobs: Option<u64>,
    /// How often a worker that died before its contribution is launched again, and a failed command is tried again; with
    /// --split, how many workers may die with one chunk
    #[arg(long, value_name = "N", default_value = "3", value_parser = parse_count, allow_hyphen_values = true)]
    pub restarts: u64,
    /// Give up after this time
    #[arg(long, value_name = "DUR", value_parser = parse_duration, allow_hyphen_values = true)]
    pub timeout: Option<Duration>,
    /// Grace period of workers after a signal, a timeout or stop --now; then they are killed
    #[arg(long, value_name = "DUR", default_value = "5s", value_parser = parse_duration, allow_hyphen_values = true)]
    pub grace: Duration,
    /// Which segment stays; incomplete: one with work in it and --name or --split, until its run is complete and its result
    /// delivered
    #[arg(long, value_name = "WHICH", num_args = 0..=1, default_value = "incomplete", default_missing_value = "always")]
    pub keep: Keep,
    /// An argument of the worker executable, before its own options; may be given several times
    #[arg(long = "worker-arg", value_name = "ARG", hide = true, allow_hyphen_values = true, action = ArgAction::Append)]
    #[arg(conflicts_with = "results")]
    pub worker_args: Vec<OsString>,
    /// End when that process, which has started this one, has ended
    #[arg(long, value_name = "PID", hide = true)]
    pub end_with: Option<u32>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The options of the output.
#[derive(Args, Debug)]
pub struct OutputArgs {
    /// Results as text or as one JSON object
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// Show progress on stderr; auto: bars on a terminal, else a line now and then in runs of more than 5 s
    #[arg(long, value_name = "HOW", default_value = "auto")]
    pub progress: ProgressMode,
    /// Draw a timeline of the run into this file at its end: what each worker did, and how the value grew (.svg: a picture;
    /// .json: a trace for ui.perfetto.dev); may be given several times
    #[arg(long, value_name = "FILE", value_parser = picture::parser(), action = ArgAction::Append)]
    pub timeline: Vec<Picture>,
    /// Print only the final number
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Explain each step on stderr
    #[arg(short, long)]
    pub verbose: bool,
}

/// The options of `resume`.
#[derive(Args, Debug)]
pub struct ResumeArgs {
    /// Name of the segment
    #[arg(value_name = "NAME", value_parser = cli::name_parser())]
    pub name: SegmentName,
    /// The folder for the result, if the run was started with one
    #[arg(long, value_name = "DIR")]
    pub results: Option<PathBuf>,
    /// Keep each command's stderr in this folder, in START-END.log
    #[arg(long, value_name = "DIR")]
    pub exec_log: Option<PathBuf>,
    /// Worker executable [default: that of the run]
    #[arg(long, value_name = "PATH")]
    pub worker: Option<PathBuf>,
    /// At most N workers alive at once [default: as the run]
    #[arg(long, value_name = "N", value_parser = parse_count, allow_hyphen_values = true)]
    pub jobs: Option<u64>,
    /// How often a worker is launched again, and a failed command is tried again [default: as the run]
    #[arg(long, value_name = "N", value_parser = parse_count, allow_hyphen_values = true)]
    pub restarts: Option<u64>,
    /// Time limit of a run's command for one range [default: as the run]
    #[arg(long, value_name = "DUR", value_parser = parse_duration, allow_hyphen_values = true)]
    pub exec_timeout: Option<Duration>,
    /// Give up after this time [default: as the run]
    #[arg(long, value_name = "DUR", value_parser = parse_duration, allow_hyphen_values = true)]
    pub timeout: Option<Duration>,
    /// How long the segment stays: incomplete, until its run is complete and its result delivered; or always, which --keep
    /// alone means
    #[arg(long, value_name = "WHICH", num_args = 0..=1, default_value = "incomplete", default_missing_value = "always")]
    #[arg(hide_possible_values = true)]
    pub keep: Keep,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Which segment is kept at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Keep {
    /// Each one; what --keep alone means.
    Always,
    /// One whose run is not complete, or whose result was not delivered.
    Incomplete,
    /// None.
    Never,
}

/// The format of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProgressMode {
    /// Bars if stderr is a terminal that can show them, else lines.
    Auto,
    /// A line for each worker and one for the run, in place.
    Bar,
    /// A line now and then.
    Plain,
    /// Not at all.
    None,
}
