//! The commands that run workers: `run` from the beginning, `resume` from where a dead coordinator stopped.

mod exec_log;
mod folder_copy;
mod remedy;
mod shard_start;
mod supervised;
mod take_over;

use std::path::Path;

use common::cli::exit_code;
use common::{Origin, Segment, Snapshot};

use crate::advice;
use crate::args::{Keep, ResumeArgs, RunArgs};
use crate::caller::Caller;
use crate::command;
use crate::error::{Error, Result};
use crate::keep::Claims;
use crate::launch::{self, WorkerProgram};
use crate::leftovers;
use crate::limits::{self, Limits};
use crate::narration::Narrator;
use crate::plan;
use crate::report::stored;
use crate::results::Results;
use crate::signals::Signals;
use crate::timeline::Timeline;
use shard_start::{Found, ShardStart};
use supervised::{Equipment, Run};

/// Creates a segment, launches workers, waits, reports, keeps or removes the segment; returns the exit code.
///
/// With a folder for its result, it may find that result there, or the segment of an earlier start.
pub fn run(args: &RunArgs) -> Result<u8> {
    let caller = args.end_with.map(Caller::find);
    if let Some(None) = caller {
        // It has ended before it could learn of anything.
        return Ok(exit_code::INCOMPLETE);
    }
    let deadline = limits::deadline(args.timeout);
    let narrator = Narrator::new(&args.output);
    let mut terms = plan::run_terms(args)?;
    let worker = launch::find(args.terms.worker.as_deref())?;
    terms.worker.clone_from(&worker);
    let exec_log = args.exec_log.as_deref().map(exec_log::folder).transpose()?;
    let results = args.results.as_deref().map(|folder| Results::for_run(folder, &mut terms)).transpose()?;
    let signals = Signals::listen()?;
    let timeline = Timeline::prepare(&args.output.timeline)?;
    let mut left = leftovers::clear();
    // It takes up its own.
    left.retain(|left| results.as_ref().is_none_or(|results| results.segment_name() != left.name));
    leftovers::name(&left, &narrator);
    let worker = WorkerProgram {
        path: worker,
        args: args.worker_args.clone(),
        ends_with_coordinator: args.end_with.is_some(),
        exec_log,
    };
    let is_wanted = args.name.is_some() || args.terms.split;
    let claims = Claims { keep: args.keep, is_wanted, is_resumed: false };
    let mut equipment = Equipment { worker, signals, caller: caller.flatten(), timeline, narrator, results };
    let Some(results) = &equipment.results else {
        let segment = Segment::create(&plan::name(args.name.as_ref()), &terms).map_err(Error::creating)?;
        return Ok(Run::begin(segment, claims, equipment, deadline).finish(&args.output));
    };
    let (signals, caller, narrator) = (&mut equipment.signals, equipment.caller.as_ref(), &equipment.narrator);
    match (ShardStart { results, terms: &terms, signals, deadline, caller }).find()? {
        Found::New(segment) => Ok(Run::begin(segment, claims, equipment, deadline).finish(&args.output)),
        Found::Segment(segment) => {
            let limits = Limits::taken_up(segment.terms(), args, deadline)?;
            let claims = Claims { is_resumed: true, ..claims };
            Ok(take_over::take_over(segment, claims, limits, equipment, &args.output))
        }
        Found::Result(result) => {
            if !args.output.timeline.is_empty() {
                narrator.note("no timeline is drawn: there was no run");
            }
            Ok(stored::report(&result, results, &args.output, signals, caller, narrator))
        }
        Found::Ended(code) => Ok(code),
    }
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
    let signals = Signals::listen()?;
    let timeline = Timeline::prepare(&args.output.timeline)?;
    let segment = Segment::attach_to_resume(&name)?;
    command::must_be_a_run(&segment)?;
    if segment.terms().origin == Origin::ByHand {
        let worker = advice::worker_command(segment.terms());
        return Err(Error::NotARun { name, worker });
    }
    let results = results_of(&segment, args.results.as_deref())?;
    let worker = launch::find(args.worker.as_deref().or(Some(&segment.terms().worker)))?;
    let exec_log =
        args.exec_log.as_deref().map(|folder| exec_log::resumed(folder, &name, segment.terms())).transpose()?;
    if args.exec_timeout.is_some() && segment.terms().command.is_empty() {
        return Err(Error::usage(format!("segment \"{name}\" runs no command"), "omit --exec-timeout"));
    }
    let limits = Limits::resumed(segment.terms(), args)?;
    if !segment.become_coordinator()? {
        let pid = Snapshot::of(&segment)?.coordinator;
        return Err(Error::Coordinated { name, pid });
    }
    // Checked only now that no other coordinator can finish the run.
    if let Some(why) = take_over::why_over(&segment)? {
        return Err(Error::NothingLeft { name, why });
    }
    results.as_ref().map(Results::begin).transpose()?;
    let worker = WorkerProgram { path: worker, args: Vec::new(), ends_with_coordinator: false, exec_log };
    let claims = Claims { keep: args.keep, is_wanted: true, is_resumed: true };
    let equipment = Equipment { worker, signals, caller: None, timeline, narrator, results };
    Ok(take_over::take_over(segment, claims, limits, equipment, &args.output))
}

/// The place for the result of the segment's run, if it goes into a folder.
fn results_of(segment: &Segment, folder: Option<&Path>) -> Result<Option<Results>> {
    let (name, terms) = (segment.name(), segment.terms());
    match folder {
        None if terms.has_folder => Err(Error::usage(
            format!("the result of segment \"{name}\" goes into a folder"),
            format!("run its shard's command again; or {}", advice::resume(name, terms)),
        )),
        None => Ok(None),
        Some(folder) => match Results::for_segment(folder, name, terms)? {
            Some(results) => Ok(Some(results)),
            None => Err(Error::usage(
                format!("the result of segment \"{name}\" does not go into {}", folder.display()),
                "name the folder that its run was started with; or omit --results if it had none",
            )),
        },
    }
}
