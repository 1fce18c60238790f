//! A segment that its coordinator removes, however the run ends.

use common::{Removal, Segment, Stop};

use crate::error::Result;

/// Removes its segment when dropped, so also after an error or a panic.
pub struct OwnedSegment {
    segment: Segment,
    keep: bool,
}

impl OwnedSegment {
    /// Owns the segment; with `keep` it is left behind.
    pub fn new(segment: Segment, keep: bool) -> Self {
        Self { segment, keep }
    }

    /// The segment.
    pub fn segment(&self) -> &Segment {
        &self.segment
    }

    /// Removes the segment, unless it is kept or its name now belongs to another one.
    pub fn remove(mut self) -> Result<Option<Removal>> {
        if std::mem::replace(&mut self.keep, true) { Ok(None) } else { Ok(Some(common::unlink(&self.segment)?)) }
    }
}

impl Drop for OwnedSegment {
    fn drop(&mut self) {
        if !self.keep {
            self.segment.request_stop(Stop::Now);
            // A failure cannot be handled here.
            let _ = common::unlink(&self.segment);
        }
    }
}
