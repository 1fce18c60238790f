//! The terms of a segment: the options of both `run` and `create`.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use common::{DelayRange, Overflow, ValueType, parse_count, parse_duration};

use super::part::{RangeArg, ShardArg};

/// The terms of a segment.
///
/// What `requires` an option also names what excludes that option: clap does not require what is excluded.
#[derive(Args, Debug)]
pub struct TermsArgs {
    /// Number of workers, each with one contribution (1 to 1000000, or auto: one for each CPU)
    #[arg(short, long, value_name = "N|auto", default_value = "4", allow_hyphen_values = true)]
    pub workers: Workers,
    /// Iterations of the kernel, also as 1000000, 10k or 1e6
    #[arg(short = 'n', long, value_name = "N", default_value = "1_000_000", value_parser = parse_count, allow_hyphen_values = true)]
    pub iterations: u64,
    /// What each worker computes; with --worker also one of that executable's kernels
    #[arg(long, value_name = "NAME", default_value = "sum-of-squares", value_parser = worker::kernel_parser())]
    pub kernel: String,
    /// Divide 0..n among the workers, in chunks that are applied exactly once
    #[arg(long, conflicts_with = "independent")]
    pub split: bool,
    /// Iterations of a chunk; auto: enough for 5 to 100 ms, more if a command starts slowly, fewer towards the end
    #[arg(long, value_name = "N|auto", default_value = "auto", requires = "split", allow_hyphen_values = true)]
    #[arg(conflicts_with = "independent")]
    pub chunk: Chunk,
    /// Compute only this part of 0..n
    #[arg(long, value_name = "A..B", requires = "split", conflicts_with = "independent", allow_hyphen_values = true)]
    pub range: Option<RangeArg>,
    /// Compute only part I (from 0) of N equal parts of 0..n; auto: the place that an engine gives in the environment (Slurm,
    /// HyperQueue, Kubernetes, Open MPI, GNU parallel)
    #[arg(long, value_name = "I/N|auto[/N]", requires = "split", allow_hyphen_values = true)]
    #[arg(conflicts_with_all = ["range", "independent"])]
    pub shard: Option<ShardArg>,
    /// Give out no more chunks after the first one that is set aside
    #[arg(long, requires = "split", conflicts_with = "independent")]
    pub fail_fast: bool,
    /// Command that replaces the kernel: it gets the range as {start} and {end} (exclusive), and prints the number to add, or
    /// one for each cell; after a non-zero exit it is tried again (--restarts)
    #[arg(long, value_name = "CMD", conflicts_with = "kernel", group = "command")]
    pub exec: Option<String>,
    /// Command that replaces the kernel and stays alive, one for each worker: for each line START END (exclusive) on its stdin
    /// it prints a line, with the numbers or error: TEXT
    #[arg(long, value_name = "CMD", conflicts_with = "kernel", group = "command")]
    pub serve: Option<String>,
    /// Time limit of the command for one range; then it is killed and tried again
    #[arg(long, value_name = "DUR", value_parser = parse_duration, requires = "command", allow_hyphen_values = true)]
    #[arg(conflicts_with = "kernel")]
    pub exec_timeout: Option<Duration>,
    /// Cells of a shared array; each contribution fills all of them [default: as many as the kernel fills, else 1]
    #[arg(long, value_name = "N", value_parser = parse_count, allow_hyphen_values = true)]
    pub cells: Option<u64>,
    /// Random sleep between computation and addition, in seconds, or as 200ms [default: 100ms..500ms; 0 with --split or
    /// --independent]
    #[arg(long, value_name = "MIN..MAX", allow_hyphen_values = true)]
    pub delay: Option<DelayRange>,
    /// Seed of the delays and of random kernels, to make them reproducible
    #[arg(long, value_name = "S", value_parser = parse_count, allow_hyphen_values = true)]
    pub seed: Option<u64>,
    /// Type of the shared value, or of each cell
    #[arg(long = "type", value_name = "TYPE", default_value = "i32")]
    pub value_type: ValueType,
    /// What to do with a sum that does not fit: wrap it as C does, or refuse it
    #[arg(long, value_name = "WHAT", default_value = "wrap")]
    pub overflow: Overflow,
    /// Without a shared value: print the result of each worker
    #[arg(long, conflicts_with = "overflow")]
    pub independent: bool,
    /// Worker executable, possibly with its own kernels [default: the one beside coordinator]
    #[arg(long, value_name = "PATH")]
    pub worker: Option<PathBuf>,
    /// Slots for workers, including those started by hand [default: N + 252; 4096 with create]
    #[arg(long, value_name = "N", value_parser = parse_count, allow_hyphen_values = true)]
    pub slots: Option<u64>,
}

/// How many iterations a chunk has; `None` if workers choose by their speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk(pub Option<u64>);

impl FromStr for Chunk {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self(None));
        }
        let count = parse_count(text).map_err(|error| error.to_string())?;
        if count > 0 { Ok(Self(Some(count))) } else { Err("a chunk has at least 1 iteration, or is auto".to_owned()) }
    }
}

/// A number of workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workers(pub u32);

impl Workers {
    /// The most workers of a run.
    pub const MOST: u32 = 1_000_000;
}

impl FromStr for Workers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            return Ok(Self(u32::try_from(cpus).unwrap_or(Self::MOST)));
        }
        let count = parse_count(text).ok().and_then(|count| u32::try_from(count).ok());
        count
            .filter(|count| (1..=Self::MOST).contains(count))
            .map(Self)
            .ok_or_else(|| format!("the number of workers is 1 to {}, or auto", Self::MOST))
    }
}
