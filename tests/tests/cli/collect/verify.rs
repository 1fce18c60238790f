//! `--verify`: parts are computed again, by nothing that only the folder names.

use std::fs;

use common::cli::exit_code::{COMPLETE, DISAGREE, INCOMPLETE, USAGE};
use harness::{TestEnv, assert_error, test_env, until};
use rustix::process::Signal;
use serde_json::json;

use super::super::hosted::is_gone;
use super::{Folder, assert_incomplete, assert_line, result, squares};

/// A command that leaves a mark, and adds the range's length.
fn marking(env: &TestEnv) -> (String, std::path::PathBuf) {
    let mark = env.path().join("mark");
    (format!("touch '{}'; echo $(({{end}} - {{start}}))", mark.display()), mark)
}

/// A folder of ten complete shards of a command that adds a range's length.
fn lengths<'a>(env: &'a TestEnv, changes: &serde_json::Value) -> Folder<'a> {
    let folder = Folder::new(env, changes);
    for start in (0..100).step_by(10) {
        folder.put(start..start + 10, "10");
    }
    folder
}

#[test]
fn right_results_are_verified_and_then_the_total_is_printed() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..10);
    let finished = folder.collect(&["--verify", "3"]).expect(COMPLETE);
    assert_eq!(finished.stdout, format!("Final shared value: {0}\nExact total: {0}\n", squares(0..100)));
    assert_line(&finished, "note", 3, &[".json is verified"]);
    let report = folder.collect(&["--verify", "1000", "--format", "json"]).expect(COMPLETE).json();
    let all: Vec<_> = (0..10)
        .map(|index| json!({ "start": (index * 10).to_string(), "end": (index * 10 + 10).to_string() }))
        .collect();
    assert_eq!(report["verified"], json!(all));
}

#[test]
fn each_type_array_and_seed_is_computed_as_the_job_has_it() {
    let env = test_env!();
    for (kernel, kind, cells, args) in [
        ("prime-digits", "u64", 10, &["--type", "u64"][..]),
        ("monte-carlo-pi", "f64", 1, &["--type", "f64", "--seed", "7"]),
        ("prime-count", "i64", 1, &["--type", "i64"]),
    ] {
        let terms = json!({ "kernel": kernel, "type": kind, "cells": cells, "n": "10000", "shards": "2" });
        let folder = Folder::new(&env, &terms);
        for part in [0..5000, 5000..10_000] {
            let range = format!("{}..{}", part.start, part.end);
            let run = ["--split", "-n", "10000", "--kernel", kernel, "--range", &range, "--format", "json"];
            let report = env.coordinator(run).args(args).run().expect(COMPLETE).json();
            let total = if kind == "f64" { json!(report["value"].to_string()) } else { report["exact_total"].clone() };
            folder.put(part, total);
        }
        let finished = folder.collect(&["--verify", "2"]).expect(COMPLETE);
        assert_line(&finished, "note", 2, &["is verified"]);
        fs::remove_dir_all(&folder.path).expect("it can be removed");
    }
}

#[test]
fn a_wrong_total_is_found_and_named_beside_the_right_one() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..10);
    folder.put(40..50, "19884");
    let finished = folder.collect(&["--verify", "10"]);
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(DISAGREE.into()), ""), "{finished:?}");
    assert_line(&finished, "note", 4, &["30-40.json is verified"]);
    let file = folder.file("40-50.json").display().to_string();
    assert_line(&finished, "error", 1, &[&format!("{file} has 19884, and computed again it has 19885")]);
    assert_line(&finished, "hint", 1, &[&format!("rm {file}")]);
}

#[test]
fn of_an_incomplete_job_the_parts_that_are_there_are_verified() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..9);
    let finished = folder.collect(&["--verify", "3"]);
    assert_incomplete(&finished, "9 of 10 shards");
    assert_line(&finished, "note", 3, &["is verified"]);
    folder.put(40..50, "7");
    let report = folder.collect(&["--verify", "9", "--format", "json"]).expect(DISAGREE).json();
    let refuted = json!([{ "start": "40", "end": "50", "found": "7", "computed": "19885" }]);
    assert_eq!((&report["refuted"], &report["value"]), (&refuted, &json!(null)), "{report}");
}

#[test]
fn of_results_that_disagree_it_is_found_which_is_right() {
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..10);
    folder.write("40-50.differs-n-1.json", &result(&(40..50), "7").to_string());
    let finished = folder.collect(&["--verify", "10"]);
    assert_eq!(finished.code, Some(DISAGREE.into()), "{finished:?}");
    assert_line(&finished, "note", 1, &["40-50.json is verified"]);
    assert_line(&finished, "error", 1, &["disagree: 40-50.json has 19885, and 40-50.differs-n-1.json has 7"]);
}

#[test]
fn a_command_may_have_its_time_limit_and_its_attempts() {
    let env = test_env!();
    let command = "[ $KILLPROOF_ATTEMPT != 1 ] || sleep 600; echo $(({end} - {start}))";
    let folder = lengths(&env, &json!({ "kernel": "exec", "command": command }));
    let verify = ["--verify", "1", "--exec", command, "--exec-timeout", "2s", "--restarts"];
    let finished = folder.collect(&[&verify[..], &["1"]].concat()).expect(COMPLETE);
    assert_line(&finished, "note", 1, &["is verified"]);
    let finished = folder.collect(&[&verify[..], &["0"]].concat());
    assert_eq!(finished.code, Some(INCOMPLETE.into()), "{finished:?}");
}

#[test]
fn it_works_where_the_ends_of_children_are_ignored() {
    let Some(python) = harness::which("python3") else {
        return harness::skip("it_works_where_the_ends_of_children_are_ignored", "no python3");
    };
    let env = test_env!();
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..10);
    let ignoring =
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])";
    let python = python.to_str().expect("it is UTF-8");
    let collect = env.coordinator(["collect", folder.path(), "--verify", "1"]);
    let finished = collect.with(harness::wrapped(&[python, "-c", ignoring])).run().expect(COMPLETE);
    assert_line(&finished, "note", 1, &["is verified"]);
}

#[test]
fn a_command_that_only_the_folder_names_is_never_run() {
    let env = test_env!();
    let (command, mark) = marking(&env);
    let folder = lengths(&env, &json!({ "kernel": "exec", "command": command }));
    assert_error(&folder.collect(&["--verify", "1"]), USAGE, "--exec is not given");
    assert_error(&folder.collect(&["--verify", "1", "--exec", "echo {end}"]), USAGE, "\"echo {end}\"");
    let _ = folder.collect(&[]).expect(COMPLETE);
    let _ = folder.collect(&["--missing"]).expect(COMPLETE);
    assert!(!mark.exists());
    let finished = folder.collect(&["--verify", "1", "--exec", &command]).expect(COMPLETE);
    assert_line(&finished, "note", 1, &["is verified"]);
    assert!(mark.exists());
}

#[test]
fn a_command_that_stays_alive_is_given_as_one() {
    let env = test_env!();
    let command = "while read -r start end; do echo $((end - start)); done";
    let folder = lengths(&env, &json!({ "kernel": "serve", "command": command }));
    assert_error(&folder.collect(&["--verify", "1"]), USAGE, "--serve is not given");
    assert_error(&folder.collect(&["--verify", "1", "--exec", command]), USAGE, "is for --serve, and --exec is given");
    let finished = folder.collect(&["--verify", "1", "--serve", command]).expect(COMPLETE);
    assert_line(&finished, "note", 1, &["is verified"]);
    let env = test_env!();
    let folder = lengths(&env, &json!({ "kernel": "exec", "command": "seq 1" }));
    assert_error(&folder.collect(&["--verify", "1", "--serve", "seq 1"]), USAGE, "is for --exec, and --serve is given");
}

#[test]
fn an_executable_that_only_the_folder_names_is_never_run() {
    let env = test_env!();
    let mark = env.path().join("mark");
    let script = env.path().join("script");
    fs::write(&script, format!("#!/bin/sh\ntouch '{}'\n", mark.display())).expect("it can be written");
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .expect("it can be made executable");
    let folder = lengths(&env, &json!({ "worker": script.to_str().expect("it is UTF-8") }));
    let cubes = env.path().join("cubes");
    let cubes = cubes.to_str().expect("it is UTF-8");
    assert_error(&folder.collect(&["--verify", "1"]), USAGE, "--worker is not given");
    assert_error(&folder.collect(&["--verify", "1", "--worker", cubes]), USAGE, cubes);
    let _ = folder.collect(&[]).expect(COMPLETE);
    assert!(!mark.exists());
}

#[test]
fn an_executable_of_ones_own_is_found_by_a_relative_path_too() {
    let env = test_env!();
    let cubes = env.path().join("cubes");
    let folder =
        Folder::new(&env, &json!({ "kernel": "cubes", "worker": cubes.to_str(), "type": "i64", "shards": "1" }));
    folder.put(0..100, (0..100_u64).map(|number| number.pow(3)).sum::<u64>().to_string());
    let args = ["collect", folder.path(), "--verify", "1", "--worker", "./cubes"];
    let finished = env.coordinator(args).with(|collect| _ = collect.current_dir(env.path())).run().expect(COMPLETE);
    assert_line(&finished, "note", 1, &["is verified"]);
}

#[test]
fn what_the_job_does_not_name_must_not_be_given() {
    let env = test_env!();
    let (command, mark) = marking(&env);
    let folder = Folder::new(&env, &json!({}));
    folder.put_shards(0..10);
    assert_error(&folder.collect(&["--verify", "1", "--exec", &command]), USAGE, "the job has no command");
    assert_error(&folder.collect(&["--verify", "1", "--worker", "/bin/true"]), USAGE, "the job has no worker");
    assert!(!mark.exists());
}

#[test]
fn a_kernel_that_looks_like_an_option_is_none() {
    let env = test_env!();
    let (command, mark) = marking(&env);
    let folder = lengths(&env, &json!({ "kernel": format!("--exec={command}") }));
    let finished = folder.collect(&["--verify", "1"]).expect(INCOMPLETE);
    assert!(finished.stderr.contains("the run ended with exit code 2"), "{finished:?}");
    assert!(!mark.exists());
    fs::remove_dir_all(&folder.path).expect("it can be removed");
    let folder = lengths(&env, &json!({ "kernel": "exec" }));
    let finished = folder.collect(&["--verify", "1"]).expect(INCOMPLETE);
    assert!(finished.stderr.contains("the run ended with exit code 2"), "{finished:?}");
}

#[test]
fn a_run_that_fails_is_told_with_its_exit_code() {
    let env = test_env!();
    let folder = lengths(&env, &json!({ "kernel": "exec", "command": "exit 3 # {start}" }));
    let finished = folder.collect(&["--verify", "1", "--exec", "exit 3 # {start}"]);
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(INCOMPLETE.into()), ""), "{finished:?}");
    assert!(finished.stderr.contains(".json: the run ended with exit code 1"), "{finished:?}");
    assert!(env.segments().is_empty());
}

#[test]
fn the_run_ends_with_the_command_that_is_terminated() {
    let env = test_env!();
    let mark = env.path().join("mark");
    let command = format!("echo $PPID > '{0}.new' && mv '{0}.new' '{0}'; sleep 600; echo {{start}}", mark.display());
    let folder = Folder::new(&env, &json!({ "kernel": "exec", "command": command, "n": "1", "shards": "1" }));
    folder.put(0..1, "0");
    let args = ["collect", folder.path(), "--verify", "1", "--exec", &command];
    let running = env.coordinator(args).start();
    until("the command to run", || mark.exists());
    let worker: u32 = fs::read_to_string(&mark).expect("it is there").trim().parse().expect("it is a process id");
    let run = common::process::parent(worker).expect("it lives");
    assert_eq!(common::process::parent(run), Some(running.pid()));
    running.signal(Signal::TERM);
    until("the end of the run", || running.has_ended() && is_gone(run) && is_gone(worker));
    assert_eq!(running.finish().code, Some(common::cli::exit_code::TERMINATED.into()));
}
