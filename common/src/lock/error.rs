//! Why the lock is not acquired.

use super::owner::LockOwner;
use crate::name::SegmentName;
use crate::redo::Damage;
use crate::segment::ForkError;
use crate::system_error::debug_as_display;

/// Why the lock was not acquired.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another thread owns it, and patience ended.
    #[error("the lock is busy{}", owner.as_ref().map(|owner| format!(": {owner}")).unwrap_or_default())]
    Busy {
        /// The owner, where it is known.
        owner: Option<LockOwner>,
    },
    /// This very thread owns it and would wait for itself.
    #[error("the lock of segment \"{name}\" is already held by this thread")]
    Deadlock {
        /// The segment.
        name: SegmentName,
    },
    /// The lock or the ledger is damaged beyond what a crash can do.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// This process is a forked child, and what it wants to use is its parent's.
    #[error(transparent)]
    Forked(#[from] ForkError),
}

debug_as_display!(LockError);

impl From<Box<Damage>> for LockError {
    fn from(damage: Box<Damage>) -> Self {
        Self::Damaged(*damage)
    }
}
