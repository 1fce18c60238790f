//! `coordinator stop`: asks a run's workers to stop.

use common::cli::exit_code;
use common::{RunState, Segment, SegmentInfo, Stop, say};

use crate::args::StopArgs;
use crate::error::{Error, Result};

/// Asks the workers to stop, and wakes the coordinator.
pub fn stop(args: &StopArgs) -> Result<u8> {
    // Looked at first: this process is somebody who is there once it is attached.
    let is_left_behind = SegmentInfo::of(&args.name).is_ok_and(|info| info.state == RunState::Stale);
    let segment = Segment::attach(&args.name)?;
    super::must_be_a_run(&segment)?;
    if segment.lifecycle().is_over() {
        return Err(Error::NothingLeft { name: args.name.clone(), why: "its run is over" });
    }
    if is_left_behind {
        return Err(Error::LeftBehind { name: args.name.clone() });
    }
    segment.request_stop(if args.now { Stop::Now } else { Stop::Drain });
    segment.wake_coordinator()?;
    segment.notify();
    let how =
        if args.now { "to leave at once" } else { "to finish what they have begun and then leave (--now: at once)" };
    say(&format!("asked the workers of {} {how}\n", args.name));
    Ok(exit_code::COMPLETE)
}
