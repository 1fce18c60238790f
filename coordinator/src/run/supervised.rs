//! A run under supervision, from its first launch to its end.

use std::time::Instant;

use common::cli::exit_code;
use common::failpoint::Failpoint;
use common::{Ledger, Segment};

use super::folder_copy;
use super::remedy::remedy;
use crate::args::OutputArgs;
use crate::caller::Caller;
use crate::error::Result;
use crate::figures::counted;
use crate::keep::{Claims, Resumption, RunEnd};
use crate::launch::{Launcher, WorkerProgram};
use crate::limits::Limits;
use crate::narration::Narrator;
use crate::output::Output;
use crate::owned_segment::OwnedSegment;
use crate::progress::ProgressDisplay;
use crate::report;
use crate::results::Results;
use crate::signals::Signals;
use crate::supervisor::Supervisor;
use crate::timeline::Timeline;

/// What a run needs besides its segment.
pub struct Equipment {
    pub worker: WorkerProgram,
    pub signals: Signals,
    /// The process that the run ends with.
    pub caller: Option<Caller>,
    pub timeline: Timeline,
    pub narrator: Narrator,
    /// Where its result goes, besides stdout.
    pub results: Option<Results>,
}

/// A run with everything that it needs.
pub struct Run {
    pub owned: OwnedSegment,
    pub limits: Limits,
    pub equipment: Equipment,
}

impl Run {
    /// The run of a new segment.
    pub fn begin(segment: Segment, claims: Claims, equipment: Equipment, deadline: Option<Instant>) -> Self {
        let owned = OwnedSegment::new(segment, claims);
        let (segment, narrator) = (owned.segment(), &equipment.narrator);
        narrator.count_from_creation(segment);
        let (id, name, terms) = (std::process::id(), segment.name(), segment.terms());
        let workers = counted(terms.workers.into(), "worker");
        narrator.step(format_args!("created segment {name} for {workers}; kill -USR1 {id} shows its status"));
        let limits = Limits::of(terms, deadline);
        Self { owned, limits, equipment }
    }

    /// Supervises the run to its end, reports it, keeps or removes the segment; returns the exit code.
    pub fn finish(mut self, args: &OutputArgs) -> u8 {
        let mut output = Output::new(args);
        let (code, end) = self.supervise(args, &mut output).unwrap_or_else(|error| self.owned.fail(&error));
        // What stdout did not take; if the segment is kept, `resume` prints it as well.
        if !self.equipment.caller.as_ref().is_some_and(Caller::has_ended) {
            common::say(&output.undelivered());
        }
        match self.owned.settle(end) {
            Ok(done) => {
                self.equipment.narrator.step(done);
                code
            }
            Err(failed) if code == exit_code::COMPLETE => failed,
            Err(_) => code,
        }
    }

    /// Supervises and reports the run.
    fn supervise(&mut self, args: &OutputArgs, output: &mut Output) -> Result<(u8, RunEnd)> {
        let segment = self.owned.segment();
        let Equipment { worker, signals, caller, timeline, narrator, results } = &mut self.equipment;
        let (caller, narrator) = (caller.as_ref(), &*narrator);
        timeline.begin(segment, narrator)?;
        if segment.terms().workers > 1 {
            // Otherwise, with workers on every CPU, each launch but the first would wait for a time slice.
            common::ask_for_short_slices();
        }
        let launcher =
            Launcher::new(segment, worker.clone(), self.limits, narrator.is_verbose(), timeline.workers_path());
        let progress = ProgressDisplay::new(segment, narrator, args);
        let supervisor = Supervisor::new(segment, launcher, signals, output, timeline, narrator, progress);
        let outcome = supervisor.end_with(caller).run()?;
        Failpoint::Supervised.reach();
        let leaving = match results {
            Some(results) => folder_copy::leave(results, segment, &outcome, narrator)?,
            None => None,
        };
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
        // With its result in the folder, nobody needs the segment any more.
        let is_delivered = leaving.map_or(output.is_delivered(), |leaving| leaving.is_left);
        let resumption = match leaving {
            _ if outcome.has_overflow && !outcome.is_interrupted() => Resumption::InVain,
            Some(leaving) => leaving.resumption,
            None => Resumption::Useful,
        };
        let end = RunEnd { is_complete, is_delivered, resumption };
        let code = leaving.map(|leaving| leaving.code).filter(|code| *code != exit_code::COMPLETE).unwrap_or(code);
        if let Some(remedy) = remedy(segment, &outcome).filter(|_| !is_complete && self.owned.can_be_resumed(end)) {
            narrator.hint(&remedy);
        }
        Ok((code, end))
    }
}
