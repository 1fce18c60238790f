//! One measured number, or why it is missing.

use std::fmt::{self, Display, Formatter};

/// A measured number in the row's unit.
pub type Sample = Result<f64, BenchError>;

/// What a sample counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Bytes,
    #[allow(dead_code, reason = "only the worker's bench counts")]
    Count,
}

/// Why a measurement failed.
#[derive(Clone, Debug)]
pub enum BenchError {
    /// The machine lacks something it needs.
    Skipped(String),
    Failed(String),
}

impl BenchError {
    pub fn skipped(reason: impl Display) -> Self {
        Self::Skipped(reason.to_string())
    }

    pub fn failed(reason: impl Display) -> Self {
        Self::Failed(reason.to_string())
    }
}

impl<E: std::error::Error> From<E> for BenchError {
    fn from(error: E) -> Self {
        Self::failed(error)
    }
}

impl Display for BenchError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped(reason) => write!(f, "skipped: {reason}"),
            Self::Failed(reason) => write!(f, "failed: {reason}"),
        }
    }
}
