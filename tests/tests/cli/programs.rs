//! The two Python programs, to the letter, and the options of `run`.

use std::collections::BTreeSet;

use common::cli::exit_code;
use common::failpoint::Failpoint;
use harness::{Injection, test_env};

/// The values of Program B in the order of its updates.
const VALUES: [&str; 4] = ["584144992", "1168289984", "1752434976", "-1958387328"];

/// The K of a line of Program B whose value is `value`.
fn process(line: &str, value: &str) -> u32 {
    let rest = line.strip_prefix("Process Process-").unwrap_or_else(|| panic!("{line}"));
    let (k, rest) = rest.split_once(' ').unwrap_or_else(|| panic!("{line}"));
    assert_eq!(rest, format!("updated shared value to {value}"), "{line}");
    k.parse().unwrap_or_else(|_| panic!("{line}"))
}

#[test]
fn bare_coordinator_prints_the_five_lines_of_program_b() {
    let env = test_env!();
    let finished = env.coordinator([""; 0]).run().expect(exit_code::COMPLETE);
    let lines = finished.lines();
    let processes: BTreeSet<u32> = lines.iter().zip(VALUES).map(|(line, value)| process(line, value)).collect();
    assert_eq!(processes, BTreeSet::from([1, 2, 3, 4]));
    assert_eq!(lines[4..], ["Final shared value: -1958387328"]);
    assert!(finished.stdout.ends_with('\n'));
    assert!(finished.stderr.contains("exact total is 1333331333334000000"), "{}", finished.stderr);
}

#[test]
fn independent_with_ten_million_is_program_a() {
    let env = test_env!();
    let name = env.name("a");
    let finished = env.coordinator(["--independent", "-n", "10_000_000", "--name", &name]).run();
    let finished = finished.expect(exit_code::COMPLETE);
    let expected: BTreeSet<String> =
        (1..=4).map(|k| format!("Process Process-{k}, Result: 333333283333335000000")).collect();
    assert_eq!(finished.lines().into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), expected);
    assert_eq!(finished.lines().len(), 4);
}

#[test]
fn run_is_the_default_command() {
    let env = test_env!();
    let run = |args: &[&str]| env.coordinator(args).args(["--delay", "0", "-w", "1", "-n", "10"]).run();
    assert_eq!(run(&["run"]).expect(0).stdout, run(&[]).expect(0).stdout);
}

#[test]
fn every_spelling_of_the_iterations_counts_the_same() {
    let env = test_env!();
    for n in ["1000", "1_000", "1k", "1e3"] {
        let finished = env.coordinator(["-w", "1", "--delay", "0", "-q", "-n", n]).run().expect(0);
        assert_eq!(finished.stdout, "332833500\n", "{n}");
    }
}

#[test]
fn quiet_prints_the_final_number_alone() {
    let env = test_env!();
    let finished = env.coordinator(["-q", "--delay", "0"]).run().expect(0);
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("-1958387328\n", ""));
}

#[test]
fn quiet_prints_numbers_alone_in_every_mode() {
    let env = test_env!();
    let squares = "285\n285\n285\n285\n";
    for (args, printed) in [
        (&["--independent"][..], squares),
        (&["--split"], "285\n"),
        (&["--type", "f64"], "1140.0\n"),
        (&["--kernel", "prime-digits"], "[0, 0, 4, 4, 0, 4, 0, 4, 0, 0]\n"),
        (&["--split", "--kernel", "prime-digits"], "[0, 0, 1, 1, 0, 1, 0, 1, 0, 0]\n"),
    ] {
        let finished = env.coordinator(["-q", "-n", "10", "--delay", "0"]).args(args).run().expect(0);
        assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), (printed, ""), "{args:?}");
    }
}

#[test]
fn verbose_tells_of_a_worker_that_is_killed_and_launched_again() {
    let env = test_env!();
    let injection = Injection { failpoint: Failpoint::Computed, action: "kill", times: 1 };
    let finished = env.coordinator(["-v", "--delay", "0", "-w", "1", "-n", "10"]).inject(injection).run().expect(0);
    let mut rest = finished.stderr.as_str();
    for step in ["launched Process-1, pid", "killed by signal 9", "launched Process-1 again, pid", "reaped Process-1"] {
        let (_, later) = rest.split_once(step).unwrap_or_else(|| panic!("{step}: {}", finished.stderr));
        rest = later;
    }
}

#[test]
fn verbose_explains_each_step_on_stderr_and_leaves_stdout_alone() {
    let env = test_env!();
    let finished = env.coordinator(["-v", "--delay", "0", "-w", "1", "-n", "10"]).run().expect(0);
    let steps =
        ["created segment", "launched Process-1", "attached", "committed 285; ", "exit code 0", "closed", "removed"];
    for step in steps {
        assert!(finished.stderr.contains(step), "{step}: {}", finished.stderr);
    }
    // The worker's, too.
    let has_a_time = |line: &str| line.starts_with('[') && line.contains(" s] ");
    assert!(finished.stderr.lines().all(has_a_time), "{}", finished.stderr);
    assert_eq!(finished.stdout, "Process Process-1 updated shared value to 285\nFinal shared value: 285\n");
}

#[test]
fn a_wider_type_holds_the_exact_total() {
    let env = test_env!();
    let finished = env.coordinator(["--type", "i64", "--delay", "0"]).run().expect(0);
    assert_eq!(finished.lines()[4], "Final shared value: 1333331333334000000");
    assert!(!finished.stderr.contains("wrapped"), "{}", finished.stderr);
}

#[test]
fn a_seed_makes_the_delays_and_with_them_the_order_reproducible() {
    let env = test_env!();
    let delays = |seed: &str| -> Vec<f64> {
        let args = ["--seed", seed, "--delay", "1ms..60ms", "-n", "10", "--format", "json"];
        let report = env.coordinator(args).run().expect(0).json();
        let workers = report["workers"].as_array().expect("workers are an array");
        // A sleep never ends early; the scheduler may end it late.
        workers.iter().map(|worker| worker["slept_s"].as_f64().expect("they slept")).collect()
    };
    let range: common::DelayRange = "1ms..60ms".parse().expect("it is a range");
    for seed in [7, 8] {
        for (slept, ticket) in delays(&seed.to_string()).into_iter().zip(1..) {
            assert!(slept >= range.draw(seed, ticket).as_secs_f64(), "seed {seed}, Process-{ticket}");
        }
    }
}

#[test]
fn json_follows_schema_2() {
    let env = test_env!();
    let name = env.name("json");
    let report = env.coordinator(["--format", "json", "--delay", "0", "--name", &name]).run().expect(0).json();
    assert_eq!(report["schema"], 2);
    assert_eq!(report["name"], name);
    assert_eq!(report["kernel"], "sum-of-squares");
    assert_eq!(report["mode"], "repeat");
    assert_eq!(report["iterations"], "1000000");
    assert_eq!(report["type"], "i32");
    assert_eq!(report["value"], -1_958_387_328);
    assert_eq!(report["exact_total"], "1333331333334000000");
    assert_eq!(report["wrapped"], true);
    assert_eq!(report["complete"], true);
    assert_eq!(report["contributions"]["done"], 4);
    assert_eq!(report["contributions"]["total"], 4);
    assert_eq!(report["restarts"], 0);
    assert_eq!(report["recoveries"], 0);
    assert!(report["elapsed_s"].as_f64().is_some_and(|elapsed| elapsed > 0.0));
    let workers = report["workers"].as_array().expect("workers are an array");
    assert_eq!(workers.len(), 4);
    for (worker, number) in workers.iter().zip(1..) {
        assert_eq!(worker["number"], number);
        assert!(worker["pid"].as_u64().is_some_and(|pid| pid > 0));
        assert_eq!(worker["state"], "done");
        assert_eq!(worker["exit_code"], 0);
        assert!(worker["signal"].is_null());
        assert_eq!(worker["restarts"], 0);
        assert_eq!(worker["contribution"], "333332833333500000");
        assert!(worker["chunks"].is_null());
        for time in ["attached_s", "computed_s", "slept_s", "lock_wait_s", "committed_s"] {
            assert!(worker[time].as_f64().is_some_and(|seconds| seconds >= 0.0), "{time}: {worker}");
        }
    }
}

#[test]
fn json_of_an_independent_run_has_no_value() {
    let env = test_env!();
    let report = env.coordinator(["--independent", "--format", "json", "-n", "10"]).run().expect(0).json();
    assert_eq!(report["mode"], "independent");
    assert!(report["value"].is_null());
    assert_eq!(report["workers"][3]["contribution"], "285");
}

#[test]
fn jobs_bounds_the_workers_alive_at_once() {
    let env = test_env!();
    let args = ["-w", "6", "--jobs", "2", "--delay", "20ms", "-n", "10", "--format", "json"];
    let report = env.coordinator(args).run().expect(0).json();
    let workers = report["workers"].as_array().expect("workers are an array");
    let span = |key: &str| -> Vec<f64> { workers.iter().filter_map(|worker| worker[key].as_f64()).collect() };
    let (mut attached, mut committed) = (span("attached_s"), span("committed_s"));
    attached.sort_by(f64::total_cmp);
    committed.sort_by(f64::total_cmp);
    assert_eq!(committed.len(), 6);
    // The third worker cannot have attached before the first was done, and so on.
    for (later, earlier) in attached[2..].iter().zip(&committed) {
        assert!(later > earlier, "{report}");
    }
}

#[test]
fn hundreds_of_workers_all_contribute() {
    let env = test_env!();
    let finished = env.coordinator(["-w", "200", "--jobs", "8", "--delay", "0", "-n", "10", "-q"]).run().expect(0);
    assert_eq!(finished.stdout, format!("{}\n", 285 * 200));
}

#[test]
fn kernels_are_listed_with_a_line_each_and_each_can_be_run() {
    let env = test_env!();
    let listed = env.coordinator(["kernels"]).run().expect(0);
    assert_eq!(listed.stderr, format!("note: their loops run with {} here\n", worker::kernel::instruction_set()));
    let names: Vec<&str> = listed.lines().iter().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, ["sum-of-squares", "prime-count", "prime-digits", "monte-carlo-pi", "exec", "serve"]);
    let digits = "[0, 40, 1, 42, 0, 1, 0, 46, 0, 38]";
    // The values of the others depend on the seed and on a command.
    for (name, value) in names.into_iter().zip(["332833500", "168", digits]) {
        let args = ["--kernel", name, "-n", "1000", "-w", "1", "--delay", "0", "-q"];
        assert_eq!(env.coordinator(args).run().expect(0).stdout, format!("{value}\n"));
    }
}

#[test]
fn no_iterations_are_a_result_too() {
    let env = test_env!();
    let finished = env.coordinator(["-n", "0", "--delay", "0", "-w", "2"]).run().expect(0);
    assert_eq!(finished.lines()[2], "Final shared value: 0");
}

#[test]
fn keep_leaves_a_finished_segment_that_nobody_joins() {
    let env = test_env!();
    let name = env.name("kept");
    let _ = env.coordinator(["--keep", "--delay", "0", "--name", &name]).run().expect(0);
    let status = env.status(&name).expect("it is still there");
    assert_eq!((&status["state"], &status["value"]), (&"finished".into(), &(-1_958_387_328).into()));
    let late = env.worker(&name).run().expect(exit_code::NOTHING_TO_DO);
    assert!(late.stderr.contains("nothing left to do"), "{}", late.stderr);
    let _ = env.coordinator(["remove", &name]).run().expect(0);
}

#[test]
fn a_worker_executable_of_ones_own_brings_its_kernel() {
    let env = test_env!();
    let cubes = env.path().join("cubes");
    let cubes = cubes.to_str().expect("the path is text");
    let args = ["--worker", cubes, "--kernel", "cubes", "-n", "10", "-w", "2", "--delay", "0"];
    let finished = env.coordinator(args).run().expect(0);
    assert_eq!(finished.lines()[2], "Final shared value: 4050");
}
