//! `--format json`: one object, complete or not.

use common::cli::exit_code::{COMPLETE, DISAGREE, INCOMPLETE, OVERFLOW};
use harness::test_env;
use serde_json::{Value, json};

use super::{Folder, ID, assert_line, result, squares};

#[test]
fn a_complete_job_is_one_object_with_the_types_of_a_runs() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({ "type": "i64", "command": "CMD", "worker": "/w" }));
    folder.put_shards(0..10);
    let mut report = folder.collect(&["--format", "json"]).expect(COMPLETE).json();
    let (total, elapsed) = (squares(0..100), report["elapsed_s"].take());
    assert_eq!(elapsed.as_f64(), Some(15.0));
    let expected = json!({
        "schema": 2, "job": ID, "version": "0.1.0", "kernel": "sum-of-squares", "iterations": "100", "type": "i64",
        "cells": 1, "seed": "7", "command": "CMD", "worker": "/w", "shards": "10", "value": total, "exact_total": total,
        "wrapped": false, "complete": true, "results": 10, "missing": [], "overlaps": [], "damaged": [], "differs": [],
        "foreign": [], "verified": [], "refuted": [], "restarts": 10, "elapsed_s": null,
    });
    assert_eq!(report, expected);
}

#[test]
fn values_have_the_types_of_a_runs() {
    let env = test_env!();
    for (kind, cells, totals, value, exact, wrapped) in [
        ("i32", 1, [json!("2147483647"), json!("1")], json!(-2_147_483_648_i64), json!("2147483648"), true),
        ("u64", 2, [json!(["1", "2"]), json!(["0", "-2"])], json!(["1", "0"]), json!(["1", "0"]), false),
        ("f64", 1, [json!("0.5"), json!("0.25")], json!(0.75), Value::Null, false),
        ("f64", 1, [json!("inf"), json!("0.25")], json!("inf"), Value::Null, true),
    ] {
        let folder = Folder::new(&env, &json!({ "shards": "2", "type": kind, "cells": cells }));
        let [one, other] = totals;
        folder.put(0..50, one);
        folder.put(50..100, other);
        let report = folder.collect(&["--format", "json"]).expect(COMPLETE).json();
        assert_eq!((&report["value"], &report["exact_total"]), (&value, &exact), "{report}");
        assert_eq!(report["wrapped"], wrapped, "{report}");
        std::fs::remove_dir_all(&folder.path).expect("it can be removed");
    }
}

#[test]
fn an_incomplete_job_is_an_object_too_with_everything_that_is_wrong() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards([0, 1, 2, 4, 5, 6]);
    folder.put(5..6, "1");
    folder.write("70-80.json", "{");
    folder.write("notes", "");
    let finished = folder.collect(&["--format", "json"]).expect(INCOMPLETE);
    let report = finished.json();
    assert_eq!(
        (&report["value"], &report["exact_total"], &report["complete"]),
        (&json!(null), &json!(null), &json!(false))
    );
    assert_eq!(
        report["missing"],
        json!([
            { "start": "30", "end": "40", "first": "3", "last": "3" },
            { "start": "70", "end": "100", "first": "7", "last": "9" },
        ])
    );
    assert_eq!(report["overlaps"], json!([["0-10.json", "5-6.json"]]));
    assert_eq!(report["damaged"][0]["file"], "70-80.json");
    assert!(report["damaged"][0]["why"].as_str().is_some_and(|why| why.starts_with("is not a result")), "{report}");
    assert_eq!((&report["foreign"], &report["results"]), (&json!(["notes"]), &json!(7)));
    assert_line(&finished, "error", 1, &["6 of 10 shards"]);
}

#[test]
fn what_is_missing_of_a_job_of_ranges_has_no_shards() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({ "shards": null }));
    folder.put(10..100, "1");
    let report = folder.collect(&["--format", "json"]).expect(INCOMPLETE).json();
    assert_eq!(report["missing"], json!([{ "start": "0", "end": "10", "first": null, "last": null }]));
    assert_eq!(report["shards"], Value::Null);
}

#[test]
fn results_that_differ_and_a_total_that_does_not_fit_are_in_the_object() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({ "shards": "2", "overflow": "error" }));
    folder.put(0..50, "2147483647");
    folder.put(50..100, "1");
    let finished = folder.collect(&["--format", "json"]).expect(OVERFLOW);
    let report = finished.json();
    assert_eq!((&report["value"], &report["exact_total"]), (&json!(null), &json!("2147483648")));
    assert_line(&finished, "error", 1, &["does not fit into i32"]);
    folder.write("0-50.differs-n-1.json", &result(&(0..50), "7").to_string());
    let report = folder.collect(&["--format", "json"]).expect(DISAGREE).json();
    assert_eq!(report["differs"], json!([{ "file": "0-50.json", "other": "0-50.differs-n-1.json" }]));
    let known = ["value", "exact_total", "complete"].map(|key| &report[key]);
    assert_eq!(known, [&json!(null), &json!(null), &json!(false)]);
}

#[test]
fn a_thousand_foreign_names_are_listed() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..10);
    for number in 0..1010 {
        folder.write(&format!("a{number}"), "");
    }
    let finished = folder.collect(&["--format", "json"]).expect(COMPLETE);
    assert_eq!(finished.json()["foreign"].as_array().map(Vec::len), Some(1000));
    assert_line(&finished, "note", 1, &["1010 files", "and 1000 more"]);
}
