//! A failed call to the system.

use std::fmt;
use std::io;

/// The system refused a call.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} \"{name}\": {source}")]
pub struct SystemError {
    /// What was tried.
    pub doing: &'static str,
    /// On what.
    pub name: String,
    /// The system's answer.
    pub source: io::Error,
}

impl SystemError {
    pub(crate) fn new(doing: &'static str, name: impl fmt::Display, source: impl Into<io::Error>) -> Self {
        Self { doing, name: name.to_string(), source: source.into() }
    }
}
