//! What a segment is made for: the options that `run` and `create` share.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use common::{DelayRange, Overflow, ValueType, cli, parse_count, parse_duration};

/// What a segment is made for.
#[derive(Args, Debug)]
pub struct TermsArgs {
    /// Contributions: one from each worker process (1 to 1000000, or auto: one a CPU)
    #[arg(short, long, value_name = "N|auto", default_value = "4", allow_hyphen_values = true)]
    pub workers: Workers,
    /// Iterations of the kernel, also as 1000000, 10k or 1e6
    #[arg(short = 'n', long, value_name = "N", default_value = "1_000_000", value_parser = parse_count, allow_hyphen_values = true)]
    pub iterations: u64,
    /// What each worker computes; with --worker also a kernel of that executable's own
    #[arg(long, value_name = "NAME", default_value = "sum-of-squares", value_parser = cli::kernel_parser())]
    pub kernel: String,
    /// Share 0..n out among the workers, in chunks that are applied exactly once each
    #[arg(long, conflicts_with = "independent")]
    pub split: bool,
    /// Iterations in a chunk; auto: as many as take 5 to 100 ms, fewer towards the end
    #[arg(long, value_name = "N|auto", default_value = "auto", requires = "split", allow_hyphen_values = true)]
    pub chunk: Chunk,
    /// Command that computes instead of a kernel: its stdout is the number to add, or one a cell; {start} and {end} (which is
    /// not part of it) stand for the range, and a non-zero exit is a failure, which is tried again (--restarts)
    #[arg(long, value_name = "CMD", conflicts_with = "kernel")]
    pub exec: Option<String>,
    /// How long the command of --exec may take for one range, before it is killed and tried again
    #[arg(long, value_name = "DUR", value_parser = parse_duration, requires = "exec", allow_hyphen_values = true)]
    pub exec_timeout: Option<Duration>,
    /// Cells of a shared array, all of which each contribution fills [default: what the kernel fills, else 1]
    #[arg(long, value_name = "N", value_parser = parse_count, allow_hyphen_values = true)]
    pub cells: Option<u64>,
    /// Sleep between the computation and the addition, also as 200ms or 0 [default: 100ms..500ms; 0 if split or
    /// independent]
    #[arg(long, value_name = "MIN..MAX", allow_hyphen_values = true)]
    pub delay: Option<DelayRange>,
    /// Make the delays, and what kernels draw, reproducible
    #[arg(long, value_name = "S", value_parser = parse_count, allow_hyphen_values = true)]
    pub seed: Option<u64>,
    /// Type of the shared value, or of each cell
    #[arg(long = "type", value_name = "TYPE", default_value = "i32")]
    pub value_type: ValueType,
    /// What happens when a sum does not fit: wrap as C does, or refuse it
    #[arg(long, value_name = "WHAT", default_value = "wrap")]
    pub overflow: Overflow,
    /// No shared value: print each worker's own result
    #[arg(long, conflicts_with = "overflow")]
    pub independent: bool,
    /// Worker executable; may bring kernels of its own [default: the one beside coordinator]
    #[arg(long, value_name = "PATH")]
    pub worker: Option<PathBuf>,
    /// Room for workers, those started by hand included [default: N + 252, or 4096 with create]
    #[arg(long, value_name = "N", value_parser = parse_count, allow_hyphen_values = true)]
    pub slots: Option<u64>,
}

/// How many iterations a chunk has; nothing if workers choose by their pace.
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
    /// The most processes that one run counts.
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
