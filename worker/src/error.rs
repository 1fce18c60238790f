//! What can keep a worker from contributing.

use std::io;

use common::exit_code;

/// Why a worker did not do what it was started for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The segment or its ledger.
    #[error(transparent)]
    Segment(#[from] common::Error),
    /// The segment wants a kernel that this executable has not.
    #[error("no kernel \"{wanted}\" in this worker")]
    NoKernel {
        /// The kernel's name.
        wanted: String,
        /// The kernels that it has.
        known: String,
    },
    /// The kernel is not exact for that many iterations.
    #[error("{iterations} iterations are too many for kernel {kernel}: at most {most}")]
    TooManyIterations {
        /// What was asked for.
        iterations: u64,
        /// The kernel's name.
        kernel: String,
        /// What it can do.
        most: u64,
    },
    /// All workers were asked to stop.
    #[error("asked to stop before it contributed")]
    Stopped,
    /// The result is applied and could not be printed.
    #[error("the contribution is applied, but its line cannot be printed: {0}")]
    Output(io::Error),
}

impl Error {
    /// The exit code that this error ends the worker with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Segment(error) => error.exit_code(),
            Self::NoKernel { .. } | Self::TooManyIterations { .. } => exit_code::USAGE,
            Self::Stopped | Self::Output(_) => exit_code::INCOMPLETE,
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Segment(error) => error.hint(),
            Self::NoKernel { known, .. } => Some(format!("kernels here: {known}")),
            _ => None,
        }
    }
}
