//! What the protocols promise, and how closely a state is examined.

/// A broken promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A ticket, or an iteration, passed a commit point twice.
    Twice,
    /// The value is not the sum of the contributions, or they are not what passed the commit points.
    Sum,
    /// An iteration is not in exactly one place: applied, in one ticket's chunk, or not given out.
    Place,
    /// A done ticket holds a chunk, which nobody can commit or take over any more.
    Stranded,
    /// The log does not name the done tickets in the order of their commit points.
    Log,
    /// A reader without the lock sees a counted ticket in part.
    Torn,
    /// A done ticket is no longer done, or its contribution has changed.
    Undone,
    /// A worker lost its chunk although it holds its role.
    Superseded,
    /// The lock is not recoverable, or a recovery would reject the record.
    Damaged,
    /// The coordinator reports contributions that it has not printed.
    Unprinted,
    /// A process waits for ever, or a run ended with a part missing.
    Incomplete,
    /// The run may continue for ever.
    Endless,
}

/// How a state is examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// As a recovery at this moment would leave it.
    Through,
    /// Only when nobody holds the lock: a crash must be played out to be seen.
    AtRest,
}
