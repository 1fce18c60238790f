//! Segments that their coordinators have marked as to be removed, and were killed before they could.

use std::os::fd::AsFd;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rustix::fs::OFlags;

use super::{Removal, RemoveError, unlink_file};
use crate::name::SegmentName;
use crate::segment::{Lifecycle, Role, verify};

/// Removes the segment of that name, if it is marked as to be removed and has no coordinator. Returns whether it did.
///
/// As its coordinator would have: its result is delivered, or nobody wants it, and the mark is final. So who is still
/// attached keeps it no longer.
///
/// # Errors
/// [`RemoveError::Unavailable`] if there is no such segment, or it must not be used; [`RemoveError::System`] if the system
/// refuses.
pub fn remove_marked(name: &SegmentName) -> Result<bool, RemoveError> {
    let file = verify::open(name, OFlags::RDWR)?;
    let verified = verify::verify(name, file.as_fd(), Duration::ZERO)?;
    let is_marked = Lifecycle::of(verified.header.header().live.lifecycle.load(Relaxed)) == Lifecycle::ToBeRemoved;
    if !is_marked || !Role::Coordinator.take_patiently(name, &file)? {
        return Ok(false);
    }
    Ok(unlink_file(name, &file)? == Removal::Removed)
}
