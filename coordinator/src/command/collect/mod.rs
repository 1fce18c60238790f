//! `coordinator collect`: adds up the exact results of a job's parts.
//!
//! Invariant: a total is printed only if valid results tile the job's range, and no other result disagrees with one of them.

mod capped;
mod collection;
mod error;
mod json;
mod missing;
mod name;
mod notes;
mod sum;
mod tiling;
mod verification;

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use common::Overflow;
use common::cli::exit_code;
use rustix::fs::{Access, access};

use error::CollectError;

use self::collection::Collection;
use self::missing::Missing;
use self::sum::{Misfit, Total};
use self::tiling::Tiling;
use self::verification::Verification;
use crate::args::{CollectArgs, Format};
use crate::error::Result;
use crate::results::folder::Folder;
use crate::results::job::Job;
use crate::results::read_job;
use crate::results::shard_result::ShardResult;
use crate::signals;

/// What a folder holds of its job, and what that comes to.
struct Findings {
    collection: Collection,
    tiling: Tiling,
    missing: Missing,
    /// The sum, if all parts are there.
    total: Option<Total>,
}

/// Prints the total of the results in a folder, or what is missing; returns the exit code.
pub fn collect(args: &CollectArgs) -> Result<u8> {
    signals::exit_on_stop_signals();
    let folder = open(&args.folder)?;
    let job = job_of(&folder)?;
    let verification = args.verify.map(|count| Verification::new(count, args, &folder, &job)).transpose()?;
    let findings = Findings::of(Collection::read(&folder, &job)?, &job);
    notes::tell_what_is_not_counted(&findings, &folder);
    if args.missing {
        return print_missing(&findings, &folder);
    }
    let error = findings.error(&folder, &job);
    let (verified, failure) = match (verification, &error) {
        (Some(verification), None | Some(CollectError::Differing { .. })) => verification.verify(&findings.to_verify()),
        _ => (Vec::new(), None),
    };
    let printed = match (args.format, &findings.total, error.as_ref().or(failure.as_ref())) {
        (Format::Json, ..) => {
            super::print(&json::object(&job, &findings, &verified, error.as_ref(), failure.as_ref()))?
        }
        (Format::Text, Some(total), None) => super::print(&lines(total))?,
        _ => exit_code::COMPLETE,
    };
    let is_gap_the_error = !findings.tiling.is_complete() && error.is_none();
    let incomplete = is_gap_the_error.then(|| notes::tell_incomplete(&findings, &folder));
    if let (Some(_), Some(failure)) = (&error, &failure) {
        // It may say which of two is right.
        failure.report();
    }
    match (error.or(failure), incomplete) {
        (Some(error), _) => Err(error.into()),
        (None, Some(code)) => Ok(code),
        (None, None) => {
            notes::tell_what_the_value_is_not(&findings, &job);
            notes::tell_leftovers(&findings.collection, &folder);
            Ok(printed)
        }
    }
}

fn open(path: &Path) -> Result<Folder, CollectError> {
    let unavailable = |source| CollectError::Folder { folder: path.to_owned(), source };
    let folder = Folder::open(path).map_err(unavailable)?;
    // A folder that may be listed, but not searched.
    access(path, Access::READ_OK | Access::EXEC_OK).map_err(|error| unavailable(error.into()))?;
    Ok(folder)
}

fn job_of(folder: &Folder) -> Result<Job> {
    read_job(folder)?.ok_or_else(|| CollectError::NoJob { folder: folder.path().to_owned() }.into())
}

impl Findings {
    fn of(collection: Collection, job: &Job) -> Self {
        let parts: &[Range<u64>] = &collection.parts;
        let tiling = Tiling::of(job.terms.n, parts);
        let missing = Missing::of(job.terms.n, job.terms.shards, parts, &tiling);
        let total = tiling.is_complete().then(|| collection.sum.total());
        Self { collection, tiling, missing, total }
    }

    /// The parts that may be computed again: those whose results disagree, else all that are there.
    fn to_verify(&self) -> Cow<'_, [Range<u64>]> {
        let parts = &self.collection.parts;
        let disputed =
            self.collection.differing.kept().iter().filter_map(|one| ShardResult::range_of(&one.result.name));
        let disputed: Vec<Range<u64>> = disputed.filter(|part| parts.contains(part)).collect();
        if disputed.is_empty() { Cow::Borrowed(parts) } else { Cow::Owned(disputed) }
    }

    /// Why no total is printed, unless it is that something is missing.
    fn error(&self, folder: &Folder, job: &Job) -> Option<CollectError> {
        if let Some(differing) = self.differing(folder) {
            return Some(differing);
        }
        let misfit = self.total.as_ref().and_then(Total::misfit).filter(|_| job.terms.overflow() == Overflow::Error)?;
        let total = match misfit {
            Misfit::Number(number) => format!("{number} "),
            Misfit::Wide => String::new(),
        };
        Some(CollectError::Overflow { total, kind: job.terms.value_type.name() })
    }

    fn differing(&self, folder: &Folder) -> Option<CollectError> {
        let differing = &self.collection.differing;
        let files = Box::new(differing.kept().first()?.clone());
        Some(CollectError::Differing { folder: folder.path().to_owned(), files, more: differing.count() - 1 })
    }
}

/// Prints what is missing, for a program.
fn print_missing(findings: &Findings, folder: &Folder) -> Result<u8> {
    let printed =
        if findings.missing.is_empty() { exit_code::COMPLETE } else { super::print(&findings.missing.list())? };
    match findings.differing(folder) {
        Some(error) => Err(error.into()),
        None if findings.tiling.overlaps.is_empty() => Ok(printed),
        None => Ok(notes::tell_incomplete(findings, folder)),
    }
}

/// A fraction has no total but its value.
fn lines(total: &Total) -> String {
    let value = total.value();
    let exact = total.exact().map(|exact| format!("\nExact total: {exact}"));
    format!("Final shared value: {value}{}", exact.unwrap_or_default())
}
