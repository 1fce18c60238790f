//! A waiter's check that the lock's owner exists.

use super::error::LockError;
use super::owner::LockOwner;
use crate::redo::Damage;
use crate::segment::Segment;

/// A waiter's memory of the lock's owner. It tells a slow owner from one that never existed.
#[derive(Default)]
pub struct OwnerWatch {
    /// The named thread that did not exist at the last look; 0 if the mutex named none.
    suspect: Option<u32>,
}

impl OwnerWatch {
    /// Looks at the owner again, about a second after the last look.
    ///
    /// # Errors
    /// [`LockError::Damaged`] if the same missing owner is found twice. The kernel frees the lock of a dying owner before
    /// the process vanishes, so such an owner never existed.
    pub fn check(&mut self, segment: &Segment, owner: Option<&LockOwner>) -> Result<(), LockError> {
        let is_missing = match owner {
            Some(owner) => owner.is_gone(),
            None => segment.view().header.core.mutex.is_taken_by_nobody(),
        };
        let suspect = is_missing.then(|| owner.map_or(0, |owner| owner.thread));
        if suspect.is_some() && suspect == self.suspect {
            return Err(Damage::new("its lock is held by a thread that does not exist").into());
        }
        self.suspect = suspect;
        Ok(())
    }
}
