//! Recovery: the new lock owner finishes the commit of an owner that died.
//!
//! A published record is applied again from its start; an unpublished one is dropped. Recovery may itself be killed and
//! repeated at any point. `docs/protocol.md` has the sequence diagram.

use std::sync::atomic::Ordering::Relaxed;

use super::{Damage, apply};
use crate::layout::View;

/// Whether a record is published and not marked as applied.
pub fn is_needed(view: &View<'_>) -> bool {
    let core = &view.header.core;
    core.published.load(Relaxed) != core.applied.load(Relaxed)
}

/// Completes a published commit and counts the owner's death. The caller holds the lock.
///
/// # Errors
/// [`Damage`] if no crash can have left this state.
pub fn recover(view: &View<'_>, owner_died: bool) -> Result<(), Box<Damage>> {
    let core = &view.header.core;
    let (published, applied) = (core.published.load(Relaxed), core.applied.load(Relaxed));
    if published != applied {
        if applied.wrapping_add(1) != published {
            return Err(Damage::new(format!("commit {published} is published and {applied} applied")));
        }
        apply(view)?;
    }
    if owner_died {
        let recoveries = &view.header.redo.recoveries;
        recoveries.store(recoveries.load(Relaxed).wrapping_add(1), Relaxed);
    }
    Ok(())
}
