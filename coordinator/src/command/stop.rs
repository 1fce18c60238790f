//! `coordinator stop`: ask a run's workers to stop.

use common::{Segment, Stop, exit_code, process, say};
use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::args::StopArgs;
use crate::error::Result;

/// Asks the workers to stop, and tells the coordinator.
pub fn stop(args: &StopArgs) -> Result<u8> {
    let segment = Segment::attach(&args.name)?;
    segment.request_stop(if args.now { Stop::Now } else { Stop::Drain });
    wake_coordinator(&segment)?;
    segment.notify();
    let how = if args.now { "to leave at once" } else { "to finish what they have begun and then leave" };
    say(&format!("asked the workers of {} {how}\n", args.name));
    Ok(exit_code::COMPLETE)
}

/// Makes the coordinator look at the segment: SIGCHLD is what it looks up for anyway, and what any other process ignores.
fn wake_coordinator(segment: &Segment) -> Result<()> {
    let Some(pid) = segment.snapshot()?.coordinator.and_then(process::id) else {
        return Ok(());
    };
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return Ok(()) };
    // The role is still held, so the process behind the descriptor is the coordinator and not a later owner of its id.
    if segment.has_coordinator()? {
        // It may end at this very moment: then there is nobody to wake.
        let _ = pidfd_send_signal(process, Signal::CHILD);
    }
    Ok(())
}
