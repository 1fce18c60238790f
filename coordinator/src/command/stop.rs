//! `coordinator stop`: asks a run's workers to stop.

use common::{Error as SegmentError, Lifecycle, Segment, Stop, exit_code, say};

use crate::args::StopArgs;
use crate::error::Result;

/// Asks the workers to stop, and wakes the coordinator.
pub fn stop(args: &StopArgs) -> Result<u8> {
    let segment = Segment::attach(&args.name)?;
    super::must_be_a_run(&segment)?;
    if segment.lifecycle() == Lifecycle::Reported {
        return Err(SegmentError::NothingLeft { name: args.name.clone(), why: "its run is over" }.into());
    }
    segment.request_stop(if args.now { Stop::Now } else { Stop::Drain });
    segment.wake_coordinator()?;
    segment.notify();
    let how =
        if args.now { "to leave at once" } else { "to finish what they have begun and then leave (--now: at once)" };
    say(&format!("asked the workers of {} {how}\n", args.name));
    Ok(exit_code::COMPLETE)
}
