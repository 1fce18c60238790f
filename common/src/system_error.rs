//! A failed call to the system.

use std::fmt;
use std::io;

/// Makes an error's `Debug` its message: what `fn main() -> Result<(), Box<dyn Error>>` and `unwrap` print.
macro_rules! debug_as_display {
    ($($error:ty),+) => {
        $(impl std::fmt::Debug for $error {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, formatter)
            }
        })+
    };
}

pub(crate) use debug_as_display;

/// The system refused a call.
#[derive(thiserror::Error)]
#[error("cannot {doing} \"{name}\": {source}")]
pub struct SystemError {
    /// What was tried.
    pub doing: &'static str,
    /// On what.
    pub name: String,
    /// The system's answer.
    pub source: io::Error,
}

debug_as_display!(SystemError);

impl SystemError {
    pub(crate) fn new(doing: &'static str, name: impl fmt::Display, source: impl Into<io::Error>) -> Self {
        Self { doing, name: name.to_string(), source: source.into() }
    }
}
