//! `--results`: each part's exact result in a folder, once, whoever starts it how often.

mod begun_anew;
mod damage;
mod refusals;
mod starts;
mod writers;

use std::fs;

use common::cli::exit_code::{COMPLETE, INCOMPLETE, TERMINATED, TIMEOUT, USAGE};
use harness::{HeldRun, ResultsFolder, TestEnv, assert_error, secluded, test_env, until, whole};
use rustix::process::Signal;
use serde_json::{Value, json};

/// 0² + 1² + … below 100.
const SQUARES: &str = "Final shared value: 328350\n";

#[test]
fn a_complete_part_leaves_its_exact_total_and_the_job_its_terms() {
    let env = test_env!();
    let folder = ResultsFolder::new(&env, "results");
    let run = folder.run(&["-n", "1e6", "--shard", "1/2", "--seed", "9"]).run().expect(COMPLETE);
    assert!(run.stdout.ends_with("Final shared value: 1807780400\n"), "{run:?}");
    assert_eq!(folder.names(), ["500000-1000000.json", "job.json"]);
    let job = folder.json("job.json");
    let id = job["id"].as_str().expect("a text");
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{job}");
    let terms = json!({
        "schema": 1, "version": env!("CARGO_PKG_VERSION"), "id": id, "kernel": "sum-of-squares", "n": "1000000", "type": "i32",
        "cells": 1, "seed": "9", "command": null, "worker": null, "overflow": "wrap", "shards": "2",
    });
    assert_eq!(job, terms);
    let result = folder.json("500000-1000000.json");
    assert_eq!((&result["job"], &result["schema"]), (&job["id"], &1.into()));
    assert_eq!((&result["start"], &result["end"]), (&"500000".into(), &"1000000".into()));
    assert_eq!(result["total"], "291666291666750000");
    for text in ["host", "started", "finished"] {
        assert!(result[text].as_str().is_some_and(|text| !text.is_empty()), "{text}: {result}");
    }
    assert!(result["pid"].is_u64() && result["elapsed_s"].is_f64() && result["restarts"] == 0, "{result}");
}

#[test]
fn an_array_leaves_a_total_for_each_cell_and_fractions_their_shortest_digits() {
    let env = test_env!();
    let array = ResultsFolder::new(&env, "array");
    let _ = array.run(&["--kernel", "prime-digits", "-n", "100"]).run().expect(COMPLETE);
    assert_eq!(array.json("0-100.json")["total"], json!(["0", "5", "1", "7", "0", "1", "0", "6", "0", "5"]));
    let fractions = ResultsFolder::new(&env, "fractions");
    let _ = fractions.run(&["--type", "f64", "-n", "4", "--exec", "echo {start}.25"]).args(["--chunk", "4"]).run();
    assert_eq!(fractions.json("0-4.json")["total"], "0.25");
}

#[test]
fn a_result_that_is_there_is_printed_and_nothing_is_computed() {
    if !secluded!(a_result_that_is_there_is_printed_and_nothing_is_computed) {
        return;
    }
    let env = test_env!();
    let folder = ResultsFolder::new(&env, "results");
    let marker = env.path().join("marker");
    let command = format!("echo >> {}; echo 7", marker.display());
    let args = ["-n", "100", "--range", "30..40", "--chunk", "10", "--exec", &format!("{command} # {{start}}")];
    let first = folder.run(&args).run().expect(COMPLETE);
    assert!(first.stdout.ends_with("Final shared value: 7\n"), "{first:?}");
    let before = folder.json("30-40.json");
    let again = folder.run(&args).run().expect(COMPLETE);
    assert_eq!(again.stdout, "Final shared value: 7\n");
    assert!(
        again.stderr.starts_with("note: the result of 30..40 is in ") && again.stderr.contains("already"),
        "{again:?}"
    );
    assert_eq!(folder.run(&args).args(["-q"]).run().expect(COMPLETE).stdout, "7\n");
    let report = folder.run(&args).args(["--format", "json"]).run().expect(COMPLETE).json();
    assert_eq!((&report["value"], &report["exact_total"], &report["complete"]), (&7.into(), &"7".into(), &true.into()));
    assert_eq!((&report["range"], &report["missing"]), (&json!({ "start": "30", "end": "40" }), &json!([])));
    assert_eq!((whole(&report["split"]["iterations_done"]), &report["workers"]), (10, &json!([])));
    assert_eq!(fs::read_to_string(marker).expect("it ran").lines().count(), 1);
    assert_eq!(folder.json("30-40.json"), before);
}

/// Every term, and the number of shards.
#[test]
fn another_jobs_part_is_refused_before_any_work_and_what_is_no_term_may_differ() {
    let env = test_env!();
    let folder = ResultsFolder::new(&env, "results");
    let cubes = env.path().join("cubes").display().to_string();
    let _ = folder.run(&["-n", "100", "--shard", "0/2"]).run().expect(COMPLETE);
    for (args, term) in [
        (&["-n", "101", "--shard", "1/2"] as &[&str], "n is 100 there, and 101 here"),
        (&["-n", "100", "--shard", "1/3"], "shards is 2 there, and 3 here"),
        (&["-n", "100", "--range", "50..100"], "shards is 2 there, and not given here"),
        (&["-n", "100"], "shards is 2 there, and 1 here"),
        (
            &["-n", "100", "--shard", "1/2", "--kernel", "prime-count"],
            "kernel is sum-of-squares there, and prime-count here",
        ),
        (&["-n", "100", "--shard", "1/2", "--type", "i64"], "type is i32 there, and i64 here"),
        (&["-n", "100", "--shard", "1/2", "--overflow", "error"], "overflow is wrap there, and error here"),
        (&["-n", "100", "--shard", "1/2", "--seed", "4"], "and 4 here"),
        (&["-n", "100", "--shard", "1/2", "--exec", "echo {start}"], "kernel is sum-of-squares there, and exec here"),
        (&["-n", "100", "--shard", "1/2", "--worker", &cubes], "worker is not given there"),
    ] {
        assert_error(&folder.run(args).run(), USAGE, term);
    }
    assert_eq!(folder.names(), ["0-50.json", "job.json"]);
    let commands = ResultsFolder::new(&env, "commands");
    let _ = commands.run(&["-n", "100", "--shard", "0/2", "--exec", "echo {start}"]).run().expect(COMPLETE);
    let other = |command: &str| commands.run(&["-n", "100", "--shard", "1/2", "--exec", command]);
    assert_error(&other("echo {end}").run(), USAGE, "command is \"echo {start}\" there, and \"echo {end}\" here");
    assert_error(&other("echo {start}").args(["--cells", "2"]).run(), USAGE, "cells is 1 there, and 2 here");
    let free = ["--delay", "1ms", "--chunk", "7", "-w", "1", "--restarts", "0", "--slots", "9", "--fail-fast"];
    let _ = folder.run(&["-n", "100", "--shard", "1/2"]).args(free).run().expect(COMPLETE);
    assert_eq!(folder.names(), ["0-50.json", "50-100.json", "job.json"]);
}

#[test]
fn shards_without_a_seed_draw_the_same_random_points_as_the_whole() {
    let env = test_env!();
    let (parts, whole) = (ResultsFolder::new(&env, "parts"), ResultsFolder::new(&env, "whole"));
    let kernel = ["--kernel", "monte-carlo-pi", "-n", "1e6"];
    for shard in ["0/2", "1/2"] {
        let _ = parts.run(&kernel).args(["--shard", shard]).run().expect(COMPLETE);
    }
    let _ = whole.run(&kernel).run().expect(COMPLETE);
    let total = |folder: &ResultsFolder<'_>, name: &str| harness::whole(&folder.json(name)["total"]);
    let sum = total(&parts, "0-500000.json") + total(&parts, "500000-1000000.json");
    assert_eq!(sum, total(&whole, "0-1000000.json"));
    assert_eq!(parts.json("job.json")["seed"], whole.json("job.json")["seed"]);
}

/// A command that counts its calls, and fails for one chunk until a file is there.
fn failing(env: &TestEnv) -> String {
    let (calls, cure) = (env.path().join("calls"), env.path().join("cure"));
    format!("echo {{start}} >> {}; test {{start}} != 40 -o -e {} && echo {{start}}", calls.display(), cure.display())
}

#[test]
fn an_incomplete_part_leaves_no_result_and_the_same_command_finishes_it() {
    let env = test_env!();
    let folder = ResultsFolder::new(&env, "results");
    let command = failing(&env);
    let args = ["-n", "100", "--chunk", "10", "--restarts", "0", "-w", "2", "--exec", &command];
    let failed = folder.run(&args).run().expect(INCOMPLETE);
    let kept = format!("kept segment {}: 90 of 100 iterations are applied", folder.segment("0-100"));
    assert!(failed.stderr.contains(&kept), "{failed:?}");
    assert!(failed.stderr.contains("finish it: run the same command again; or remove it"), "{failed:?}");
    assert!(
        failed.stderr.contains("hint: remove the cause, or change: the same command with --restarts N"),
        "{failed:?}"
    );
    assert_eq!(folder.names(), ["job.json"]);
    fs::write(env.path().join("cure"), "").expect("it can be written");
    let again = folder.run(&args).run().expect(COMPLETE);
    assert!(again.stdout.ends_with("Final shared value: 450\n"), "{again:?}");
    assert_eq!(folder.json("0-100.json")["total"], "450");
    let calls = fs::read_to_string(env.path().join("calls")).expect("it ran");
    assert_eq!(calls.lines().count(), 11, "only the missing chunk is computed again: {calls}");
}

/// Fault 68.
#[test]
fn a_start_after_a_kill_takes_up_what_the_first_one_left() {
    if !secluded!(a_start_after_a_kill_takes_up_what_the_first_one_left) {
        return;
    }
    let env = test_env!();
    let (folder, held) = (ResultsFolder::new(&env, "results"), HeldRun::new(&env));
    let calls = env.path().join("calls");
    let command = format!("echo {{start}} >> {}; test {{start}} -lt 50 || {}; echo 1", calls.display(), held.wait());
    let args = ["-n", "100", "--chunk", "10", "-w", "1", "--exec", &command];
    let first = folder.run(&args).start();
    until("the segment", || !folder.segments().is_empty());
    let name = folder.segment("0-100");
    env.until_status(&name, |status| whole(&status["split"]["iterations_done"]) == 50);
    until("the sixth command", || fs::read_to_string(&calls).is_ok_and(|calls| calls.ends_with("50\n")));
    first.signal_group(Signal::KILL);
    assert_eq!(first.finish().signal, Some(9));
    env.until_status(&name, |status| status["state"] == "stale");
    let text = env.coordinator(["status", &name]).run().expect(COMPLETE).stdout;
    assert!(text.contains(&format!("next: coordinator resume {name} --results DIR; ")), "{text}");
    assert_error(&env.coordinator(["resume", &name]).run(), USAGE, "goes into a folder");
    held.release();
    // The options of this start count, but for the terms of the segment.
    let again = folder.run(&args).args(["--delay", "1h", "-v"]).run().expect(COMPLETE);
    assert!(again.stdout.ends_with("Final shared value: 10\n"), "{again:?}");
    assert!(again.stderr.contains("took over segment") && !again.stderr.contains("was left behind"), "{again:?}");
    let calls = fs::read_to_string(calls).expect("it ran");
    assert_eq!(calls.lines().collect::<Vec<_>>(), ["0", "10", "20", "30", "40", "50", "50", "60", "70", "80", "90"]);
}

/// Fault 71.
#[test]
fn a_second_start_waits_for_the_first_and_prints_its_result() {
    let env = test_env!();
    let (folder, held) = (ResultsFolder::new(&env, "results"), HeldRun::new(&env));
    let command = format!("{} # {{start}}", held.script());
    let args = ["-n", "100", "--chunk", "100", "-w", "1", "--exec", &command];
    let first = folder.run(&args).start();
    until("the first to be at work", || !folder.segments().is_empty());
    let waiting = [folder.run(&args).start(), folder.run(&args).args(["-q"]).start()];
    for start in &waiting {
        until("the others to wait", || {
            start.stderr().contains(
                "note: another start of this shard is at work, or stopped; waiting for it: coordinator status",
            )
        });
    }
    let [waiting, ended] = waiting;
    ended.signal(Signal::TERM);
    let ended = ended.finish().expect(TERMINATED);
    assert!(ended.stderr.contains("error: SIGTERM while another start"), "{ended:?}");
    let late = folder.run(&args).args(["--timeout", "50ms"]).run().expect(TIMEOUT);
    assert!(late.stderr.contains("error: timeout: another start of this shard"), "{late:?}");
    held.release();
    let (first, waiting) = (first.finish().expect(COMPLETE), waiting.finish().expect(COMPLETE));
    assert_eq!(first.lines().last(), waiting.lines().last());
    assert!(waiting.stderr.contains("already, by"), "{waiting:?}");
}

#[test]
fn a_kept_part_is_resumed_with_its_folder_only() {
    let env = test_env!();
    let folder = ResultsFolder::new(&env, "results");
    let command = failing(&env);
    let args = ["-n", "100", "--chunk", "10", "--restarts", "0", "-w", "2", "--exec", &command];
    let _ = folder.run(&args).run().expect(INCOMPLETE);
    let name = folder.segment("0-100");
    fs::write(env.path().join("cure"), "").expect("it can be written");
    let resumed = env.coordinator(["resume", &name, "--results"]).args([folder.path()]).run().expect(COMPLETE);
    assert!(resumed.stdout.ends_with("Final shared value: 450\n"), "{resumed:?}");
    assert_eq!(folder.json("0-100.json")["total"], "450");
    let plain = env.name("plain");
    let _ = env.coordinator(["--name", &plain, "-n", "10", "--delay", "0", "--keep"]).run().expect(COMPLETE);
    let wrong = env.coordinator(["resume", &plain, "--results"]).args([folder.path()]).run();
    assert_error(&wrong, USAGE, "does not go into");
    env.remove(&plain);
}

#[test]
fn a_result_that_stdout_does_not_take_is_in_the_folder_and_nothing_is_kept() {
    let env = test_env!();
    let folder = ResultsFolder::new(&env, "results");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("it is there");
    let run = folder.run(&["-n", "100"]).start_on(full.into(), std::process::Stdio::piped()).finish();
    let run = run.expect(INCOMPLETE);
    assert!(run.stderr.contains("cannot write results to stdout") && run.stderr.contains(SQUARES), "{run:?}");
    assert!(!run.stderr.contains("kept segment") && folder.segments().is_empty(), "{run:?}");
    assert_eq!(folder.json("0-100.json")["total"], Value::from("328350"));
}
