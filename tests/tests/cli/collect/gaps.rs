//! Jobs without a total: gaps, overlaps, and results that differ.

use common::cli::exit_code::{COMPLETE, DISAGREE};
use harness::{assert_error, test_env};
use serde_json::json;

use super::{Folder, assert_incomplete, assert_line, result, squares};

#[test]
fn a_gap_is_incomplete_and_says_which_shards_are_missing_and_how_to_list_them() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards([0, 1, 2, 4, 5, 6]);
    let finished = folder.collect(&[]);
    assert_incomplete(&finished, "6 of 10 shards are in");
    assert_line(&finished, "missing", 1, &["missing: 3, 7-9"]);
    assert_line(
        &finished,
        "hint",
        1,
        &[&format!("coordinator collect {} --missing", folder.path()), "sbatch --array="],
    );
}

#[test]
fn the_gaps_of_a_job_of_ranges_are_ranges_and_ten_are_named() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({ "shards": null }));
    for start in (0..100).step_by(4) {
        folder.put(start..start + 3, "1");
    }
    let finished = folder.collect(&[]);
    assert_incomplete(&finished, "75 of 100 iterations are in");
    assert_line(&finished, "missing", 1, &["missing: 3..4, 7..8, ", "39..40, and 15 more"]);
}

#[test]
fn an_overlap_names_both_files() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..10);
    folder.put(5..15, "1");
    let finished = folder.collect(&[]);
    assert_incomplete(&finished, "overlap (2 pairs)");
    assert_line(&finished, "overlap", 2, &["0-10.json", "5-15.json"]);
    assert_line(&finished, "missing", 0, &[]);
}

#[test]
fn an_overlap_and_a_gap_are_both_told() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..9);
    folder.put(85..88, "1");
    let finished = folder.collect(&[]);
    assert_incomplete(&finished, "9 of 10 shards are in");
    assert_line(&finished, "overlap", 1, &["80-90.json", "85-88.json"]);
    assert_line(&finished, "missing", 1, &["missing: 9"]);
}

#[test]
fn other_parts_than_the_shards_make_a_total_if_they_tile_the_range() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put(0..33, "1");
    folder.put(33..100, "2");
    assert_eq!(folder.collect(&[]).expect(COMPLETE).stdout, "Final shared value: 3\nExact total: 3\n");
    assert_eq!(folder.collect(&["--missing"]).expect(COMPLETE).stdout, "");
}

#[test]
fn a_result_that_differs_is_named_with_both_totals_and_comes_before_a_gap() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..9);
    let other = "10-20.differs-node-2-99.json";
    folder.write(other, &result(&(10..20), "5").to_string());
    let finished = folder.collect(&[]);
    assert_error(&finished, DISAGREE, &format!("10-20.json has 2185, and {other} has 5"));
    assert!(finished.stderr.contains(&format!("mv {0}/{other} {0}/10-20.json", folder.path())), "{finished:?}");
}

#[test]
fn each_of_several_results_that_differ_is_named() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({ "cells": 2 }));
    folder.put(0..10, json!(["1", "2"]));
    folder.write("0-10.differs-node-2-99.json", &result(&(0..10), json!(["1", "3"])).to_string());
    folder.write("10-20.differs-node-2-99.json", &result(&(10..20), json!(["1", "3"])).to_string());
    folder.write("20-30.differs-node-2-99.json", "{");
    let finished = folder.collect(&[]).expect(DISAGREE);
    assert_line(&finished, "differs", 3, &["0-10.json has 2 in cell 1", "0-10.differs-node-2-99.json has 3 in cell 1"]);
    assert_line(&finished, "differs", 3, &["10-20.json is missing", "10-20.differs-node-2-99.json has [1, 3]"]);
    assert_line(&finished, "differs", 3, &["20-30.json is missing", "20-30.differs-node-2-99.json is not a result"]);
    assert_line(&finished, "error", 1, &["0-10.json has 2 in cell 1", "and 2 more like it"]);
    assert_line(&finished, "hint", 1, &[]);
}

#[test]
fn another_result_that_agrees_by_now_is_none_that_differs() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..10);
    folder.write("0-10.differs-node-2-99.json", &result(&(0..10), squares(0..10)).to_string());
    let _ = folder.collect(&[]).expect(COMPLETE);
}
