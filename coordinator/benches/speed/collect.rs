//! `collect` of many shards.

use std::fs;

use serde_json::json;

use crate::bench::Bench;
use crate::measurement::Comparison::{NotCompared, ThisOverReference};
use crate::measurement::Target::AtMost;
use crate::measurement::{Group, GroupResult, Sample, Unit};
use crate::subprocess::time_coordinator;

/// The id of the job.
const ID: &str = "0123456789abcdef0123456789abcdef";

pub fn measure(bench: &Bench, results: &mut Vec<GroupResult>) {
    let (few, many) = (10_000, if bench.options.quick { 20_000 } else { 100_000 });
    let row = |shards: u32| format!("of {shards} shards");
    let group = Group::new("collect, a shard", Unit::Seconds, bench.options.rounds(3, 2))
        .add(&row(few), NotCompared, || collect(bench, few))
        .add(&row(many), ThisOverReference(AtMost(1.2)), || collect(bench, many));
    results.extend(group.run("collect", bench.options));
}

/// Seconds for each shard of a folder in which all shards have left their results.
fn collect(bench: &Bench, shards: u32) -> Sample {
    let folder = bench.build_dir.path(&format!("{shards} shards"));
    if !folder.exists() {
        fs::create_dir(&folder)?;
        let job = json!({
            "schema": 1, "version": "0.1.0", "id": ID, "kernel": "sum-of-squares", "n": shards.to_string(), "type": "i64",
            "cells": 1, "seed": "7", "command": null, "worker": null, "overflow": "wrap", "shards": shards.to_string(),
        });
        fs::write(folder.join("job.json"), job.to_string())?;
        for start in 0..shards {
            let (start, end) = (start.to_string(), (start + 1).to_string());
            let result = json!({
                "schema": 1, "job": ID, "start": start, "end": end, "total": "1", "host": "node-1", "pid": 4711,
                "started": "2026-11-26T12:00:00Z", "finished": "2026-11-26T12:00:01Z", "elapsed_s": 1.0,
                "restarts": 0, "recoveries": 0,
            });
            fs::write(folder.join(format!("{start}-{end}.json")), result.to_string())?;
        }
    }
    let link = bench.build_dir.path("shards");
    let _ = fs::remove_file(&link);
    std::os::unix::fs::symlink(&folder, &link)?;
    let took = time_coordinator(&format!("collect {}", link.display()), &format!("Exact total: {shards}"))?;
    Ok(took / f64::from(shards))
}
