//! The commands that run workers: `run` from the beginning, `resume` from where a dead coordinator stopped.

use std::time::Instant;

use common::cli::{self, exit_code};
use common::failpoint::Failpoint;
use common::{Ledger, Lifecycle, LockError, Origin, RunState, Segment, SegmentInfo, Snapshot, Stop};

use crate::advice::advice;
use crate::args::{Keep, OutputArgs, ResumeArgs, RunArgs};
use crate::caller::Caller;
use crate::command;
use crate::error::{Error, Result};
use crate::figures::counted;
use crate::keep::{Claims, RunEnd};
use crate::launch::{self, Launcher, WorkerProgram};
use crate::leftovers;
use crate::limits::Limits;
use crate::narration::Narrator;
use crate::output::Output;
use crate::owned_segment::OwnedSegment;
use crate::plan;
use crate::progress::ProgressDisplay;
use crate::report;
use crate::signals::Signals;
use crate::supervisor::{LOCK_PATIENCE, LockWait, Supervisor};
use crate::timeline::Timeline;

/// Creates a segment, launches workers, waits, reports, keeps or removes the segment; returns the exit code.
pub fn run(args: &RunArgs) -> Result<u8> {
    let caller = args.end_with.map(Caller::find);
    if let Some(None) = caller {
        // It has ended before it could learn of anything.
        return Ok(exit_code::INCOMPLETE);
    }
    let narrator = Narrator::new(&args.output);
    let mut terms = plan::run_terms(args)?;
    let worker = launch::find(args.terms.worker.as_deref())?;
    terms.worker.clone_from(&worker);
    let name = plan::name(args.name.as_ref());
    let signals = Signals::listen()?;
    let timeline = Timeline::prepare(&args.output.timeline)?;
    name_leftovers(&leftovers::clear(), &narrator);
    let segment = Segment::create(&name, &terms).map_err(Error::creating)?;
    let is_wanted = args.name.is_some() || args.terms.split;
    let owned = OwnedSegment::new(segment, Claims { keep: args.keep, is_wanted, is_resumed: false });
    narrator.count_from_creation(owned.segment());
    let (id, workers) = (std::process::id(), counted(terms.workers.into(), "worker"));
    narrator.step(format_args!("created segment {name} for {workers}; kill -USR1 {id} shows its status"));
    let worker =
        WorkerProgram { path: worker, args: args.worker_args.clone(), ends_with_coordinator: args.end_with.is_some() };
    let limits = Limits::of(&terms);
    Ok(Run { owned, worker, limits, signals, caller: caller.flatten(), timeline, narrator }.finish(&args.output))
}

/// Takes over a run whose coordinator died or left it, finishes it, reports, keeps or removes the segment; returns the exit
/// code.
pub fn resume(args: &ResumeArgs) -> Result<u8> {
    let name = args.name.clone();
    if args.keep == Keep::Never {
        let hint = format!("to remove it without finishing it: coordinator remove {name}");
        return Err(Error::usage("--keep is never: resume keeps what is not complete", hint));
    }
    let narrator = Narrator::new(&args.output);
    let mut signals = Signals::listen()?;
    let timeline = Timeline::prepare(&args.output.timeline)?;
    let segment = Segment::attach_to_resume(&name)?;
    command::must_be_a_run(&segment)?;
    if segment.terms().origin == Origin::ByHand {
        return Err(Error::NotARun { name });
    }
    let worker = launch::find(args.worker.as_deref().or(Some(&segment.terms().worker)))?;
    let limits = Limits::resumed(segment.terms(), args)?;
    if !segment.become_coordinator()? {
        let pid = Snapshot::of(&segment)?.coordinator;
        return Err(Error::Coordinated { name, pid });
    }
    // Checked only now that no other coordinator can finish the run.
    if let Some(why) = why_over(&segment)? {
        return Err(Error::NothingLeft { name, why });
    }
    let owned = OwnedSegment::new(segment, Claims { keep: args.keep, is_wanted: true, is_resumed: true });
    let segment = owned.segment();
    segment.open_as_coordinator();
    match reopen(segment, limits, &mut signals, &narrator) {
        Ok(None) => {}
        Ok(Some(code)) => return Ok(code),
        Err(error) => {
            cli::report(&error.to_string(), error.hint().as_deref());
            let is_final = error.exit_code() == exit_code::FOREIGN;
            owned.dismiss_workers();
            let _ = owned.settle(RunEnd { is_final, ..RunEnd::FAILED });
            return Ok(error.exit_code());
        }
    }
    narrator.count_from_creation(segment);
    let (id, done) = (std::process::id(), counted(Ledger::of(segment).done().into(), "contribution"));
    narrator.step(format_args!("took over segment {name} with {done} applied; kill -USR1 {id} shows its status"));
    let worker = WorkerProgram { path: worker, args: Vec::new(), ends_with_coordinator: false };
    Ok(Run { owned, worker, limits, signals, caller: None, timeline, narrator }.finish(&args.output))
}

/// Prepares what is missing of a split run for new workers. Returns an exit code if it ends before it has the lock: at a
/// signal, a timeout or a request to stop.
fn reopen(segment: &Segment, limits: Limits, signals: &mut Signals, narrator: &Narrator) -> Result<Option<u8>> {
    let (mut wait, began) = (LockWait::default(), Instant::now());
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
        if limits.timeout.is_some_and(|timeout| began.elapsed() >= timeout) {
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
fn why_over(segment: &Segment) -> Result<Option<&'static str>> {
    Ok(match segment.lifecycle() {
        _ if segment.terms().origin == Origin::Call => Some("it ended with the program that had called it"),
        Lifecycle::ToBeRemoved => Some("its run is over, and it is to be removed"),
        Lifecycle::Reported if Snapshot::of(segment)?.is_complete() => Some("its result was reported already"),
        _ if !segment.is_linked() => Some("it was removed meanwhile"),
        _ => None,
    })
}

/// A run with everything that it needs.
struct Run {
    owned: OwnedSegment,
    worker: WorkerProgram,
    limits: Limits,
    signals: Signals,
    /// The process that the run ends with.
    caller: Option<Caller>,
    timeline: Timeline,
    narrator: Narrator,
}

impl Run {
    /// Supervises the run to its end, reports it, keeps or removes the segment; returns the exit code.
    fn finish(mut self, args: &OutputArgs) -> u8 {
        let mut output = Output::new(args);
        let (code, end) = self.supervise(args, &mut output).unwrap_or_else(|error| {
            cli::report(&error.to_string(), error.hint().as_deref());
            self.owned.dismiss_workers();
            let is_final = error.exit_code() == exit_code::FOREIGN;
            (error.exit_code(), RunEnd { is_final, ..RunEnd::FAILED })
        });
        // What stdout did not take; if the segment is kept, `resume` prints it as well.
        if !self.caller.as_ref().is_some_and(Caller::has_ended) {
            common::say(&output.undelivered());
        }
        match self.owned.settle(end) {
            Ok(done) => {
                self.narrator.step(done);
                code
            }
            Err(failed) if code == exit_code::COMPLETE => failed,
            Err(_) => code,
        }
    }

    /// Supervises and reports the run.
    fn supervise(&mut self, args: &OutputArgs, output: &mut Output) -> Result<(u8, RunEnd)> {
        let (segment, narrator) = (self.owned.segment(), &self.narrator);
        self.timeline.begin(segment, narrator)?;
        if segment.terms().workers > 1 {
            // Otherwise, with workers on every CPU, each launch but the first would wait for a time slice.
            common::ask_for_short_slices();
        }
        let (worker, spans) = (self.worker.clone(), self.timeline.workers_path());
        let launcher = Launcher::new(segment, worker, self.limits, narrator.is_verbose(), spans);
        let progress = ProgressDisplay::new(segment, narrator, args);
        let (signals, caller, timeline) = (&mut self.signals, self.caller.as_ref(), &mut self.timeline);
        let supervisor = Supervisor::new(segment, launcher, signals, output, timeline, narrator, progress);
        let outcome = supervisor.end_with(caller).run()?;
        Failpoint::Supervised.reach();
        if caller.is_some_and(Caller::has_ended) {
            // Nobody reads a report. If the segment is kept, `resume` makes it.
            return Ok((timeline.write(segment, &outcome, narrator, exit_code::INCOMPLETE), RunEnd::FAILED));
        }
        let code = report::report(segment, &outcome, output, narrator)?;
        let is_complete = code == exit_code::COMPLETE;
        let code = report::drain(output, signals, caller, outcome.report_until(), code);
        if let Some(delivered) = outcome.printed.delivered(output, segment.terms().mode) {
            Ledger::of(segment).set_reported(delivered);
        }
        let code = timeline.write(segment, &outcome, narrator, code);
        let is_final = !outcome.is_interrupted() && outcome.has_overflow;
        let end = RunEnd { is_complete, is_delivered: output.is_delivered(), is_final };
        if let Some(advice) =
            advice(segment.name(), &outcome).filter(|_| !is_complete && self.owned.can_be_resumed(end))
        {
            narrator.hint(&advice);
        }
        Ok((code, end))
    }
}

/// Names the runs that dead coordinators left behind, and the commands that deal with them.
fn name_leftovers(left: &[SegmentInfo], narrator: &Narrator) {
    for existing in left {
        let (name, done, total) = (&existing.name, existing.done, existing.total());
        let (whose, resume) = match (existing.state, existing.terms.origin) {
            (RunState::Foreign { .. }, Origin::ByHand) => {
                ("in another PID namespace (container), whose workers are gone", String::new())
            }
            (RunState::Foreign { .. }, Origin::Run | Origin::Call) => (
                "by a run of another PID namespace (container), whose processes are gone",
                format!("finish it: coordinator resume {name}; or "),
            ),
            _ => ("by a run whose coordinator died", format!("finish it: coordinator resume {name}; or ")),
        };
        narrator.note(format_args!(
            "segment \"{name}\" was left behind {whose}, with {done} of {total} contributions applied; {resume}remove it: \
             coordinator remove {name}"
        ));
    }
}
