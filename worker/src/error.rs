//! What can keep a worker from contributing.

use std::io;

use common::{SegmentName, exit_code};

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
        /// The kernels that it has, and which of them may have been meant.
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
    /// The kernel fills another number of cells.
    #[error("kernel {kernel} fills {fills} cells, and the segment has {cells}")]
    OtherCells {
        /// The kernel's name.
        kernel: String,
        /// How many cells it fills.
        fills: u32,
        /// How many there are.
        cells: u32,
    },
    /// The segment is no run's.
    #[error("segment \"{name}\" is for programs that use its value; there is nothing to compute")]
    NoRun {
        /// The segment.
        name: SegmentName,
    },
    /// The range is all workers' together.
    #[error("segment \"{name}\" shares 0..{iterations} out: -n cannot be changed for one worker")]
    SharedOut {
        /// The segment.
        name: SegmentName,
        /// The end of the range.
        iterations: u64,
    },
    /// The kernel gave no result, however often it was tried.
    #[error("{kernel} failed for {start}..{end} in {attempts} attempts: {why}")]
    Failed {
        /// The kernel's name.
        kernel: String,
        /// The first iteration.
        start: u64,
        /// One more than the last.
        end: u64,
        /// How often it was tried.
        attempts: u32,
        /// Why it failed the last time.
        why: String,
    },
    /// All workers were asked to stop.
    #[error("asked to stop before it was done")]
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
            Self::NoKernel { .. }
            | Self::TooManyIterations { .. }
            | Self::OtherCells { .. }
            | Self::NoRun { .. }
            | Self::SharedOut { .. } => exit_code::USAGE,
            Self::Failed { .. } | Self::Stopped | Self::Output(_) => exit_code::INCOMPLETE,
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Segment(error) => error.hint(),
            Self::NoKernel { known, .. } => Some(known.clone()),
            Self::OtherCells { fills, .. } => Some(format!("create it with --cells {fills}")),
            _ => None,
        }
    }
}
