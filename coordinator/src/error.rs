//! What can keep the coordinator from doing what it was asked to do.

use std::io;
use std::path::PathBuf;

use common::{SegmentName, exit_code};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The segment or its ledger.
    #[error(transparent)]
    Segment(#[from] common::Error),
    /// The command line asks for what there is not.
    #[error("{what}")]
    Usage {
        /// What is wrong.
        what: String,
        /// What is allowed.
        hint: String,
    },
    /// There is no worker executable to launch.
    #[error("cannot launch workers: {} {why}", path.display())]
    Worker {
        /// Where it was looked for.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The ledger contradicts itself: no total is reported.
    #[error("segment \"{name}\" is damaged: {violation}")]
    Violation {
        /// The segment.
        name: SegmentName,
        /// The contradiction.
        violation: common::Violation,
    },
    /// The run has a live coordinator.
    #[error("segment \"{name}\" has a live coordinator{}", pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    Coordinated {
        /// The segment.
        name: SegmentName,
        /// Its coordinator.
        pid: Option<u32>,
    },
    /// The segment is no run.
    #[error("segment \"{name}\" was made for workers started by hand: there is no run to resume")]
    NotARun {
        /// The segment.
        name: SegmentName,
    },
    /// Nobody is left who would contribute.
    #[error("segment \"{name}\" will not get the contributions: {done} of {wanted} are applied, and {why}")]
    Forsaken {
        /// The segment.
        name: SegmentName,
        /// How many are applied.
        done: u64,
        /// How many were waited for.
        wanted: u64,
        /// Why there will be no more.
        why: &'static str,
    },
    /// The contributions did not come in time.
    #[error("timeout: {done} of {wanted} contributions are applied in segment \"{name}\"")]
    Timeout {
        /// The segment.
        name: SegmentName,
        /// How many are applied.
        done: u64,
        /// How many were waited for.
        wanted: u64,
    },
    /// The picture of the run cannot be written.
    #[error("cannot write the timeline {}: {source}", path.display())]
    Timeline {
        /// Where it was to be.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A call to the system failed.
    #[error("cannot {doing}: {source}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// The result of what may fail with an [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The exit code that this error ends the coordinator with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Segment(error) => error.exit_code(),
            Self::Usage { .. } => exit_code::USAGE,
            Self::Worker { .. } | Self::Timeline { .. } | Self::System { .. } | Self::Forsaken { .. } => {
                exit_code::INCOMPLETE
            }
            Self::Violation { .. } => exit_code::FOREIGN,
            Self::Coordinated { .. } => exit_code::UNAVAILABLE,
            Self::NotARun { .. } => exit_code::NOTHING_TO_DO,
            Self::Timeout { .. } => exit_code::TIMEOUT,
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Segment(error) => error.hint(),
            Self::Usage { hint, .. } => Some(hint.clone()),
            Self::Worker { .. } => Some("build it: cargo build --release; or name one: --worker PATH".to_owned()),
            Self::Violation { .. } => {
                Some("another program wrote to it; nothing that it says is to be trusted".to_owned())
            }
            Self::NotARun { name } => Some(format!("start workers: worker --name {name}")),
            Self::Coordinated { name, .. } | Self::Forsaken { name, .. } => {
                Some(format!("look at it, if it is still there: coordinator status {name}"))
            }
            Self::Timeout { name, .. } => Some(format!("who is at work: coordinator status {name}")),
            Self::Timeline { .. } | Self::System { .. } => None,
        }
    }
}
