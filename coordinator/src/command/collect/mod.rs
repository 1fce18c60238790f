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

use std::ops::Range;
use std::path::Path;

use common::Overflow;
use common::cli::exit_code;
use rustix::fs::{Access, access};

use error::CollectError;

use self::collection::Collection;
use self::missing::Missing;
use self::sum::Total;
use self::tiling::Tiling;
use self::verification::Verification;
use crate::args::{CollectArgs, Format};
use crate::error::Result;
use crate::results::any_result;
use crate::results::folder::{Entry, Folder};
use crate::results::job::{self, Job};
use crate::signals;

/// What a folder holds of its job, and what that comes to.
struct Findings {
    collection: Collection,
    tiling: Tiling,
    missing: Missing,
    /// The sum, if all parts are there and it has 128 bits at most.
    total: Option<Total>,
}

/// Prints the total of the results in a folder, or what is missing; returns the exit code.
pub fn collect(args: &CollectArgs) -> Result<u8> {
    signals::exit_on_stop_signals();
    let folder = open(&args.folder)?;
    let job = read_job(&folder)?;
    let verification = args.verify.map(|count| Verification::new(count, args, &folder, &job)).transpose()?;
    let findings = Findings::of(Collection::read(&folder, &job)?, &job);
    notes::tell_what_is_not_counted(&findings, &folder);
    if args.missing {
        return print_missing(&findings, &folder);
    }
    let mut error = findings.error(&folder, &job);
    let mut verified = Vec::new();
    if let (Some(verification), None, true) = (verification, &error, findings.tiling.is_complete()) {
        (verified, error) = verification.verify(&findings.collection.parts);
    }
    let printed = match (args.format, &findings.total, &error) {
        (Format::Json, ..) => super::print(&json::object(&job, &findings, &verified))?,
        (Format::Text, Some(total), None) => super::print(&lines(total))?,
        _ => exit_code::COMPLETE,
    };
    match error {
        Some(error) => Err(error.into()),
        None if !findings.tiling.is_complete() => Ok(notes::tell_incomplete(&findings, &folder)),
        None => {
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

fn read_job(folder: &Folder) -> Result<Job, CollectError> {
    let file = folder.path_of(job::NAME);
    let damaged = |why| CollectError::Job { file: file.clone(), why };
    match folder.read(job::NAME, job::MOST_BYTES) {
        Ok(Entry::File(text)) => Job::parse(&text).map_err(damaged),
        Ok(Entry::Unfit(why) | Entry::Others(why)) => Err(damaged(why)),
        Ok(Entry::Absent) => {
            let has_results = any_result(folder).is_ok_and(|result| result.is_some());
            Err(CollectError::NoJob { folder: folder.path().to_owned(), has_results })
        }
        Err(source) => Err(CollectError::System { what: file, source }),
    }
}

impl Findings {
    fn of(collection: Collection, job: &Job) -> Self {
        let parts: &[Range<u64>] = &collection.parts;
        let tiling = Tiling::of(job.terms.n, parts);
        let missing = Missing::of(job.terms.n, job.terms.shards, parts, &tiling);
        let total = if tiling.is_complete() { collection.sum.total() } else { None };
        Self { collection, tiling, missing, total }
    }

    /// Why no total is printed, unless it is that something is missing.
    fn error(&self, folder: &Folder, job: &Job) -> Option<CollectError> {
        let overflow = |total, kind| CollectError::Overflow { total, kind };
        if let Some(differing) = self.differing(folder) {
            return Some(differing);
        }
        match &self.total {
            None if self.tiling.is_complete() => Some(overflow(String::new(), "128 bits")),
            Some(total) if self.has_overflow(job) => {
                total.misfit().map(|number| overflow(format!("{number} "), job.terms.value_type.name()))
            }
            _ => None,
        }
    }

    /// Whether the total does not fit, and the job refuses that.
    fn has_overflow(&self, job: &Job) -> bool {
        let refuses = job.terms.overflow() == Overflow::Error;
        self.total.as_ref().is_some_and(|total| refuses && total.misfit().is_some())
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
