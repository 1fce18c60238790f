//! Waiting for the lock to close the segment.

use std::time::Instant;

use common::{LockOwner, OwnerWatch, Segment};

use crate::error::Result;

/// A lock that another process keeps.
#[derive(Default)]
pub struct LockWait {
    owner: OwnerWatch,
    since: Option<Instant>,
    /// After how many seconds the last note was returned.
    reported: u64,
}

impl LockWait {
    /// Watches the owner of the busy lock; after 1, 2, 4, … seconds returns a note that names it.
    pub fn watch(&mut self, segment: &Segment, owner: Option<LockOwner>) -> Result<Option<String>> {
        self.owner.check(segment, owner.as_ref())?;
        let waited = self.since.get_or_insert_with(Instant::now).elapsed().as_secs();
        if !waited.is_power_of_two() || waited <= self.reported {
            return Ok(None);
        }
        self.reported = waited;
        let owner = owner.map_or_else(|| "just released".to_owned(), |owner| owner.to_string());
        Ok(Some(format!("waiting for the lock for {waited} s: {owner}")))
    }
}
