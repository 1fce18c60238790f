//! `collect`: the total of a job, or why it has no total. The tests write the files themselves, as any other program could.

mod gaps;
mod hostile;
mod json;
mod large;
mod missing;
mod shards;
mod verify;

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use common::cli::exit_code::{COMPLETE, FOREIGN, INCOMPLETE, OVERFLOW, UNAVAILABLE, USAGE};
use harness::{Finished, TestEnv, assert_error, test_env};
use serde_json::{Value, json};

/// The id of all jobs here.
const ID: &str = "0123456789abcdef0123456789abcdef";

/// A folder of results.
struct Folder<'a> {
    env: &'a TestEnv,
    path: PathBuf,
}

impl<'a> Folder<'a> {
    /// A folder with a job of 100 iterations in ten shards, except for the changes.
    fn new(env: &'a TestEnv, changes: &Value) -> Self {
        let folder = Self { env, path: env.path().join("sums") };
        fs::create_dir(&folder.path).expect("it can be made");
        let mut job = json!({
            "schema": 1, "version": "0.1.0", "id": ID, "kernel": "sum-of-squares", "n": "100", "type": "i32", "cells": 1,
            "seed": "7", "command": null, "worker": null, "overflow": "wrap", "shards": "10",
        });
        for (key, value) in changes.as_object().expect("it is an object") {
            job[key] = value.clone();
        }
        folder.write("job.json", &job.to_string());
        folder
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).expect("it can be written");
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn path(&self) -> &str {
        self.path.to_str().expect("it is UTF-8")
    }

    /// Leaves the result of a part.
    fn put(&self, part: Range<u64>, total: impl Into<Value>) {
        self.write(&name(&part), &result(&part, total).to_string());
    }

    /// Leaves the results of these shards of the sum of squares.
    fn put_shards(&self, indices: impl IntoIterator<Item = u64>) {
        for index in indices {
            let part = index * 10..index * 10 + 10;
            self.put(part.clone(), squares(part));
        }
    }

    fn collect(&self, args: &[&str]) -> Finished {
        self.env.coordinator(["collect", self.path()]).args(args).run()
    }
}

fn name(part: &Range<u64>) -> String {
    format!("{}-{}.json", part.start, part.end)
}

fn result(part: &Range<u64>, total: impl Into<Value>) -> Value {
    json!({
        "schema": 1, "job": ID, "start": part.start.to_string(), "end": part.end.to_string(), "total": total.into(),
        "host": "node-1", "pid": 4711, "started": "2026-11-26T12:00:00Z", "finished": "2026-11-26T12:00:02Z",
        "elapsed_s": 1.5, "restarts": 1, "recoveries": 0,
    })
}

fn squares(part: Range<u64>) -> String {
    part.map(|number| number * number).sum::<u64>().to_string()
}

/// Checks the lines on stderr: that many `label: …`, and one of them with these words.
#[track_caller]
fn assert_line(finished: &Finished, label: &str, count: usize, words: &[&str]) {
    let lines: Vec<&str> = finished.stderr.lines().filter(|line| line.starts_with(&format!("{label}: "))).collect();
    assert_eq!(lines.len(), count, "{label}: {finished:?}");
    let has_all = |line: &&&str| words.iter().all(|word| line.contains(word));
    assert!(count == 0 || lines.iter().any(|line| has_all(&line)), "no {words:?}: {finished:?}");
}

/// Checks that a job is incomplete: nothing on stdout, one error, one hint.
#[track_caller]
fn assert_incomplete(finished: &Finished, words: &str) {
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(INCOMPLETE.into()), ""), "{finished:?}");
    assert_line(finished, "error", 1, &["incomplete", words]);
    assert_line(finished, "hint", 1, &[]);
}

#[test]
fn the_shards_of_an_i32_come_to_the_wrapped_value_and_the_exact_total() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({ "shards": "2" }));
    folder.put(0..50, "2147483647");
    folder.put(50..100, "1");
    let finished = folder.collect(&[]).expect(COMPLETE);
    assert_eq!(finished.stdout, "Final shared value: -2147483648\nExact total: 2147483648\n");
    assert_eq!(finished.stderr, "");
}

#[test]
fn a_total_of_128_bits_is_exact_whatever_the_order_of_the_parts() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({ "shards": null, "type": "i64" }));
    folder.put(0..9, i128::MAX.to_string());
    folder.put(9..10, "1");
    folder.put(10..100, "-1");
    let finished = folder.collect(&[]).expect(COMPLETE);
    assert_eq!(finished.stdout, format!("Final shared value: -1\nExact total: {}\n", i128::MAX));
}

#[test]
fn arrays_are_added_cell_by_cell_and_printed_as_lists() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({ "shards": "2", "type": "u64", "cells": 3 }));
    folder.put(0..50, json!(["1", "2", "3"]));
    folder.put(50..100, json!(["10", "-2", "18446744073709551615"]));
    let finished = folder.collect(&[]).expect(COMPLETE);
    assert_eq!(finished.stdout, "Final shared value: [11, 0, 2]\nExact total: [11, 0, 18446744073709551618]\n");
}

#[test]
fn fractions_are_added_in_the_order_of_the_parts_and_have_no_exact_total() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({ "shards": null, "type": "f64" }));
    // In the order of the names (0, 10, 9) the 1 would not get lost.
    folder.put(0..9, "1e16");
    folder.put(9..10, "1.0");
    folder.put(10..100, "-1e16");
    assert_eq!(folder.collect(&[]).expect(COMPLETE).stdout, "Final shared value: 0.0\n");
}

#[test]
fn a_total_that_does_not_fit_is_refused_if_the_job_refuses_it() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({ "shards": "2", "overflow": "error" }));
    folder.put(0..50, "2147483647");
    folder.put(50..100, "1");
    assert_error(&folder.collect(&[]), OVERFLOW, "overflow: the total 2147483648 does not fit into i32");
    folder.put(50..100, "0");
    let finished = folder.collect(&[]).expect(COMPLETE);
    assert_eq!(finished.stdout, "Final shared value: 2147483647\nExact total: 2147483647\n");
}

#[test]
fn fractions_beyond_their_range_are_refused_if_the_job_refuses_it() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({ "shards": "2", "type": "f64", "overflow": "error" }));
    folder.put(0..50, "1e308");
    folder.put(50..100, "1e308");
    assert_error(&folder.collect(&[]), OVERFLOW, "overflow: the total inf does not fit into f64");
}

#[test]
fn of_a_total_beyond_128_bits_the_value_is_known_unless_the_job_refuses_it() {
    let env = test_env!();
    for overflow in ["wrap", "error"] {
        let folder = Folder::new(&env, &json!({ "shards": "2", "overflow": overflow }));
        folder.put(0..50, i128::MAX.to_string());
        folder.put(50..100, "6");
        if overflow == "error" {
            assert_error(&folder.collect(&[]), OVERFLOW, "overflow: the total does not fit into i32");
            continue;
        }
        let finished = folder.collect(&[]).expect(COMPLETE);
        assert_eq!(finished.stdout, "Final shared value: 5\n");
        assert_line(&finished, "note", 1, &["the exact total has more than 128 bits"]);
        let report = folder.collect(&["--format", "json"]).expect(COMPLETE).json();
        assert_eq!((&report["exact_total"], &report["wrapped"]), (&Value::Null, &json!(true)), "{report}");
        fs::remove_dir_all(folder.path()).expect("it can be removed");
    }
}

#[test]
fn fractions_that_left_their_range_are_no_sum_and_a_note_says_so() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({ "shards": "2", "type": "f64" }));
    folder.put(0..50, "1e308");
    folder.put(50..100, "1e308");
    let finished = folder.collect(&[]).expect(COMPLETE);
    assert_eq!(finished.stdout, "Final shared value: inf\n");
    assert_line(&finished, "note", 1, &["the f64 left its range: inf is not the sum"]);
}

#[test]
fn a_folder_that_is_none_or_is_not_there_is_unavailable() {
    let env = test_env!();
    let missing = env.path().join("nowhere");
    let file = env.path().join("file");
    fs::write(&file, "").expect("it can be written");
    for (path, why) in [(&missing, "No such file"), (&file, "Not a directory")] {
        let path = path.to_str().expect("it is UTF-8");
        let finished = env.coordinator(["collect", path]).run();
        assert_error(&finished, UNAVAILABLE, &format!("cannot open the folder {path}: {why}"));
        assert!(finished.stderr.contains("hint: "), "{finished:?}");
    }
}

#[test]
fn a_folder_without_a_job_is_unavailable_and_a_damaged_job_is_refused() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..10);
    for (text, why) in [
        ("", "is not a job"),
        ("{\"schema\":1}", "is not a job"),
        ("{\"schema\":1,\"n\":100}", "is not a job"),
        (&"[".repeat(60_000), "is not a job"),
        (&" ".repeat(100_000), "is too large"),
    ] {
        folder.write("job.json", text);
        assert_error(&folder.collect(&[]), FOREIGN, &format!("{}/job.json {why}", folder.path()));
    }
    fs::remove_file(folder.file("job.json")).expect("it can be removed");
    assert_error(&folder.collect(&[]), FOREIGN, "job.json is missing, and results are there, such as ");
    fs::remove_dir_all(folder.path()).expect("it can be removed");
    fs::create_dir(folder.path()).expect("it can be made");
    assert_error(&folder.collect(&[]), UNAVAILABLE, &format!("{} holds no job: job.json is missing", folder.path()));
}

#[test]
fn what_killed_shards_left_is_named_once_the_job_is_complete() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    for pid in 1..=2 {
        folder.write(&format!(".90-100.json.node-1-{pid}.tmp"), "{");
    }
    folder.write("90-100.json.damaged", "{");
    folder.put_shards(0..9);
    let finished = folder.collect(&[]);
    assert_incomplete(&finished, "9 of 10 shards");
    assert_line(&finished, "note", 0, &[]);
    folder.put_shards([9]);
    let finished = folder.collect(&[]).expect(COMPLETE);
    assert_eq!(finished.stderr, format!("note: killed shards left 2 temporary files: rm {}/.*.tmp\n", folder.path()));
}

#[test]
fn a_folder_whose_name_has_blanks_is_one_word_in_every_hint() {
    let env = test_env!();
    let mut folder = Folder::new(&env, &json!({}));
    let renamed = env.path().join("my sums");
    fs::rename(&folder.path, &renamed).expect("it can be renamed");
    folder.path = renamed;
    let finished = folder.collect(&[]);
    assert_incomplete(&finished, "0 of 10 shards");
    assert_line(&finished, "hint", 1, &[&format!("collect '{}' --missing", folder.path())]);
}

#[test]
fn wrong_options_are_usage_errors() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    for (args, why) in [
        (&["--missing", "--verify", "1"][..], "--verify"),
        (&["--missing", "--format", "json"], "--format"),
        (&["--verify", "0"], "at least one part"),
        (&["--verify", "-1"], "--verify"),
        (&["--exec", "true"], "--verify"),
        (&["--worker", "/bin/true"], "--verify"),
    ] {
        assert_error(&folder.collect(args), USAGE, why);
    }
    assert_error(&env.coordinator(["collect"]).run(), USAGE, "<DIR>");
}

#[test]
fn a_result_that_stdout_does_not_take_is_incomplete() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..10);
    let full = fs::OpenOptions::new().write(true).open(Path::new("/dev/full")).expect("it can be opened");
    let running = env.coordinator(["collect", folder.path()]).start_on(full.into(), std::process::Stdio::piped());
    let finished = running.finish().expect(INCOMPLETE);
    assert!(finished.stderr.contains("cannot write results to stdout"), "{finished:?}");
}
