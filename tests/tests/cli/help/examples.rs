//! The examples of `--help`, run as they stand there, on segments with the names that they use.

use std::fs;
use std::path::{Path, PathBuf};

use common::cli::exit_code::COMPLETE;
use common::failpoint::Failpoint;
use harness::{Finished, Injection, TestEnv, secluded, test_env};
use regex::Regex;
use serde_json::{Value, json};

use super::{WITH_EXAMPLES, shell};

/// The results that explanations state: a pattern of the example, and one of its stdout.
const RESULTS: [(&str, &str); 21] = [
    ("^coordinator$", r"(?s)^(Process [^\n]*\n){4}Final shared value: -1958387328\n$"),
    ("--independent -n 10_000_000", r"^(Process Process-\d, Result: 333333283333335000000\n){4}$"),
    ("prime-count -n 1e7 --workers auto", r"Final shared value: 664579\n$"),
    ("^coordinator create demo && worker", r"Process Process-1 updated shared value to 584144992\n"),
    ("--workers 8 --jobs 2 --type i64", r"^(Process [^\n]*\n){8}Final shared value: 2666662666668000000\n$"),
    ("prime-digits -n 1e6 -q", r"^\[0, 19617, 1, 19665, 0, 1, 0, 19621, 0, 19593\]\n$"),
    ("monte-carlo-pi --type f64", r"Final shared value: 3\.1377\d*\n$"),
    ("--exec ", r"Final shared value: 1000\n$"),
    ("--timeout 1m --format json", r#"^\{[^\n]*"complete":true[^\n]*\}\n$"#),
    ("^coordinator create demo --split", "^$"),
    ("^coordinator status demo$", r"^demo: (?s).*value: 584144992 .*lock: free"),
    ("^coordinator status demo --format json$", r"^\{[^\n]*\}\n$"),
    ("^coordinator status demo --watch --format json$", r"^(\{[^\n]*\}\n)+$"),
    ("^coordinator resume demo", r"^(Process [^\n]*\n){4}Final shared value: -1958387328\n$"),
    ("^coordinator collect sums$", r"^Final shared value: 285\nExact total: 285\n$"),
    ("^coordinator collect sums --missing$", "^$"),
    ("^coordinator collect sums --verify 2$", r"^Final shared value: 285\nExact total: 285\n$"),
    ("^coordinator collect sums --format json$", r#"^\{[^\n]*"complete":true[^\n]*\}\n$"#),
    ("^worker demo$", r"^Process Process-1 updated shared value to 584144992\n$"),
    ("^worker --name demo -n 10 --delay 0$", r"^Process Process-1 updated shared value to 285\n$"),
    ("^seq 3 .* worker --name demo$", r"^(Process Process-\d updated shared value to -?\d+\n){3}$"),
];

/// The commands among the lines of a `--help`, and without their explanations.
fn examples(help: &str) -> Vec<&str> {
    let (_, examples) = help.split_once("\nExamples:\n").unwrap_or_else(|| panic!("no examples in {help}"));
    examples.lines().filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' '))).collect()
}

/// Leaves the results of two shards of the sum of the first ten squares.
fn leave_results(folder: &Path) {
    let write = |name: &str, content: Value| fs::write(folder.join(name), content.to_string());
    let id = "0".repeat(32);
    let result = |start: &str, end: &str, total: &str| {
        json!({
            "schema": 1, "job": id, "start": start, "end": end, "total": total, "host": "node-1", "pid": 1, "started": "",
            "finished": "", "elapsed_s": 1.0, "restarts": 0, "recoveries": 0,
        })
    };
    let job = json!({
        "schema": 1, "version": "0.1.0", "id": id, "kernel": "sum-of-squares", "n": "10", "type": "i32", "cells": 1,
        "seed": "1", "command": null, "worker": null, "overflow": "wrap", "shards": "2",
    });
    fs::create_dir_all(folder)
        .and_then(|()| write("job.json", job))
        .and_then(|()| write("0-5.json", result("0", "5", "30")))
        .and_then(|()| write("5-10.json", result("5", "10", "255")))
        .expect("it can be written");
}

/// Runs an example in an empty `/dev/shm`, with the segment that its text needs.
fn run(env: &TestEnv, command: &[&str], example: &str) -> Finished {
    match command {
        ["worker"] => _ = env.coordinator(["create", "demo"]).run().expect(COMPLETE),
        ["coordinator", "status"] => {
            let _ = env.coordinator(["create", "demo", "-w", "1"]).run().expect(COMPLETE);
            let _ = env.worker("demo").run().expect(COMPLETE);
        }
        ["coordinator", "collect"] => leave_results(&env.path().join("sums")),
        ["coordinator", "resume"] => {
            let death = Injection { failpoint: Failpoint::Launching, action: "kill", times: 1 };
            assert_eq!(env.coordinator(["--name", "demo"]).inject(death).run().signal, Some(9));
        }
        _ => {}
    }
    let finished = shell(env, example).with(|shell| _ = shell.current_dir(env.path())).run();
    assert_eq!(finished.code, Some(COMPLETE.into()), "{example}: {finished:?}");
    if env.segment("demo").exists() {
        env.remove("demo");
    }
    assert_eq!(env.all_segments(), Vec::<PathBuf>::new(), "{example} leaves a segment");
    finished
}

#[test]
fn every_example_of_the_help_runs_as_it_stands() {
    if !secluded!(every_example_of_the_help_runs_as_it_stands) {
        return;
    }
    let env = test_env!();
    let compile = |pattern: &str| Regex::new(pattern).expect("the pattern is valid");
    let mut results: Vec<_> =
        RESULTS.iter().map(|(example, stdout)| (compile(example), compile(stdout), false)).collect();
    for command in WITH_EXAMPLES {
        let help = shell(&env, &format!("{} --help", command.join(" "))).run().expect(COMPLETE).stdout;
        let examples = examples(&help);
        assert!((3..=6).contains(&examples.len()), "{command:?}: {examples:?}");
        for example in examples {
            let finished = run(&env, command, example);
            for (_, stdout, is_checked) in results.iter_mut().filter(|(pattern, ..)| pattern.is_match(example)) {
                assert!(stdout.is_match(&finished.stdout), "{example} does not print {stdout}: {finished:?}");
                *is_checked = true;
            }
        }
    }
    let unused: Vec<_> = results.iter().filter(|(.., is_checked)| !is_checked).map(|(example, ..)| example).collect();
    assert!(unused.is_empty(), "no such examples: {unused:?}");
}
