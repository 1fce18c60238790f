//! The worker's command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser};
use common::{DelayRange, SegmentName, cli, parse_count, parse_duration};

/// Each runs as it stands, after: coordinator create demo.
const EXAMPLES: &str = "\
Examples:
  worker demo
      one contribution to the segment demo, or to the run of that name
  worker --name demo -n 10 --delay 0
      one of ten iterations, without a delay
  worker --name demo --verbose
      each step explained on stderr
  seq 3 | xargs -P 3 -I {} worker --name demo
      three at once";

/// The segment's name, with or without `--name`.
#[derive(ClapArgs, Debug)]
#[group(required = true, multiple = false)]
struct SegmentArgs {
    /// Segment to attach to
    #[arg(long, value_name = "NAME", value_parser = cli::name_parser())]
    name: Option<SegmentName>,
    /// The same as --name NAME
    #[arg(value_name = "NAME", value_parser = cli::name_parser())]
    bare_name: Option<SegmentName>,
}

/// Attach to a segment, compute its kernel, sleep, add the result to the shared value exactly once
///
/// The worker reads its terms from the segment; the options change them for this worker only.
#[derive(Parser, Debug)]
#[command(name = "worker", version, args_override_self = true, after_long_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    segment: SegmentArgs,
    /// Iterations of the kernel, also as 1000000, 10k or 1e6 [default: the segment's]
    #[arg(short = 'n', long, value_name = "N", value_parser = parse_count, allow_hyphen_values = true)]
    pub iterations: Option<u64>,
    /// Sleep between the computation and the addition, in seconds, or as 200ms [default: the segment's]
    #[arg(long, value_name = "MIN..MAX", allow_hyphen_values = true)]
    pub delay: Option<DelayRange>,
    /// Make the delay reproducible [default: the segment's, else random]
    #[arg(long, value_name = "S", value_parser = parse_count, allow_hyphen_values = true)]
    pub seed: Option<u64>,
    /// Print nothing
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Explain each step on stderr
    #[arg(short, long)]
    pub verbose: bool,
    /// Ticket from a coordinator, which prints this worker's line itself
    #[arg(long, value_name = "K", hide = true)]
    pub ticket: Option<u32>,
    /// Nonce of the coordinator's segment
    #[arg(long, value_name = "NUMBER", hide = true)]
    pub nonce: Option<u64>,
    /// Workers at once, where the coordinator differs from the segment's terms
    #[arg(long, value_name = "N", hide = true)]
    pub jobs: Option<u32>,
    /// How often a failed kernel is tried again, where the coordinator differs from the segment's terms
    #[arg(long, value_name = "N", hide = true)]
    pub restarts: Option<u32>,
    /// Time limit of the command, where the coordinator differs from the segment's terms
    #[arg(long, value_name = "DUR", value_parser = parse_duration, hide = true)]
    pub exec_timeout: Option<Duration>,
    /// Leave in the middle of a kernel that does not watch when the coordinator is dead
    #[arg(long, hide = true)]
    pub end_with_coordinator: bool,
    /// The coordinator's file for the reason of a failure
    #[arg(long, value_name = "PATH", hide = true)]
    pub report_to: Option<PathBuf>,
    /// The folder for what commands write to stderr
    #[arg(long, value_name = "DIR", hide = true)]
    pub exec_log_to: Option<PathBuf>,
    /// The coordinator's file for the spans of a timeline
    #[arg(long, value_name = "PATH", hide = true)]
    pub timeline_to: Option<PathBuf>,
}

impl Args {
    /// The segment to attach to.
    ///
    /// # Panics
    /// Never: clap requires one of the two.
    pub fn name(&self) -> &SegmentName {
        let SegmentArgs { name, bare_name } = &self.segment;
        name.as_ref().or(bare_name.as_ref()).expect("one of them is required")
    }
}
