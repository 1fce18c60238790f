//! The result of a complete run in the folder that it was asked for.

use std::io;
use std::time::SystemTime;

use common::cli::{self, exit_code};
use common::{Segment, Snapshot, rfc3339};

use crate::error::{Result, after_file_error, quoted};
use crate::keep::Resumption;
use crate::narration::Narrator;
use crate::outcome::Outcome;
use crate::report;
use crate::results::shard_result::{Circumstances, ShardResult};
use crate::results::{Left, Results};

/// What became of the result.
#[derive(Clone, Copy, Debug)]
pub struct Leaving {
    /// Whether the folder has it.
    pub is_left: bool,
    /// The exit code for that.
    pub code: u8,
    /// What would come of resuming the run.
    pub resumption: Resumption,
}

/// Leaves the result of the segment's run in the folder, and reports what is in the way; nothing if the run is not complete.
pub fn leave(results: &Results, segment: &Segment, outcome: &Outcome, narrator: &Narrator) -> Result<Option<Leaving>> {
    let snapshot = report::checked_snapshot(segment)?;
    if !snapshot.is_complete() {
        return Ok(None);
    }
    let path = results.path();
    let failed = |why: &str, hint: &str| {
        cli::report(&format!("cannot leave the result in {path}: {why}"), Some(hint));
        Leaving { is_left: false, code: exit_code::INCOMPLETE, resumption: Resumption::Useful }
    };
    let Some(result) = ShardResult::of(results.job(), &snapshot, circumstances(results, &snapshot, outcome)) else {
        let leaving = failed("it has more than 128 bits", "divide the range into more shards, in another folder");
        return Ok(Some(Leaving { code: exit_code::OVERFLOW, resumption: Resumption::InVain, ..leaving }));
    };
    Ok(Some(match results.leave(&result) {
        Ok(Left::Alone) => {
            narrator.step(format_args!("left the result in {path}"));
            Leaving { is_left: true, code: exit_code::COMPLETE, resumption: Resumption::Useful }
        }
        Ok(Left::Equal(other)) => {
            narrator.note(format_args!("{} has left the same result in {path} meanwhile", other.host));
            Leaving { is_left: true, code: exit_code::COMPLETE, resumption: Resumption::Useful }
        }
        Ok(Left::Differs(other, beside)) => {
            let [here, there] = [&result, &other].map(|result| result.total(results.job()));
            let what =
                format!("results disagree: {path} has {there}, by {}, and this run has {here}: {beside}", other.host);
            cli::report(
                &what,
                Some("the kernel must depend on its range alone; find out which is right, and remove the other file"),
            );
            Leaving { is_left: true, code: exit_code::DISAGREE, resumption: Resumption::Useful }
        }
        Ok(Left::OtherJob(why)) => {
            let hint = format!("mkdir NEW-DIR; coordinator resume {} --results NEW-DIR", segment.name());
            Leaving { resumption: Resumption::Elsewhere, ..failed(&why, &hint) }
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::StaleNetworkFileHandle) => {
            let (name, folder) = (segment.name(), quoted(results.folder()));
            let hint = format!("mkdir -p {folder}; coordinator resume {name} --results {folder}");
            Leaving { resumption: Resumption::Elsewhere, ..failed(&error.to_string(), &hint) }
        }
        Err(error) => {
            let cause = after_file_error(results.folder(), &error).unwrap_or_else(|| "make it writable".to_owned());
            failed(&error.to_string(), &format!("{cause}; then run the same command again: nothing is computed twice"))
        }
    }))
}

fn circumstances(results: &Results, snapshot: &Snapshot, outcome: &Outcome) -> Circumstances {
    let finished = SystemTime::now();
    let started = finished.checked_sub(snapshot.elapsed).unwrap_or(finished);
    Circumstances {
        host: results.host().to_owned(),
        restarts: outcome.workers.restarts(snapshot),
        times: [started, finished].map(rfc3339),
    }
}
