//! The JSON of `collect`: one object, with the types of keys that the JSON of a run has.

use std::ops::{Range, RangeInclusive};

use serde::Serialize;
use serde_json::Value as Json;

use super::sum::Total;
use super::{CollectError, Findings};
use crate::report::json::{SCHEMA, cells, text, value};
use crate::results::job::Job;
use crate::results::shard_result::ShardResult;

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    job: &'a str,
    version: &'a str,
    kernel: &'a str,
    iterations: String,
    r#type: &'static str,
    cells: u32,
    seed: String,
    command: Option<&'a str>,
    worker: Option<&'a str>,
    shards: Option<String>,
    value: Json,
    exact_total: Json,
    wrapped: bool,
    complete: bool,
    results: usize,
    missing: Vec<Entry>,
    overlaps: Vec<[String; 2]>,
    damaged: Vec<Damaged<'a>>,
    differs: Vec<Differs<'a>>,
    foreign: &'a [String],
    verified: Vec<Part>,
    refuted: Vec<Refuted<'a>>,
    restarts: u64,
    elapsed_s: f64,
}

/// What is missing: neighbouring iterations, and the shards in them.
#[derive(Serialize)]
struct Entry {
    start: String,
    end: String,
    first: Option<String>,
    last: Option<String>,
}

#[derive(Serialize)]
struct Part {
    start: String,
    end: String,
}

#[derive(Serialize)]
struct Damaged<'a> {
    file: &'a str,
    why: &'a str,
}

#[derive(Serialize)]
struct Differs<'a> {
    file: &'a str,
    other: &'a str,
}

/// A part whose total is another one when it is computed again.
#[derive(Serialize)]
struct Refuted<'a> {
    start: String,
    end: String,
    found: &'a str,
    computed: &'a str,
}

/// The object. With an error in what is there, or a failure to verify it, there is no value.
pub fn object(
    job: &Job,
    findings: &Findings,
    verified: &[Range<u64>],
    error: Option<&CollectError>,
    failure: Option<&CollectError>,
) -> String {
    let (terms, collection) = (&job.terms, &findings.collection);
    let total = findings.total.as_ref();
    let refuted = failure.and_then(refuted);
    let is_refuted = collection.differing.count() > 0 || refuted.is_some();
    let is_known = matches!(error, None | Some(CollectError::Overflow { .. })) && failure.is_none();
    let report = Report {
        schema: SCHEMA,
        job: &job.id,
        version: &job.version,
        kernel: &terms.kernel,
        iterations: terms.n.to_string(),
        r#type: terms.value_type.name(),
        cells: terms.cells,
        seed: terms.seed.to_string(),
        command: terms.command.as_deref(),
        worker: terms.worker.as_deref(),
        shards: terms.shards.map(|shards| shards.to_string()),
        value: total
            .filter(|_| error.is_none() && failure.is_none())
            .map_or(Json::Null, |total| cells(total.value(), value)),
        exact_total: total.filter(|_| is_known).and_then(Total::exact).map_or(Json::Null, |exact| cells(&exact, text)),
        wrapped: total.is_some_and(|total| total.misfit().is_some()),
        complete: findings.tiling.is_complete() && !is_refuted,
        results: collection.parts.len(),
        missing: findings.missing.entries().into_iter().map(entry).collect(),
        overlaps: findings.tiling.overlaps.iter().map(|pair| pair.each_ref().map(ShardResult::name)).collect(),
        damaged: collection.damaged.kept().iter().map(|one| Damaged { file: &one.file, why: &one.why }).collect(),
        differs: collection
            .differing
            .kept()
            .iter()
            .map(|one| Differs { file: &one.result.name, other: &one.other.name })
            .collect(),
        foreign: collection.foreign.kept(),
        verified: verified
            .iter()
            .map(|part| Part { start: part.start.to_string(), end: part.end.to_string() })
            .collect(),
        refuted: refuted.into_iter().collect(),
        restarts: collection.restarts,
        elapsed_s: collection.elapsed_s,
    };
    serde_json::to_string(&report).expect("the report has only string keys and finite numbers")
}

fn refuted(error: &CollectError) -> Option<Refuted<'_>> {
    let CollectError::Wrong { part, found, computed, .. } = error else { return None };
    Some(Refuted { start: part.start.to_string(), end: part.end.to_string(), found, computed })
}

fn entry((iterations, shards): (Range<u64>, Option<RangeInclusive<u64>>)) -> Entry {
    Entry {
        start: iterations.start.to_string(),
        end: iterations.end.to_string(),
        first: shards.as_ref().map(|shards| shards.start().to_string()),
        last: shards.as_ref().map(|shards| shards.end().to_string()),
    }
}
