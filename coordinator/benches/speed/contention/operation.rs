//! The operations that contend for a lock.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Lock, commit a contribution, unlock.
    Contribution,
    /// Lock, commit a chunk and take the next one, unlock.
    Chunk,
    /// `SharedValue::add`.
    ValueAdd,
    /// A bare robust mutex: lock, add, unlock.
    RobustMutex,
    /// A bare mutex that is not robust.
    PlainMutex,
    /// The mutex of `raw_sync`.
    RawSyncMutex,
    /// `fetch_add`, without a lock.
    AtomicAdd,
}

impl Operation {
    const ALL: [Self; 7] = [
        Self::Contribution,
        Self::Chunk,
        Self::ValueAdd,
        Self::RobustMutex,
        Self::PlainMutex,
        Self::RawSyncMutex,
        Self::AtomicAdd,
    ];

    /// The inverse of `Debug`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| format!("{operation:?}") == name)
    }
}
