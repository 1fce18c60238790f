//! What `collect` says on stderr about a folder.
//!
//! Names in a folder may be anybody's: their control characters are escaped, and ten of a kind are named.

use std::ops::Range;

use common::cli::{self, exit_code, note, one_line};
use common::{Number, say};

use super::Findings;
use super::capped::first_ten;
use super::collection::{Collection, Damaged};
use super::sum::Misfit;
use crate::error::quoted;
use crate::figures::counted;
use crate::report;
use crate::results::folder::Folder;
use crate::results::job::Job;
use crate::results::shard_result::ShardResult;

/// Names what counts for nothing: damaged results, results that overlap or differ, and what is foreign.
pub fn tell_what_is_not_counted(findings: &Findings, folder: &Folder) {
    let Collection { damaged, differing, foreign, .. } = &findings.collection;
    let overlaps = &findings.tiling.overlaps;
    lines("damaged", &first_ten(damaged.kept(), damaged.count(), |Damaged { file, why }| format!("{file} {why}")));
    lines("overlap", &first_ten(overlaps, overlaps.len(), pair));
    if differing.count() > 1 {
        // A single one is the error.
        lines("differs", &first_ten(differing.kept(), differing.count(), ToString::to_string));
    }
    if foreign.count() > 0 {
        let named = first_ten(foreign.kept(), foreign.count(), Clone::clone).join(", ");
        let files = counted(foreign.count() as u64, "file");
        note(&format!("{} has {files} of no job: {named}", folder.path().display()));
    }
}

fn pair([one, other]: &[Range<u64>; 2]) -> String {
    format!("{} and {}", ShardResult::name(one), ShardResult::name(other))
}

/// Says that a job is not complete, what is missing, and what to do next; returns the exit code.
pub fn tell_incomplete(findings: &Findings, folder: &Folder) -> u8 {
    let (missing, path) = (&findings.missing, folder.path().display());
    if missing.is_empty() {
        let overlaps = counted(findings.tiling.overlaps.len() as u64, "pair");
        let hint = "look at both of a pair, and remove the wrong one";
        cli::report(&format!("incomplete: results in {path} overlap ({overlaps})"), Some(hint));
        return exit_code::INCOMPLETE;
    }
    cli::report(&format!("incomplete: {} are in {path}", missing.progress()), None);
    let command = format!("coordinator collect {} --missing", quoted(folder.path()));
    let next = match missing {
        super::Missing::Shards { .. } => {
            format!("start them again; {command} lists them, as sbatch --array= takes them")
        }
        super::Missing::Iterations { .. } => format!("start them again; {command} lists them, one a line, for --range"),
    };
    let first =
        if findings.tiling.overlaps.is_empty() { "" } else { "of two that overlap remove the wrong one; then " };
    say(&format!("{}\nhint: {first}{}\n", missing.line(), one_line(&next)));
    exit_code::INCOMPLETE
}

/// Says it if the value is not the sum, and the exact total does not tell either.
pub fn tell_what_the_value_is_not(findings: &Findings, job: &Job) {
    let Some(total) = &findings.total else { return };
    match total.misfit() {
        Some(Misfit::Number(Number::Float(_))) => note(&report::left_its_range(job.terms.value_type, total.value())),
        Some(Misfit::Wide) => note("the value wrapped around; the exact total has more than 128 bits"),
        _ => {}
    }
}

/// Names what shards that were killed have left, once nobody needs it.
pub fn tell_leftovers(collection: &Collection, folder: &Folder) {
    if collection.temporary > 0 {
        let files = counted(collection.temporary, "temporary file");
        note(&format!("killed shards left {files}: rm {}/.*.tmp", quoted(folder.path())));
    }
}

fn lines(label: &str, texts: &[String]) {
    for text in texts {
        say(&format!("{label}: {}\n", one_line(text)));
    }
}
