//! `coordinator wait`: waits for contributions.

use std::time::{Duration, Instant};

use common::cli::{self, exit_code};
use common::{AttachError, Mode, ObservedLedger, Observer, Origin, SegmentName, Snapshot, Stop};

use super::idle::IdleWatch;
use crate::args::WaitArgs;
use crate::error::{Error, Result};
use crate::figures::counted;
use crate::limits;
use crate::report;

/// How often to check whether any process can still contribute; a contribution ends the wait at once.
const INTERVAL: Duration = Duration::from_secs(1);

/// Waits until each segment has its contributions, or cannot get them any more; goes on after a failure and returns the exit code
/// of the first one.
pub fn wait(args: &WaitArgs) -> u8 {
    let deadline = limits::deadline(args.timeout);
    let mut code = exit_code::COMPLETE;
    for name in &args.names {
        if let Err(error) = wait_for(name, args.contributions, deadline) {
            cli::report(&error.to_string(), error.hint().as_deref());
            code = if code == exit_code::COMPLETE { error.exit_code() } else { code };
        }
    }
    code
}

/// Waits until the segment has that many contributions, or its own number of them.
fn wait_for(name: &SegmentName, contributions: Option<u64>, deadline: Option<Instant>) -> Result<()> {
    let segment = Observer::open(name)?;
    super::must_be_a_run(&segment)?;
    let wanted = contributions.unwrap_or(segment.terms().workers.into());
    if wanted > segment.terms().slots.into() {
        let slots = counted(segment.terms().slots.into(), "slot");
        let hint = format!("segment {name} has {slots}");
        return Err(Error::usage(format!("--contributions is {wanted}"), hint));
    }
    let mut idle = IdleWatch::default();
    loop {
        // Read before the count, so that a contribution in between ends the wait below at once.
        let seen = segment.notices();
        if has_enough(&segment, wanted, contributions.is_some())? {
            return Ok(());
        }
        if let Some(why) = why_in_vain(&segment)? {
            // The last contribution may have come meanwhile, before its worker left.
            if has_enough(&segment, wanted, contributions.is_some())? {
                return Ok(());
            }
            let applied = applied(&segment, contributions)?;
            return Err(Error::Forsaken { name: name.clone(), applied, why, next: None });
        }
        idle.look(&segment, wanted)?;
        let left = deadline.map_or(INTERVAL, |deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return Err(Error::Timeout { name: name.clone(), applied: applied(&segment, contributions)? });
        }
        segment.wait_for_notice(seen, left.min(INTERVAL));
    }
}

/// What is applied, of what is waited for.
fn applied(segment: &Observer, contributions: Option<u64>) -> Result<String> {
    match contributions {
        None => Ok(report::applied(&Snapshot::of(segment)?)),
        Some(wanted) => {
            let done = ObservedLedger::of(segment).done();
            Ok(format!("{done} of {} are applied", counted(wanted, "contribution")))
        }
    }
}

/// Whether the contributions are applied: `--contributions` of any workers, or those of the run's own tickets.
fn has_enough(segment: &Observer, wanted: u64, is_counted: bool) -> Result<bool> {
    let ledger = ObservedLedger::of(segment);
    let may_be_enough = match segment.terms().mode {
        // A split range is complete when all of it is applied, by any number of workers.
        Mode::Split if !is_counted => ledger.left() == 0,
        _ => u64::from(ledger.done()) >= wanted,
    };
    Ok(may_be_enough && (is_counted || Snapshot::of(segment)?.is_complete()))
}

/// Whether nothing of a divided range is left to a worker.
fn is_applied(segment: &Observer) -> Result<bool> {
    let may_be = segment.terms().mode == Mode::Split && ObservedLedger::of(segment).left() == 0;
    Ok(may_be && Snapshot::of(segment)?.is_complete())
}

/// Why no worker will contribute any more, if so.
fn why_in_vain(segment: &Observer) -> Result<Option<&'static str>> {
    if segment.lifecycle().is_over() {
        return Ok(Some("its run is over"));
    }
    if !segment.is_linked() {
        return Err(AttachError::NoSegment { name: segment.name().clone() }.into());
    }
    let why = match segment.terms().origin {
        Origin::ByHand if segment.stop_requested() == Stop::No && !is_applied(segment)? => return Ok(None),
        Origin::ByHand if segment.stop_requested() == Stop::No => "all of its range is applied",
        Origin::ByHand => "its workers were asked to stop",
        Origin::Run | Origin::Call if segment.has_coordinator()? => return Ok(None),
        Origin::Run | Origin::Call => "its coordinator is dead",
    };
    let anyone_left = Snapshot::of(segment)?.workers.iter().any(|worker| worker.alive);
    Ok((!anyone_left).then_some(why))
}
