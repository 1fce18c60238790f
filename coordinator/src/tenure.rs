//! A coordinator's time with its segment: however it ends, the segment does not stay behind.

use common::{Removal, Segment, Stop};

use crate::error::Result;

/// A segment that is removed when its coordinator is done with it, also by an error or a panic.
pub struct Tenure {
    segment: Segment,
    keep: bool,
}

impl Tenure {
    /// Takes charge of a segment; `keep` leaves it behind at the end.
    pub fn new(segment: Segment, keep: bool) -> Self {
        Self { segment, keep }
    }

    /// The segment.
    pub fn segment(&self) -> &Segment {
        &self.segment
    }

    /// Removes the segment, unless it is to be kept or the name stands for another one by now.
    pub fn end(mut self) -> Result<Option<Removal>> {
        if std::mem::replace(&mut self.keep, true) { Ok(None) } else { Ok(Some(self.segment.unlink()?)) }
    }
}

impl Drop for Tenure {
    fn drop(&mut self) {
        if !self.keep {
            self.segment.request_stop(Stop::Now);
            // Nothing more can be done about a failure here.
            let _ = self.segment.unlink();
        }
    }
}
