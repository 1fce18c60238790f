//! Terms that no segment can have.

use crate::count::counted;
use crate::layout::{MOST_ENTRIES, TEXT_BYTES};
use crate::system_error::debug_as_display;

/// Why no segment can have some terms.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTerms {
    /// It would have no cell, or too many.
    #[error("{cells} cells; there are 1 to {most}")]
    Cells {
        /// The number of cells.
        cells: u32,
        /// The largest number: more without a run than with one.
        most: u32,
    },
    /// A run has no value of this type.
    #[error("the value of a run is not of type {0}")]
    Type(&'static str),
    /// It would have no worker, too few slots for its workers, or too many slots for its cells.
    #[error(
        "{} with {} of {}; each worker has a slot, and cells times slots is {MOST_ENTRIES} at most",
        counted((*workers).into(), "worker"), counted((*slots).into(), "slot"), counted((*cells).into(), "cell")
    )]
    Counts {
        /// The number of cells.
        cells: u32,
        /// The number of workers.
        workers: u32,
        /// The number of slots.
        slots: u32,
    },
    /// It is not split, or its part is not one of its range.
    #[error("the part is not one of the range, or the range is not divided")]
    Part,
    /// Its texts are too long.
    #[error("the command has {command} bytes, and there is room for {}", TEXT_BYTES.saturating_sub(*others))]
    Text {
        /// The length of the command.
        command: usize,
        /// The length of the kernel's name and of the worker's path, which share the room with it.
        others: usize,
    },
}

debug_as_display!(InvalidTerms);

impl InvalidTerms {
    /// The term that makes no sense.
    pub(crate) fn term(self) -> &'static str {
        match self {
            Self::Cells { .. } => "number of cells",
            Self::Type(_) => "value type",
            Self::Counts { .. } => "counts of workers or cells",
            Self::Part => "part of the range",
            Self::Text { .. } => "length of the kernel's name, the worker's path and the command",
        }
    }
}
