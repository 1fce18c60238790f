//! The options of the commands that make, look at, wait for, stop and remove segments.

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
    /// Show it again and again, until its run ends
    ///
    /// On a terminal it is drawn in place, every second and when something happens; elsewhere the table, or with --format
    /// json an object in one line, is printed again whenever something has changed.
    #[arg(long)]
    pub watch: bool,
}

/// The options of `list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// A table, or one JSON object
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// The options of `wait`.
#[derive(Args, Debug)]
pub struct WaitArgs {
    /// Name of the segment
    #[arg(value_name = "NAME", value_parser = cli::name_parser())]
    pub name: SegmentName,
    /// How many contributions to wait for [default: all that the segment was created for]
    #[arg(long, value_name = "N", value_parser = parse_count, allow_hyphen_values = true)]
    pub contributions: Option<u64>,
    /// Give up after this time
    #[arg(long, value_name = "DUR", value_parser = parse_duration, allow_hyphen_values = true)]
    pub timeout: Option<Duration>,
}

/// The options of `stop`.
#[derive(Args, Debug)]
pub struct StopArgs {
    /// Name of the segment
    #[arg(value_name = "NAME", value_parser = cli::name_parser())]
    pub name: SegmentName,
    /// Do not let workers finish what they have begun
    #[arg(long)]
    pub now: bool,
}

/// The options of `remove`.
#[derive(Args, Debug)]
pub struct RemoveArgs {
    /// Names of the segments
    #[arg(value_name = "NAME", value_parser = cli::name_parser(), required_unless_present = "stale")]
    pub names: Vec<SegmentName>,
    /// Remove every run whose coordinator died and that nobody is attached to, and what killed creators left
    #[arg(long, conflicts_with = "names")]
    pub stale: bool,
    /// Remove also while processes are attached, or when the header is damaged
    #[arg(long)]
    pub force: bool,
}
