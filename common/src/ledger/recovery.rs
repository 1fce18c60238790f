//! Recovery: what the next owner of the lock does for one that died with it.
//!
//! A record that was published is applied, from wherever the dead owner had got to; one that was not is dropped by
//! forgetting it. Every step may be interrupted by another death and done again.

use std::sync::atomic::Ordering::Relaxed;

use super::redo::apply;
use crate::error::{Error, Result};
use crate::layout::View;

/// Whether a published record is not known to be applied.
pub fn is_needed(view: &View<'_>) -> bool {
    let core = &view.header.core;
    core.published.load(Relaxed) != core.applied.load(Relaxed)
}

/// Makes the ledger sound. Only for the holder of the lock.
///
/// # Errors
/// [`Error::Damaged`] if no crash can have left what is there.
pub fn recover(view: &View<'_>, owner_died: bool) -> Result<()> {
    let core = &view.header.core;
    let (published, applied) = (core.published.load(Relaxed), core.applied.load(Relaxed));
    if published != applied {
        if applied.wrapping_add(1) != published {
            return Err(Error::Damaged { what: format!("commit {published} is published and {applied} applied") });
        }
        apply(view)?;
    }
    if owner_died {
        let recoveries = &view.header.redo.recoveries;
        recoveries.store(recoveries.load(Relaxed).wrapping_add(1), Relaxed);
    }
    Ok(())
}
