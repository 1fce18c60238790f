//! The results as JSON, with the samples of each round.

use std::path::Path;
use std::{fs, io};

use serde_json::{Map, Value, json};

use super::comparison::{Target, Verdict};
use super::machine::Machine;
use super::result::{GroupResult, Row};
use super::sample::{BenchError, Unit};

/// Replaces one bench's part of the file and keeps the parts of other benches.
pub fn write(path: &Path, title: &str, machine: &Machine, peers: &[String], results: &[GroupResult]) -> io::Result<()> {
    let existing = fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let mut file: Map<String, Value> = existing.unwrap_or_default();
    let part = json!({
        "machine": {
            "cpu": machine.cpu, "cores": machine.cores, "kernel": machine.kernel, "rustc": machine.rustc,
            "date": machine.date, "load_average": machine.load, "is_busy": machine.is_busy(),
        },
        "peers": peers,
        "groups": groups(results),
    });
    file.insert("schema".to_owned(), 1.into());
    file.insert(title.to_owned(), part);
    fs::write(path, format!("{:#}\n", Value::from(file)))
}

/// The groups with their rows.
pub fn groups(results: &[GroupResult]) -> Value {
    results.iter().map(group).collect()
}

fn group(group: &GroupResult) -> Value {
    json!({ "name": group.name, "rows": group.rows.iter().map(|row| self::row(group, row)).collect::<Vec<_>>() })
}

fn row(group: &GroupResult, row: &Row) -> Value {
    let unit = match row.unit {
        Unit::Seconds => "s",
        Unit::Bytes => "B",
        Unit::Count => "",
    };
    let (skipped, failed) = match &row.error {
        Some(BenchError::Skipped(reason)) => (Some(reason), None),
        Some(BenchError::Failed(reason)) => (None, Some(reason)),
        None => (None, None),
    };
    let summary = row.summary();
    json!({
        "name": row.name, "unit": unit, "rounds": row.samples, "skipped": skipped, "failed": failed,
        "median": summary.map(|summary| summary.median), "low": summary.map(|summary| summary.low),
        "high": summary.map(|summary| summary.high), "answer": group.verdict(row).as_ref().map(verdict),
    })
}

fn verdict(verdict: &Verdict) -> Value {
    let (at_most, at_least) = match verdict.target {
        Target::AtMost(most) => (Some(most), None),
        Target::AtLeast(least) => (None, Some(least)),
        Target::Unbounded => (None, None),
    };
    let summary = verdict.summary;
    json!({
        "ratio": verdict.ratio, "median": summary.median, "low": summary.low, "high": summary.high,
        "at_most": at_most, "at_least": at_least, "met": verdict.is_met(),
    })
}
