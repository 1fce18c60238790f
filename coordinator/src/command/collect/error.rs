//! Why a folder cannot be collected, with which exit code, and what to do next.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use common::cli::{self, exit_code};

use super::collection::Differing;
use crate::error::{Error, after_file_error, quoted};

/// Why a folder cannot be collected.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// There is no such folder, or it may not be read.
    #[error("cannot open the folder {}: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// No shard has begun a job there.
    #[error("{} holds no job: job.json is missing", folder.display())]
    NoJob {
        /// The folder.
        folder: PathBuf,
    },
    /// The system failed.
    #[error("cannot read {what}: {source}")]
    System {
        /// A file, or the folder.
        what: String,
        /// The system's error.
        source: io::Error,
    },
    /// Two results of a part.
    #[error("results in {} disagree: {files}{}", folder.display(), and_more(*more))]
    Differing {
        /// The folder.
        folder: PathBuf,
        /// The two.
        files: Box<Differing>,
        /// The number of further pairs of this kind.
        more: usize,
    },
    /// A part was computed again, with another total.
    #[error("results disagree: {file} has {found}, and computed again it has {computed}")]
    Wrong {
        /// The part.
        part: Range<u64>,
        /// The file of its result.
        file: String,
        /// The total in it.
        found: String,
        /// The total now.
        computed: String,
    },
    /// A part was not computed again.
    #[error("cannot verify {file}: the run {why}")]
    Unverified {
        /// The file of its result.
        file: String,
        /// What became of the run.
        why: String,
    },
    /// The total does not fit.
    #[error("overflow: the total {total}does not fit into {kind}")]
    Overflow {
        /// The total, unless it has more than 128 bits.
        total: String,
        /// The type.
        kind: &'static str,
    },
}

impl CollectError {
    /// Reports it on stderr.
    pub fn report(&self) {
        cli::report(&self.to_string(), self.hint().as_deref());
    }

    /// The exit code.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Folder { .. } | Self::NoJob { .. } => exit_code::UNAVAILABLE,
            Self::System { .. } | Self::Unverified { .. } => exit_code::INCOMPLETE,
            Self::Differing { .. } | Self::Wrong { .. } => exit_code::DISAGREE,
            Self::Overflow { .. } => exit_code::OVERFLOW,
        }
    }

    /// The next step, if there is one.
    fn hint(&self) -> Option<String> {
        match self {
            Self::Folder { folder, source } => {
                after_file_error(folder, source).or_else(|| Some(after_opening(folder, source.kind())))
            }
            Self::NoJob { folder } => Some(format!(
                "the first shard begins the job: coordinator run --split --shard I/N --results {}",
                quoted(folder)
            )),
            Self::Differing { folder, files, .. } => {
                let [result, other] = [&files.result, &files.other].map(|file| quoted(&folder.join(&file.name)));
                Some(format!(
                    "look at both; if the first one is right: rm {other}; if the second one is: mv {other} {result}; if nobody \
                     knows: remove both, and compute that part again"
                ))
            }
            Self::Wrong { file, .. } => Some(format!(
                "the kernel must depend on its range alone; or a machine was wrong: rm {}, start that shard again, and verify more",
                quoted(Path::new(file))
            )),
            Self::Overflow { .. } => {
                Some("a job with a wider type, or with --overflow wrap, needs a folder of its own".to_owned())
            }
            Self::System { what, source } => after_file_error(Path::new(what), source),
            Self::Unverified { .. } => {
                Some("its lines above say why; the run is that of the shard: start that one by hand".to_owned())
            }
        }
    }
}

impl From<CollectError> for Error {
    fn from(error: CollectError) -> Self {
        Self::Collect { what: error.to_string(), hint: error.hint(), exit_code: error.exit_code() }
    }
}

fn after_opening(folder: &Path, error: io::ErrorKind) -> String {
    match error {
        io::ErrorKind::PermissionDenied => format!("see who may read it: ls -ld {}", quoted(folder)),
        io::ErrorKind::NotADirectory => "name the folder, and not a file in it: coordinator collect DIR".to_owned(),
        _ => format!(
            "check the name; the first shard makes the folder: coordinator run --split --shard I/N --results {}",
            quoted(folder)
        ),
    }
}

fn and_more(more: usize) -> String {
    if more == 0 { String::new() } else { format!("; and {more} more like it") }
}
