//! The results of the steps that a commit is made of.
//!
//! An [`enum@Error`] takes ten words, which a step that returns it by value leaves in memory, for its caller to move. That
//! costs as much as all stores of a commit: so its steps keep the error behind one word, and their results in registers.

use crate::error::{Error, Result};

/// The result of a step.
pub(super) type Step<T> = Result<T, Box<Error>>;

impl From<Box<Self>> for Error {
    fn from(error: Box<Self>) -> Self {
        *error
    }
}
