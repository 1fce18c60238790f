//! The options of the commands for single segments.

use std::time::Duration;

use clap::Args;
use common::{SegmentName, cli, parse_count, parse_duration};

use super::run::Format;
use super::terms::TermsArgs;

/// The options of `create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    /// Name of the segment
    #[arg(value_name = "NAME", value_parser = cli::name_parser())]
    pub name: SegmentName,
    #[command(flatten)]
    pub terms: TermsArgs,
    /// Print nothing
    #[arg(short, long)]
    pub quiet: bool,
}

/// The options of `status`.
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// Name of the segment
    #[arg(value_name = "NAME", value_parser = cli::name_parser())]
    pub name: SegmentName,
    /// A table, or one JSON object
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// Keep showing it until its run ends
    ///
    /// On a terminal it is redrawn in place, every second and after each change. Elsewhere the table, or with --format json
    /// one object a line, is printed again after each change.
    #[arg(long)]
    pub watch: bool,
}

/// The options of `list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// A table, or one JSON object
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// Print the names alone
    #[arg(short, long, conflicts_with = "format")]
    pub quiet: bool,
}

/// The options of `wait`.
#[derive(Args, Debug)]
pub struct WaitArgs {
    /// Names of the segments
    #[arg(value_name = "NAME", value_parser = cli::name_parser(), required = true)]
    pub names: Vec<SegmentName>,
    /// How many contributions to wait for, in each segment [default: all that it was created for]
    #[arg(long, value_name = "N", value_parser = parse_count, allow_hyphen_values = true)]
    pub contributions: Option<u64>,
    /// Give up after this time, for all of them
    #[arg(long, value_name = "DUR", value_parser = parse_duration, allow_hyphen_values = true)]
    pub timeout: Option<Duration>,
}

/// The options of `stop`.
#[derive(Args, Debug)]
pub struct StopArgs {
    /// Name of the segment
    #[arg(value_name = "NAME", value_parser = cli::name_parser())]
    pub name: SegmentName,
    /// Stop at once: workers do not finish what they have begun
    #[arg(long)]
    pub now: bool,
}

/// The options of `remove`.
#[derive(Args, Debug)]
pub struct RemoveArgs {
    /// Names of the segments
    #[arg(value_name = "NAME", value_parser = cli::name_parser(), required_unless_present_any = ["stale", "unused"])]
    pub names: Vec<SegmentName>,
    /// Remove all runs with a dead coordinator and no attached process, and what killed creators left
    ///
    /// Of another PID namespace (container), all that no process holds any more, unless it was kept.
    #[arg(long, conflicts_with_all = ["names", "force"])]
    pub stale: bool,
    /// Remove all values that programs share and that no process is attached to
    #[arg(long, conflicts_with_all = ["names", "stale", "force"])]
    pub unused: bool,
    /// Remove even if processes are attached, or the header is damaged, or the file was cut to nothing
    #[arg(long)]
    pub force: bool,
}
