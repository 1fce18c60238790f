//! What an audit can find.

use crate::system_error::debug_as_display;

/// A contradiction in the ledger. Nothing in it may be reported.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The value is not the sum of the contributions.
    #[error("the value is {value}, and the contributions make {sum}")]
    Value {
        /// What the segment holds.
        value: String,
        /// What it should hold.
        sum: String,
    },
    /// The log does not name each finished ticket once.
    #[error("the log has {length} entries, which name {logged} of {done} finished tickets")]
    Log {
        /// How long the log is.
        length: usize,
        /// How many distinct finished tickets it names.
        logged: usize,
        /// How many tickets are done.
        done: usize,
    },
    /// The iterations given out are not those applied, held or set aside.
    #[error(
        "{given_out} iterations were given out, {applied} are applied, {set_aside} set aside, and workers hold {held}"
    )]
    Chunks {
        /// How many were given out.
        given_out: u64,
        /// How many are applied.
        applied: u128,
        /// How many are part of a worker's chunk.
        held: u128,
        /// How many are set aside.
        set_aside: u128,
    },
}

debug_as_display!(Violation);
