//! The commands that run workers: `run` from the beginning, `resume` from where a dead coordinator stopped.

use std::path::PathBuf;

use common::cli::exit_code;
use common::failpoint::Failpoint;
use common::{Ledger, Lifecycle, Origin, Removal, RunState, Segment, Snapshot};

use crate::advice::advice;
use crate::args::{OutputArgs, ResumeArgs, RunArgs};
use crate::command;
use crate::error::{Error, Result};
use crate::figures::counted;
use crate::launch::{self, Launcher};
use crate::limits::Limits;
use crate::narration::Narrator;
use crate::output::Output;
use crate::owned_segment::OwnedSegment;
use crate::plan;
use crate::progress::ProgressDisplay;
use crate::report;
use crate::signals::Signals;
use crate::supervisor::Supervisor;
use crate::timeline::Timeline;

/// Creates a segment, launches workers, waits, reports, removes the segment; returns the exit code.
pub fn run(args: &RunArgs) -> Result<u8> {
    let narrator = Narrator::new(&args.output);
    let mut terms = plan::run_terms(args)?;
    let worker = launch::find(args.terms.worker.as_deref())?;
    terms.worker.clone_from(&worker);
    let name = plan::name(args.name.as_ref());
    let signals = Signals::listen()?;
    let timeline = Timeline::prepare(&args.output.timeline)?;
    // If the folder cannot be read, the creation below reports it.
    let _ = common::remove_creation_debris();
    name_leftovers(&narrator);
    let segment = Segment::create(&name, &terms).map_err(Error::creating)?;
    narrator.count_from_creation(&segment);
    let (id, workers) = (std::process::id(), counted(terms.workers.into(), "worker"));
    narrator.step(format_args!("created segment {name} for {workers}; kill -USR1 {id} shows its status"));
    let limits = Limits::of(&terms);
    supervise(OwnedSegment::new(segment, args.keep), (worker, limits), signals, timeline, &args.output, &narrator)
}

/// Takes over a run whose coordinator died, finishes it, reports, removes the segment; returns the exit code.
pub fn resume(args: &ResumeArgs) -> Result<u8> {
    let narrator = Narrator::new(&args.output);
    let signals = Signals::listen()?;
    let timeline = Timeline::prepare(&args.output.timeline)?;
    let segment = Segment::attach(&args.name)?;
    command::must_be_a_run(&segment)?;
    let name = args.name.clone();
    if segment.terms().origin == Origin::ByHand {
        return Err(Error::NotARun { name });
    }
    let worker = launch::find(args.worker.as_deref().or(Some(&segment.terms().worker)))?;
    let limits = Limits::resumed(segment.terms(), args)?;
    if !segment.become_coordinator()? {
        let pid = Snapshot::of(&segment)?.coordinator;
        return Err(Error::Coordinated { name, pid });
    }
    // Checked only now that no other coordinator can finish the run. A kept run that was reported may still be incomplete.
    let is_reported = segment.lifecycle() == Lifecycle::Reported && Snapshot::of(&segment)?.is_complete();
    if is_reported || !segment.is_linked() {
        return Err(Error::NothingLeft { name, why: "its result was reported already" });
    }
    segment.open_as_coordinator();
    narrator.count_from_creation(&segment);
    let (id, done) = (std::process::id(), counted(Ledger::of(&segment).done().into(), "contribution"));
    narrator.step(format_args!("took over segment {name} with {done} applied; kill -USR1 {id} shows its status"));
    supervise(OwnedSegment::new(segment, args.keep), (worker, limits), signals, timeline, &args.output, &narrator)
}

/// Supervises the run to its end, reports it and removes the segment.
fn supervise(
    owned: OwnedSegment,
    (worker, limits): (PathBuf, Limits),
    mut signals: Signals,
    mut timeline: Timeline,
    args: &OutputArgs,
    narrator: &Narrator,
) -> Result<u8> {
    let segment = owned.segment();
    let mut output = Output::new(args);
    timeline.begin(segment)?;
    if segment.terms().workers > 1 {
        // Otherwise, with workers on every CPU, each launch but the first would wait for a time slice.
        common::ask_for_short_slices();
    }
    let launcher = Launcher::new(segment, worker, limits, narrator.is_verbose(), timeline.workers_path());
    let progress = ProgressDisplay::new(segment, narrator, args);
    let supervisor = Supervisor::new(segment, launcher, &mut signals, &mut output, &mut timeline, narrator, progress);
    let outcome = supervisor.run()?;
    Failpoint::Supervised.reach();
    let code = report::report(segment, &outcome, &mut output, narrator)?;
    let code = report::drain(&mut output, &mut signals, outcome.report_until(), code);
    let code = timeline.write(segment, &outcome, narrator, code)?;
    segment.mark_reported();
    let name = segment.name().clone();
    let removal = owned.remove()?;
    if let (None, true, Some(advice)) = (removal, code != exit_code::COMPLETE, advice(&name, &outcome)) {
        narrator.hint(&advice);
    }
    narrator.step(match removal {
        None => format!("kept segment {name}"),
        Some(Removal::Removed) => format!("removed segment {name}"),
        Some(Removal::NotOurs) => format!("segment {name} was removed by someone else"),
    });
    Ok(code)
}

/// Names the runs that dead coordinators left behind, and the commands that deal with them.
fn name_leftovers(narrator: &Narrator) {
    let stale = common::list().unwrap_or_default().into_iter().filter(|existing| existing.state == RunState::Stale);
    for existing in stale {
        let (name, done, total) = (&existing.name, existing.done, existing.total());
        narrator.note(format_args!(
            "segment \"{name}\" was left behind by a run whose coordinator died, with {done} of {total} contributions \
             applied; finish it: coordinator resume {name}; or remove it: coordinator remove {name}"
        ));
    }
}
