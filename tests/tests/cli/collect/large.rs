//! Folders of many results.

use common::cli::exit_code::COMPLETE;
use harness::{test_env, wrapped};
use serde_json::{Value, json};

use super::{Folder, name, result};

const SHARDS: u64 = 100_000;

/// Each has so many cells that all results together would take more than the memory.
const CELLS: u32 = 32;

#[test]
fn a_hundred_thousand_results_are_collected_in_64_mib() {
    let env = test_env!();
    let terms = json!({ "n": SHARDS.to_string(), "shards": SHARDS.to_string(), "cells": CELLS });
    let folder = Folder::new(&env, &terms);
    let cells = vec!["3"; CELLS as usize];
    let template = result(&(0..1), cells).to_string();
    for start in 0..SHARDS {
        let part = start..start + 1;
        let bounds = format!("\"start\":\"{}\"", part.start);
        let text =
            template.replace("\"start\":\"0\"", &bounds).replace("\"end\":\"1\"", &format!("\"end\":\"{}\"", part.end));
        folder.write(&name(&part), &text);
    }
    // In KiB: all memory that a process may write to (RLIMIT_DATA).
    let limited = wrapped(&["sh", "-c", "ulimit -d 65536 && exec \"$0\" \"$@\""]);
    let args = ["collect", folder.path(), "--format", "json"];
    let report = env.coordinator(args).with(limited).run().expect(COMPLETE).json();
    assert_eq!(report["results"], SHARDS);
    assert_eq!(report["exact_total"], Value::from(vec![(3 * SHARDS).to_string(); CELLS as usize]));
}
