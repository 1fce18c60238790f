//! The options of `collect`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use common::{parse_count, parse_duration};

use super::run::Format;

/// The options of `collect`.
#[derive(Args, Debug)]
pub struct CollectArgs {
    /// The folder of --results
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Print what is missing, and nothing else: the indices of the shards, as sbatch --array= takes them; or ranges, one a line
    #[arg(long, conflicts_with_all = ["verify", "format"])]
    pub missing: bool,
    /// Compute K random parts again, and compare their totals
    #[arg(long, value_name = "K", value_parser = at_least_one, allow_hyphen_values = true)]
    pub verify: Option<u64>,
    /// The command of the job, for --verify: what only the folder names is never run
    #[arg(long, value_name = "CMD", requires = "verify", conflicts_with = "missing", allow_hyphen_values = true)]
    pub exec: Option<String>,
    /// The same, of a job with --serve
    #[arg(long, value_name = "CMD", requires = "verify", conflicts_with_all = ["missing", "exec"], allow_hyphen_values = true)]
    pub serve: Option<String>,
    /// The worker executable of the job, for --verify
    #[arg(long, value_name = "PATH", requires = "verify", conflicts_with = "missing")]
    pub worker: Option<PathBuf>,
    /// Time limit of the command for one range, for --verify
    #[arg(long, value_name = "DUR", value_parser = parse_duration, requires = "verify", allow_hyphen_values = true)]
    #[arg(conflicts_with = "missing")]
    pub exec_timeout: Option<Duration>,
    /// How often a failed command is tried again, for --verify [default: 3]
    #[arg(long, value_name = "N", value_parser = parse_count, requires = "verify", allow_hyphen_values = true)]
    #[arg(conflicts_with = "missing")]
    pub restarts: Option<u64>,
    /// The result as text or as one JSON object
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

fn at_least_one(text: &str) -> Result<u64, String> {
    match parse_count(text) {
        Ok(0) => Err("at least one part is computed again".to_owned()),
        Ok(count) => Ok(count),
        Err(error) => Err(error.to_string()),
    }
}
