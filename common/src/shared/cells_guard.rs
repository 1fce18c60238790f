//! The lock of cells, held.

use std::ops::Deref;

use super::{LockedCells, SharedCells};
use crate::lock::Guard;

/// The lock of [`SharedCells`], held; released when dropped, also by a panic.
///
/// It borrows the cells, or owns them in an [`Arc`](std::sync::Arc). Leaking it leaves the lock to the thread, whose end is then an owner's death.
pub struct CellsGuard<S: Deref<Target = SharedCells>>(pub(super) Guard<S>);

impl<S: Deref<Target = SharedCells>> CellsGuard<S> {
    /// The cells that it locks.
    #[must_use]
    #[inline]
    pub fn cells(&self) -> &S {
        self.0.locked()
    }

    /// Whether this process acquired the lock, and not its parent before a fork.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.0.is_own()
    }

    /// What can be done under the lock.
    #[inline]
    pub fn locked(&mut self) -> LockedCells<'_> {
        LockedCells { cells: self.0.locked(), acquisition: self.0.acquisition() }
    }
}
