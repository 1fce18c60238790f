//! Why a worker does not contribute.

use std::io;
use std::ops::Range;

use common::cli::{self, exit_code};
use common::{Cause, SegmentName, TicketError, counted};

/// Why a worker does not contribute.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The segment or its ledger.
    #[error(transparent)]
    Segment(common::Error),
    /// This executable does not have the segment's kernel.
    #[error("no kernel \"{wanted}\" in this worker")]
    NoKernel {
        /// The kernel's name.
        wanted: String,
        /// The hint: the kernels of this worker.
        known: String,
    },
    /// The kernel is not exact for that many iterations.
    #[error("{iterations} iterations are too many for kernel {kernel}: at most {most}")]
    TooManyIterations {
        /// The number of iterations.
        iterations: u64,
        /// The kernel's name.
        kernel: String,
        /// The kernel's limit.
        most: u64,
    },
    /// The kernel fills another number of cells.
    #[error("kernel {kernel} fills {}, and the segment has {cells}", counted((*fills).into(), "cell"))]
    OtherCells {
        /// The kernel's name.
        kernel: String,
        /// How many cells it fills.
        fills: u32,
        /// How many cells the segment has.
        cells: u32,
    },
    /// The segment is not a run.
    #[error("segment \"{name}\" is for programs that use its value; there is nothing to compute")]
    NoRun {
        /// The segment.
        name: SegmentName,
    },
    /// The workers of a split run divide one range.
    #[error("segment \"{name}\" divides {range:?} among its workers: -n cannot be changed for one worker")]
    Split {
        /// The segment.
        name: SegmentName,
        /// The range.
        range: Range<u64>,
    },
    /// The kernel failed in each attempt.
    #[error("{kernel} failed for {start}..{end} in {}: {why}", counted((*attempts).into(), "attempt"))]
    Failed {
        /// The kernel's name.
        kernel: String,
        /// The first iteration.
        start: u64,
        /// One more than the last iteration.
        end: u64,
        /// The number of attempts.
        attempts: u32,
        /// Why the last attempt failed.
        why: String,
        /// The same, as the segment keeps it.
        cause: Cause,
        /// What helps, where that is known.
        hint: Option<&'static str>,
    },
    /// The worker has set chunks aside, and contributed the others.
    #[error("{chunks} of its chunks failed and {} set aside", if *chunks == 1 { "is" } else { "are" })]
    SetAside {
        /// How many.
        chunks: u64,
        /// The segment.
        name: SegmentName,
    },
    /// All workers were asked to stop.
    #[error("asked to stop before it was done")]
    Stopped,
    /// A signal came while the kernel computed.
    #[error("a signal came")]
    Signal {
        /// The exit code for it.
        code: u8,
    },
    /// The contribution is applied, and stdout refused its line.
    #[error("the contribution is applied, but its line cannot be printed: {0}")]
    Output(io::Error),
}

impl<E: Into<common::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Segment(error.into())
    }
}

impl Error {
    /// Whether this worker reports it: nobody reports a signal, and what concerns all workers their coordinator does once.
    pub fn is_to_be_reported(&self, is_launched: bool) -> bool {
        match self {
            Self::Signal { .. } => false,
            error => !is_launched || !error.is_reported_by_coordinator(),
        }
    }

    fn is_reported_by_coordinator(&self) -> bool {
        let is_nothing_left =
            |error: &common::Error| matches!(error, common::Error::Ticket(TicketError::NothingLeft { .. }));
        match self {
            Self::Segment(error) => is_nothing_left(error),
            error => matches!(error, Self::Stopped | Self::SetAside { .. }),
        }
    }

    /// The worker's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Segment(error) => cli::exit_code_of(error),
            Self::NoKernel { .. }
            | Self::TooManyIterations { .. }
            | Self::OtherCells { .. }
            | Self::NoRun { .. }
            | Self::Split { .. } => exit_code::USAGE,
            Self::Signal { code } => *code,
            Self::Failed { .. } | Self::SetAside { .. } | Self::Stopped | Self::Output(_) => exit_code::INCOMPLETE,
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Segment(error) => cli::hint(error),
            Self::NoKernel { known, .. } => Some(known.clone()),
            Self::Failed { hint, .. } => hint.map(str::to_owned),
            Self::SetAside { name, .. } => Some(format!(
                "see which and why: coordinator status {name}; a worker that finds nothing else tries them again"
            )),
            Self::Output(error) if error.kind() == io::ErrorKind::FileTooLarge => Some(cli::RAISE_FILE_SIZE.to_owned()),
            Self::OtherCells { fills, .. } => Some(format!("create it with --cells {fills}")),
            _ => None,
        }
    }
}
