//! What processes do with a lock.

/// What is done again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Lock, commit a contribution, unlock.
    Contribution,
    /// Lock, commit a chunk and take the next one, unlock.
    Chunk,
    /// `SharedValue::add`.
    Value,
    /// A bare robust mutex: lock, add, unlock.
    Robust,
    /// A bare plain one.
    Plain,
    /// The one of `raw_sync`.
    RawSync,
    /// `fetch_add`, without a lock.
    Atomic,
}

/// All of them.
pub const ALL: [Operation; 7] = [
    Operation::Contribution,
    Operation::Chunk,
    Operation::Value,
    Operation::Robust,
    Operation::Plain,
    Operation::RawSync,
    Operation::Atomic,
];
