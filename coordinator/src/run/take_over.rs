//! Taking over a run that another coordinator has begun.

use common::cli::{self, exit_code};
use common::{Ledger, Lifecycle, LockError, Origin, Segment, Snapshot, Stop};

use super::supervised::{Equipment, Run};
use crate::args::OutputArgs;
use crate::error::Result;
use crate::figures::counted;
use crate::keep::Claims;
use crate::limits::Limits;
use crate::narration::Narrator;
use crate::owned_segment::OwnedSegment;
use crate::readiness::LOCK_PATIENCE;
use crate::signals::Signals;
use crate::supervisor::{LockWait, has_passed};

/// Finishes the run of a segment that this process coordinates now, reports, keeps or removes the segment; returns the exit code.
pub fn take_over(
    segment: Segment,
    claims: Claims,
    limits: Limits,
    mut equipment: Equipment,
    output: &OutputArgs,
) -> u8 {
    let owned = OwnedSegment::new(segment, claims);
    let segment = owned.segment();
    segment.open_as_coordinator();
    match reopen(segment, limits, &mut equipment.signals, &equipment.narrator) {
        Ok(None) => {}
        Ok(Some(code)) => return code,
        Err(error) => {
            let (code, end) = owned.fail(&error);
            let _ = owned.settle(end);
            return code;
        }
    }
    let (name, narrator) = (segment.name(), &equipment.narrator);
    narrator.count_from_creation(segment);
    let (id, done) = (std::process::id(), counted(Ledger::of(segment).done().into(), "contribution"));
    narrator.step(format_args!("took over segment {name} with {done} applied; kill -USR1 {id} shows its status"));
    Run { owned, limits, equipment }.finish(output)
}

/// Prepares what is missing of a split run for new workers. Returns an exit code if it ends before it has the lock: at a
/// signal, a timeout or a request to stop.
fn reopen(segment: &Segment, limits: Limits, signals: &mut Signals, narrator: &Narrator) -> Result<Option<u8>> {
    let mut wait = LockWait::default();
    loop {
        match Ledger::of(segment).lock_within(LOCK_PATIENCE) {
            Ok(mut ledger) => {
                let opened = ledger.reopen().map_err(common::Error::from)?;
                if opened > 0 {
                    narrator.step(format_args!("opened {} again", counted(opened.into(), "finished ticket")));
                }
                return Ok(None);
            }
            Err(LockError::Busy { owner }) => {
                if let Some(note) = wait.watch(segment, owner)? {
                    narrator.note(note);
                }
            }
            Err(error) => return Err(error.into()),
        }
        if let Some(signal) = signals.stop_signals().first() {
            return Ok(Some(signal.exit_code));
        }
        if has_passed(limits.deadline) {
            let name = segment.name();
            let hint = format!("see who holds it: coordinator status {name}");
            cli::report(&format!("timeout: the lock of segment \"{name}\" is held all the time"), Some(&hint));
            return Ok(Some(exit_code::TIMEOUT));
        }
        if segment.stop_requested() == Stop::Now {
            return Ok(Some(exit_code::INCOMPLETE));
        }
    }
}

/// Why there is nothing to resume, if so. A kept run that was reported may still be incomplete.
pub fn why_over(segment: &Segment) -> Result<Option<&'static str>> {
    Ok(match segment.lifecycle() {
        _ if segment.terms().origin == Origin::Call => Some("it ended with the program that had called it"),
        Lifecycle::ToBeRemoved => Some("its run is over, and it is to be removed"),
        Lifecycle::Reported if Snapshot::of(segment)?.is_complete() => Some("its result was reported already"),
        _ if !segment.is_linked() => Some("it was removed meanwhile"),
        _ => None,
    })
}
