//! What a worker's kernel sees of its job.

use common::{Claim, Ledger, Segment, Stop};

use crate::kernel::{Stopped, Watch};
use crate::signals::Signals;

/// Announces the kernel's progress, and passes requests to stop to the kernel.
pub struct JobWatch<'a> {
    pub segment: &'a Segment,
    pub claim: &'a Claim,
    pub signals: &'a Signals,
}

impl Watch for JobWatch<'_> {
    fn step(&mut self, done: u64) -> Result<(), Stopped> {
        Ledger::of(self.segment).progress(self.claim, done);
        let must_stop = self.segment.stop_requested() == Stop::Now || self.signals.are_waiting();
        if must_stop { Err(Stopped) } else { Ok(()) }
    }
}
