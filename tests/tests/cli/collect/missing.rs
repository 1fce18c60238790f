//! `--missing`: a list for another program.

use common::Shard;
use common::cli::exit_code::{COMPLETE, DISAGREE, INCOMPLETE};
use harness::test_env;
use serde_json::json;

use super::{Folder, assert_line, result};

#[test]
fn the_missing_shards_are_listed_as_an_array_of_sbatch() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    assert_eq!(folder.collect(&["--missing"]).expect(COMPLETE).stdout, "0-9\n");
    folder.put_shards([0, 1, 2, 4, 5, 6]);
    let finished = folder.collect(&["--missing"]).expect(COMPLETE);
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("3,7-9\n", ""));
    folder.put_shards([3, 7, 8, 9]);
    let finished = folder.collect(&["--missing"]).expect(COMPLETE);
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("", ""));
}

#[test]
fn the_missing_ranges_are_listed_one_a_line() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({ "shards": null }));
    folder.put(3..10, "1");
    folder.put(50..99, "1");
    assert_eq!(folder.collect(&["--missing"]).expect(COMPLETE).stdout, "0..3\n10..50\n99..100\n");
}

#[test]
fn the_missing_shards_of_2_to_the_40_are_listed_at_once() {
    let env = test_env!();
    let (n, of) = (u64::MAX, 1 << 40);
    let folder = Folder::new(&env, &json!({ "n": n.to_string(), "shards": of.to_string() }));
    for index in [0, 7] {
        folder.put(Shard::new(index, of).expect("it is one").range(n), "1");
    }
    assert_eq!(folder.collect(&["--missing"]).expect(COMPLETE).stdout, "1-6,8-1099511627775\n");
    let finished = folder.collect(&[]).expect(INCOMPLETE);
    assert_line(&finished, "error", 1, &["2 of 1099511627776 shards"]);
}

#[test]
fn a_damaged_result_is_listed_and_named() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..10);
    folder.write("40-50.json", "{");
    let finished = folder.collect(&["--missing"]).expect(COMPLETE);
    assert_eq!(finished.stdout, "4\n");
    assert_line(&finished, "damaged", 1, &["40-50.json is not a result"]);
}

#[test]
fn with_results_that_differ_or_overlap_the_list_is_printed_and_the_exit_code_tells() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..9);
    folder.put(5..6, "1");
    let finished = folder.collect(&["--missing"]).expect(INCOMPLETE);
    assert_eq!(finished.stdout, "9\n");
    assert_line(&finished, "overlap", 1, &["0-10.json and 5-6.json"]);
    folder.write("0-10.differs-node-2-99.json", &result(&(0..10), "5").to_string());
    let finished = folder.collect(&["--missing"]).expect(DISAGREE);
    assert_eq!(finished.stdout, "9\n");
    assert_line(&finished, "error", 1, &["0-10.json has 285, and 0-10.differs-node-2-99.json has 5"]);
}
