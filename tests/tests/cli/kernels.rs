//! Kernels, value types and arrays: known values, whoever computes and whoever is killed.

use std::fs;
use std::process::Command;

use common::cli::exit_code::{COMPLETE, INCOMPLETE, OVERFLOW, TIMEOUT, USAGE};
use common::failpoint::Failpoint;
use harness::{Finished, Injection, assert_error, skip, test_env};
use serde_json::json;

/// The lines, without those of single workers.
fn last(finished: &Finished) -> &str {
    finished.lines().last().copied().unwrap_or_default()
}

/// A script in the test's folder that `sh` runs for a chunk.
fn script(env: &harness::TestEnv, text: &str) -> String {
    let path = env.path().join("script");
    fs::write(&path, text).expect("it can be written");
    format!("sh {} {{start}} {{end}}", path.display())
}

/// Below 10^6 there are 78,498 primes (<https://oeis.org/A006880>).
#[test]
fn an_array_is_filled_at_once_or_not_at_all() {
    let env = test_env!();
    for failpoint in [Failpoint::Recorded, Failpoint::Published, Failpoint::HalfApplied] {
        let injection = Injection { failpoint, action: "kill", times: 4 };
        let args = ["--split", "--kernel", "prime-digits", "-n", "1e6", "--chunk", "20k", "-w", "3", "--restarts", "9"];
        let finished = env.coordinator(args).inject(injection).run().expect(COMPLETE);
        let all = "Final shared value: [0, 19617, 1, 19665, 0, 1, 0, 19621, 0, 19593]";
        assert_eq!(last(&finished), all, "{failpoint:?}: {finished:?}");
    }
}

#[test]
fn every_worker_adds_to_every_cell_of_an_array() {
    let env = test_env!();
    let args = ["--kernel", "prime-digits", "-n", "30", "-w", "2", "--delay", "0"];
    let finished = env.coordinator(args).run().expect(COMPLETE);
    let lines = finished.lines();
    assert!(lines[0].ends_with(" updated shared value to [0, 1, 1, 3, 0, 1, 0, 2, 0, 2]"), "{finished:?}");
    assert_eq!(lines[2], "Final shared value: [0, 2, 2, 6, 0, 2, 0, 4, 0, 4]");
    let own = env.coordinator(args).args(["--independent"]).run().expect(COMPLETE);
    assert!(own.lines().iter().all(|line| line.ends_with(", Result: [0, 1, 1, 3, 0, 1, 0, 2, 0, 2]")), "{own:?}");
}

#[test]
fn json_and_status_show_the_cells() {
    let env = test_env!();
    let args = ["--kernel", "prime-digits", "-n", "30", "-w", "2", "--delay", "0", "--format", "json"];
    let report = env.coordinator(args).run().expect(COMPLETE).json();
    assert_eq!(report["cells"], 10);
    assert_eq!(report["value"], json!([0, 2, 2, 6, 0, 2, 0, 4, 0, 4]));
    assert_eq!(report["exact_total"], json!(["0", "2", "2", "6", "0", "2", "0", "4", "0", "4"]));
    assert_eq!(report["workers"][0]["contribution"], json!(["0", "1", "1", "3", "0", "1", "0", "2", "0", "2"]));
    let name = env.create("cells", &["--kernel", "prime-digits"]);
    let _ = env.worker(&name).run().expect(COMPLETE);
    let status = env.coordinator(["status", &name]).run().expect(COMPLETE);
    assert!(status.stdout.contains("value: [0, 0, 1, 1, 0, 1, 0, 1, 0, 0] (i32)"), "{}", status.stdout);
    env.remove(&name);
}

#[test]
fn random_points_are_the_same_for_any_number_of_workers() {
    let env = test_env!();
    let total = |args: &[&str]| {
        let points = ["--split", "--kernel", "monte-carlo-pi", "-n", "200k", "--seed", "7"];
        let finished = env.coordinator(points).args(args).run().expect(COMPLETE);
        last(&finished).trim_start_matches("Final shared value: ").to_owned()
    };
    let hits: f64 = total(&["-w", "1"]).parse().expect("a number");
    for args in [&["-w", "3"] as &[&str], &["-w", "2", "--chunk", "777"]] {
        assert_eq!(total(args).parse(), Ok(hits));
    }
    assert!((4.0 * hits / 2e5 - std::f64::consts::PI).abs() < 0.02, "{hits}");
    let estimate: f64 = total(&["-w", "2", "--type", "f64"]).parse().expect("a number");
    assert!((estimate - 4.0 * hits / 2e5).abs() < 1e-9, "{estimate}");
}

/// Fault 41. Program B and a split run: their sums are checked in different ways.
#[test]
fn a_fraction_beyond_its_range_is_marked() {
    let env = test_env!();
    for (mode, value) in [("--split", "inf"), ("--split", "-inf"), ("--delay=0", "inf"), ("--delay=0", "-inf")] {
        let command = format!("echo {}1e308 # {{start}}", value.trim_end_matches("inf"));
        let args = ["-n", "4", "--chunk", "1", "--type", "f64", mode, "--exec", &command];
        let args = args.into_iter().filter(|arg| mode == "--split" || !["--chunk", "1"].contains(arg));
        let finished = env.coordinator(args.chain(["--format", "json"])).run().expect(COMPLETE);
        let report = finished.json();
        assert_eq!((&report["value"], &report["wrapped"]), (&json!(value), &json!(true)));
        let note = format!("note: the f64 left its range: {value} is not the sum");
        assert!(finished.stderr.contains(&note), "{finished:?}");
    }
}

/// Fault 42.
#[test]
fn a_sum_beyond_128_bits_is_refused_with_a_hint_that_helps() {
    let env = test_env!();
    let command = format!("echo {} # {{start}}", i128::MAX);
    let args = ["--split", "-n", "2", "--chunk", "1", "-w", "1", "--keep=never", "--exec", &command];
    let finished = env.coordinator(args).run().expect(OVERFLOW);
    assert!(finished.stderr.contains("hint: each worker's sum must fit into 128 bits"), "{finished:?}");
}

/// Fault 44.
#[test]
fn estimates_of_pi_are_never_added_up() {
    let env = test_env!();
    let estimate = ["--kernel", "monte-carlo-pi", "--type", "f64", "-n", "100"];
    for command in [&["run"] as &[&str], &["create", "pi"]] {
        let added =
            "the workers would add up their estimates of pi: --kernel monte-carlo-pi --type f64 without --split";
        assert_error(&env.coordinator(command).args(estimate).run(), USAGE, added);
    }
    for mode in ["--split", "--independent"] {
        let _ = env.coordinator(estimate).args([mode]).run().expect(COMPLETE);
    }
}

#[test]
fn fractions_say_that_their_order_shows_and_integers_have_an_exact_total() {
    let env = test_env!();
    let args = ["--type", "f64", "-n", "10", "--delay", "0", "--format", "json"];
    let finished = env.coordinator(args).run().expect(COMPLETE);
    assert_eq!((&finished.json()["value"], &finished.json()["exact_total"]), (&json!(1140.0), &json!(null)));
    assert!(finished.stderr.contains("f64 results can differ in the last digits"), "{finished:?}");
    let args = ["--type", "u64", "-w", "60", "-n", "1e6", "--delay", "0", "--format", "json"];
    let report = env.coordinator(args).run().expect(COMPLETE).json();
    let exact = 60 * 333_332_833_333_500_000_i128;
    assert_eq!(report["exact_total"], exact.to_string());
    assert_eq!(report["value"], (exact % (1 << 64)).to_string());
    assert_eq!(report["wrapped"], true);
}

#[test]
fn a_kernel_of_integers_or_another_number_of_cells_is_told_apart_before_it_runs() {
    let env = test_env!();
    let exec = ["--split", "-n", "4", "--chunk", "1", "-w", "1", "--restarts", "0", "--exec"];
    let refused = env.coordinator(exec).args(["echo 0.5 {start}"]).run().expect(INCOMPLETE);
    assert!(refused.stderr.contains("exec failed for 0..1"), "{refused:?}");
    let cells = ["--type", "f64", "--cells", "2"];
    let added = env.coordinator(exec).args(["echo 0.5 {start}"]).args(cells).run().expect(COMPLETE);
    assert_eq!(last(&added), "Final shared value: [2.0, 6.0]");
    assert_error(&env.coordinator(["--kernel", "exec"]).run(), USAGE, "kernel exec has no command");
    assert_error(
        &env.coordinator(["--split", "--exec", "echo 1"]).run(),
        USAGE,
        "would compute the same result for each chunk",
    );
    assert_error(&env.coordinator(["--exec", " "]).run(), USAGE, "is not a command");
    assert_error(&env.coordinator(["--exec", "echo 1", "--kernel", "prime-count"]).run(), USAGE, "--kernel");
}

/// Lets Python compute that many chunks of ten; the fifth fails twice.
fn compute_in_python(test: &str, chunks: i128) {
    if !Command::new("python3").arg("-c").arg("").status().is_ok_and(|status| status.success()) {
        skip(test, "python3 is missing");
        return;
    }
    let env = test_env!();
    let (once, twice) = (env.path().join("once"), env.path().join("twice"));
    let fails = format!(
        "if [ {{start}} = 50 ]; then [ -e {0} ] || {{ touch {0}; echo first >&2; exit 1; }}; \
         [ -e {1} ] || {{ touch {1}; echo second >&2; exit 2; }}; fi; ",
        once.display(),
        twice.display()
    );
    let python = "exec python3 -S -E -c 'print(sum(i * i for i in range({start}, {end})))'";
    let (n, exec) = ((chunks * 10).to_string(), fails + python);
    let args = ["--split", "-n", &n, "--chunk", "10", "-w", "2", "--type", "i64", "--exec", &exec];
    let finished = env.coordinator(args).run().expect(COMPLETE);
    let n = chunks * 10;
    assert_eq!(last(&finished), format!("Final shared value: {}", n * (n - 1) * (2 * n - 1) / 6));
    let attempt = |attempt, code, what| {
        format!("exec failed for 50..60 (attempt {attempt} of 4): exit code {code}; its stderr: {what}")
    };
    for tells in [attempt(1, 1, "first"), attempt(2, 2, "second")] {
        assert!(finished.stderr.contains(&tells), "{tells}: {}", finished.stderr);
    }
    assert_eq!(finished.lines().len(), 3, "{finished:?}");
}

#[test]
fn a_python_one_liner_computes_a_hundred_chunks_one_of_which_fails_twice() {
    compute_in_python("a_python_one_liner_computes_a_hundred_chunks_one_of_which_fails_twice", 100);
}

/// `cargo test -p tests --test cli -- --ignored`
#[test]
#[ignore = "starts a thousand interpreters; the command stands above, and in tests/README.md"]
fn a_python_one_liner_computes_a_thousand_chunks_one_of_which_fails_twice() {
    compute_in_python("a_python_one_liner_computes_a_thousand_chunks_one_of_which_fails_twice", 1000);
}

/// Never a wrong total: one chunk fails and is missing; the rest is there.
#[test]
fn a_chunk_that_keeps_failing_is_reported_with_its_stderr_and_the_rest_is_done() {
    let env = test_env!();
    let command = script(&env, "[ $1 = 20 ] && { echo bad luck >&2; exit 3; }; echo $1");
    let args =
        ["--split", "-n", "100", "--chunk", "10", "-w", "3", "--restarts", "2", "--keep=never", "--exec", &command];
    let finished = env.coordinator(args).run().expect(INCOMPLETE);
    assert_eq!(last(&finished), "Final shared value: 430");
    let why = "exec failed for 20..30 in 3 attempts: exit code 3; its stderr: bad luck";
    assert_eq!(finished.stderr.matches(why).count(), 1, "{finished:?}");
    assert!(finished.stderr.contains("90 of 100 iterations are applied"), "{finished:?}");
}

#[test]
fn garbage_on_stdout_is_a_failure() {
    let env = test_env!();
    for output in ["many", "1 2", "", "1.5", "1e3x"] {
        let command = script(&env, &format!("echo '{output}'"));
        let args = ["-n", "10", "-w", "1", "--delay", "0", "--restarts", "0", "--exec", &command];
        let finished = env.coordinator(args).run().expect(INCOMPLETE);
        assert_eq!(last(&finished), "Final shared value: 0", "{output}");
        assert!(finished.stderr.contains("exec failed for 0..10 in 1 attempt"), "{output}: {finished:?}");
    }
}

#[test]
fn a_command_that_hangs_is_killed_and_tried_again() {
    let env = test_env!();
    let marker = env.path().join("marker");
    let hangs = format!("[ $1 = 3 ] && [ ! -e {0} ] && {{ touch {0}; sleep 1h; }}; echo $1", marker.display());
    let command = script(&env, &hangs);
    let split = ["--split", "-n", "6", "--chunk", "1", "-w", "2", "--keep=never", "--exec"];
    let finished = env.coordinator(split).args([&command, "--exec-timeout", "300ms"]).run().expect(COMPLETE);
    assert_eq!(last(&finished), "Final shared value: 15");
    assert!(finished.stderr.contains("exec failed for 3..4 (attempt 1 of 4): took longer than 300ms"), "{finished:?}");
    // Without it the run's own timeout ends the command.
    fs::remove_file(&marker).expect("it hung");
    let timeout = env.coordinator(split).args([&command, "--timeout", "500ms"]).run().expect(TIMEOUT);
    assert!(!timeout.stdout.contains("value: 15"), "{timeout:?}");
}

#[test]
fn a_command_computes_for_workers_by_hand_as_well() {
    let env = test_env!();
    let name = env.create("command", &["--split", "--chunk", "4", "--exec", "echo {end}"]);
    let finished = env.worker(&name).run().expect(COMPLETE);
    assert_eq!(finished.stdout, "Process Process-1 added 22 in 3 chunks\n");
    env.remove(&name);
}

/// A command that kills its worker does not end the run.
#[test]
fn a_chunk_that_kills_its_worker_is_not_handed_round() {
    let env = test_env!();
    let command = script(&env, "[ $1 = 3 ] && { kill -9 $PPID; exec sleep 1h; }; echo 1").replace("sh ", "exec sh ");
    let args =
        ["--split", "-n", "60", "--chunk", "1", "-w", "4", "--restarts", "1", "--keep=never", "--exec", &command];
    let finished = env.coordinator(args).run().expect(INCOMPLETE);
    assert_eq!(
        last(&finished),
        "Final shared value: 59",
        "all others are done before anybody else tries it: {finished:?}"
    );
}

#[test]
fn what_a_worker_by_hand_gave_up_is_taken_up_by_the_next_one_once_all_else_is_done() {
    let env = test_env!();
    let flag = env.path().join("flag");
    let command = script(&env, &format!("[ $1 != 3 ] || [ -e {} ] || exit 9; echo 1", flag.display()));
    let name = env.create("given-up", &["--split", "--chunk", "1", "--exec", &command]);
    let failed = env.worker(&name).run().expect(INCOMPLETE);
    assert!(failed.stderr.contains("exec failed for 3..4 in 4 attempts: exit code 9; it is set aside"), "{failed:?}");
    assert_eq!(failed.stdout, "Process Process-1 added 9 in 9 chunks\n");
    let status = env.status(&name).expect("it is there");
    assert_eq!((&status["value"], &status["complete"]), (&json!(9), &json!(false)), "{status}");
    let missing = json!([{"start": "3", "end": "4", "attempts": 4, "why": "exit code 9"}]);
    assert_eq!(status["missing"], missing, "{status}");
    fs::write(&flag, "").expect("it can be written");
    let _ = env.worker(&name).run().expect(COMPLETE);
    let _ = env.coordinator(["wait", &name, "--timeout", "1min"]).run().expect(COMPLETE);
    assert_eq!(env.status(&name).expect("it is there")["value"], 10);
    env.remove(&name);
}

#[test]
fn a_value_that_programs_share_is_no_run() {
    let env = test_env!();
    let name = env.name("shared");
    let parsed: common::SegmentName = name.parse().expect("the name is legal");
    let value = common::SharedValue::create(&parsed, 7_i64).expect("the name is free");
    for args in [["wait", &name], ["stop", &name], ["resume", &name]] {
        assert_error(&env.coordinator(args).run(), common::cli::exit_code::NOTHING_TO_DO, "programs share its value");
    }
    assert_error(&env.worker(&name).run(), USAGE, "there is nothing to compute");
    let status = env.coordinator(["status", &name]).run().expect(COMPLETE);
    assert!(status.stdout.contains("value: 7 (i64)"), "{}", status.stdout);
    drop(value);
}
