//! `--range` and `--shard`: the parts of a range give what the whole gives.

mod sums;

use common::cli::exit_code::{COMPLETE, FOREIGN, USAGE};
use common::failpoint::Failpoint;
use harness::{Command, Finished, Injection, TestEnv, assert_error, test_env, whole};
use serde_json::{Value, json};

/// What an engine says of a process's place.
const PLACES: [&str; 13] = [
    "SLURM_ARRAY_TASK_ID",
    "SLURM_ARRAY_TASK_MIN",
    "SLURM_ARRAY_TASK_MAX",
    "SLURM_ARRAY_TASK_COUNT",
    "SLURM_PROCID",
    "SLURM_NTASKS",
    "HQ_TASK_ID",
    "JOB_COMPLETION_INDEX",
    "OMPI_COMM_WORLD_RANK",
    "OMPI_COMM_WORLD_SIZE",
    "PARALLEL_SEQ",
    "PARALLEL_JOBSLOT",
    "SLURM_JOB_ID",
];

/// The totals of a run, one for each cell.
fn totals(finished: Finished) -> Vec<i128> {
    let number = |total: &Value| total.as_str().expect("a string").parse().expect("a number");
    match &finished.expect(COMPLETE).json()["exact_total"] {
        Value::Array(cells) => cells.iter().map(number).collect(),
        one => vec![number(one)],
    }
}

/// A run of a kernel, as JSON.
fn run(env: &TestEnv, kernel: &[&str], part: &[&str]) -> Command {
    env.coordinator(["--split", "-w", "2", "--format", "json"]).args(kernel).args(part)
}

#[test]
fn the_shards_of_every_kernel_add_up_to_the_whole() {
    let env = test_env!();
    let cubes = env.path().join("cubes").display().to_string();
    for kernel in [
        &["--kernel", "prime-count", "-n", "1e6"] as &[&str],
        &["--kernel", "prime-digits", "-n", "1e6", "--type", "i64"],
        &["--kernel", "sum-of-squares", "-n", "10007"],
        &["--kernel", "monte-carlo-pi", "-n", "1e6", "--seed", "7"],
        &["--worker", &cubes, "--kernel", "cubes", "-n", "1009", "--type", "i64"],
        &["-n", "101", "--chunk", "10", "--exec", "echo $(( ({start} + {end} - 1) * ({end} - {start}) ))"],
    ] {
        let wanted = totals(run(&env, kernel, &[]).run());
        let mut sums = vec![0; wanted.len()];
        for shard in ["0/3", "1/3", "2/3"] {
            let injection = Injection { failpoint: Failpoint::Published, action: "kill", times: 1 };
            let finished = run(&env, kernel, &["--shard", shard]).inject(injection).run();
            assert!(finished.stderr.contains("was killed by signal 9"), "{kernel:?}: {finished:?}");
            let part = totals(finished);
            sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        assert_eq!(sums, wanted, "{kernel:?}");
    }
}

#[test]
fn an_estimate_is_the_sum_of_the_estimates_of_its_parts() {
    let env = test_env!();
    let kernel = ["--kernel", "monte-carlo-pi", "--type", "f64", "-n", "1e6", "--seed", "1"];
    let value =
        |part: &[&str]| run(&env, &kernel, part).run().expect(COMPLETE).json()["value"].as_f64().expect("a number");
    let parts = value(&["--range", "0..300_000"]) + value(&["--range", "300_000..1e6"]);
    assert!((parts - value(&[])).abs() < 1e-12, "{parts}");
}

#[test]
fn json_and_status_name_the_part_and_count_from_its_start() {
    let env = test_env!();
    let kernel = ["-n", "1000", "--chunk", "50"];
    let report = run(&env, &kernel, &["--shard", "3/7"]).run().expect(COMPLETE).json();
    assert_eq!(report["range"], json!({ "start": "428", "end": "571" }));
    assert_eq!(report["shard"], json!({ "index": "3", "of": "7" }));
    assert_eq!(report["iterations"], "1000");
    assert_eq!((whole(&report["split"]["given_out"]), whole(&report["split"]["iterations_done"])), (143, 143));
    let report = run(&env, &kernel, &["--range", "10..20"]).run().expect(COMPLETE).json();
    assert_eq!((&report["range"], &report["shard"]), (&json!({ "start": "10", "end": "20" }), &Value::Null));
    let report = run(&env, &kernel, &[]).run().expect(COMPLETE).json();
    assert_eq!((&report["range"], &report["shard"]), (&json!({ "start": "0", "end": "1000" }), &Value::Null));

    let name = env.create("part", &["--split", "-n", "1000", "--chunk", "50", "--shard", "3/7"]);
    let text = env.coordinator(["status", &name]).run().expect(COMPLETE).stdout;
    assert!(text.contains("sum-of-squares over iterations 428..571 of 1000, shard 3 of 7; 0% in 0 chunks"), "{text}");
    let status = env.status(&name).expect("it is there");
    assert_eq!(status["missing"], json!([{ "start": "428", "end": "571", "attempts": 0, "why": "not begun" }]));
    let line = env.worker(&name).run().expect(COMPLETE).stdout;
    assert_eq!(line, "Process Process-1 added 35850815 in 3 chunks\n");
    assert_error(&env.worker(&name).args(["-n", "5"]).run(), USAGE, "divides 428..571 among its workers");
    let listed = env.coordinator(["list"]).run().expect(COMPLETE).stdout;
    assert!(listed.lines().any(|line| line.starts_with(&name) && line.contains("100% applied")), "{listed}");
    env.remove(&name);
}

#[test]
fn a_part_that_was_interrupted_is_resumed_within_its_bounds() {
    let env = test_env!();
    let name = env.name("part");
    let args = ["--split", "--name", &name, "-n", "1e6", "--chunk", "100", "--range", "5000..6000", "--type", "i64"];
    let killed = env.coordinator(args).args(["--delay", "1h", "--timeout", "100ms", "--keep", "always"]).run();
    assert!(killed.stderr.contains("0 of 1000 iterations are applied"), "{killed:?}");
    assert!(killed.stderr.contains("missing: 5000..6000 (not begun)"), "{killed:?}");
    env.remove(&name);
    let stopped = env.coordinator(args).args(["--exec-timeout", "5s", "--restarts", "0"]);
    let stopped = stopped.args(["--exec", "test {start} != 5500 && echo {start}"]).run();
    assert!(stopped.stderr.contains("missing: 5500..5600 (exit code 1, 1 attempt)"), "{stopped:?}");
    let again = env.coordinator(["resume", &name]).run();
    assert!(again.stderr.contains("900 of 1000 iterations are applied"), "{again:?}");
    env.remove(&name);
}

#[test]
fn parts_that_make_no_sense_are_refused() {
    let env = test_env!();
    for (args, what) in [
        (&["--range", "0..10"] as &[&str], "--split"),
        (&["--shard", "0/2"], "--split"),
        (&["--split", "--range", "0..10", "--shard", "0/2"], "cannot be used with"),
        (&["--split", "--shard", "2/2"], "of 2 shards the first is 0/2 and the last is 1/2"),
        (&["--split", "--shard", "-1/2"], "not a count"),
        (&["--split", "--shard", "0/0"], "at least one shard"),
        (&["--split", "--shard", "5"], "I/N"),
        (&["--split", "-n", "10", "--shard", "0/11"], "0..10 has too few iterations for 11 shards"),
        (&["--split", "-n", "0", "--shard", "0/1"], "0..0 has too few iterations for 1 shards"),
        (&["--split", "-n", "10", "--range", "5..11"], "--range is 5..11, and the whole range is 0..10"),
        (&["--split", "--range", "5..5"], "A is below B"),
        (&["--split", "--range", "5"], "A..B"),
        (&["--split", "-n", "0", "--results", "nowhere"], "-n is 0"),
        (&["--results", "nowhere"], "--split"),
        (&["--split", "--results", "nowhere", "--name", "mine"], "cannot be used with"),
        // What is excluded is not required: each of these needs --split, which --independent excludes.
        (&["--independent", "--results", "nowhere"], "cannot be used with"),
        (&["--independent", "--shard", "0/2"], "cannot be used with"),
        (&["--independent", "--range", "0..5"], "cannot be used with"),
        (&["--independent", "--chunk", "5"], "cannot be used with"),
        (&["--independent", "--fail-fast"], "cannot be used with"),
        (&["--kernel", "prime-count", "--exec-timeout", "5s"], "cannot be used with"),
    ] {
        assert_error(&env.coordinator(args).run(), USAGE, what);
    }
    for (args, what) in [
        (&["--shard", "0/2"] as &[&str], "--split"),
        (&["--range", "0..5"], "--split"),
        (&["--split", "-n", "10", "--shard", "0/11"], "too few iterations for 11 shards"),
        (&["--split", "-n", "10", "--range", "5..11"], "the whole range is 0..10"),
        (&["--split", "-n", "0", "--range", "0..1"], "the whole range is 0..0"),
        (&["--split", "--range", "6..5"], "A is below B"),
        (&["--split", "--range", "0..5", "--shard", "0/2"], "cannot be used with"),
    ] {
        let name = env.name("refused");
        assert_error(&env.coordinator(["create", &name]).args(args).run(), USAGE, what);
        assert!(env.status(&name).is_none(), "{args:?}");
    }
}

/// Each shard's number from an engine's variables.
#[test]
fn an_engine_gives_the_place() {
    let env = test_env!();
    let alone = |args: &[&str], variables: &[(&str, &str)]| {
        let run = run(&env, &["-n", "10"], &[]).args(args);
        run.with(|process| {
            for place in PLACES {
                process.env_remove(place);
            }
            process.envs(variables.iter().copied());
        })
    };
    let shard = |args: &[&str], variables: &[(&str, &str)]| {
        alone(args, variables).run().expect(COMPLETE).json()["shard"].clone()
    };
    let resubmitted = [
        ("SLURM_ARRAY_TASK_ID", "7"),
        ("SLURM_ARRAY_TASK_MIN", "3"),
        ("SLURM_ARRAY_TASK_MAX", "9"),
        ("SLURM_ARRAY_TASK_COUNT", "4"),
        ("SLURM_PROCID", "0"),
        ("SLURM_NTASKS", "1"),
    ];
    assert_eq!(shard(&["--shard", "auto/10"], &resubmitted), json!({ "index": "7", "of": "10" }));
    assert_eq!(shard(&["--shard", "auto/2"], &[("PARALLEL_SEQ", "2")]), json!({ "index": "1", "of": "2" }));
    let ranks = [("OMPI_COMM_WORLD_RANK", "3"), ("OMPI_COMM_WORLD_SIZE", "5")];
    assert_eq!(shard(&["--shard", "auto"], &ranks), json!({ "index": "3", "of": "5" }));
    assert_error(&alone(&["--shard", "auto"], &resubmitted).run(), USAGE, "the array has 4 tasks from 3 to 9");
    assert_error(&alone(&["--shard", "auto/9"], &[]).run(), USAGE, "no engine gives a place");
    let two = [("HQ_TASK_ID", "1"), ("PARALLEL_SEQ", "1")];
    assert_error(&alone(&["--shard", "auto/9"], &two).run(), USAGE, "HQ_TASK_ID=1, PARALLEL_SEQ=1");
}

/// The terms' words behind the whole range: a shard's index and their number, or a range's start and end. What is
/// refused is the part: a writer that makes a checksum of its own would be refused as well.
#[test]
fn a_part_beyond_its_range_in_a_segment_is_damage() {
    let env = test_env!();
    for (part, damage) in [
        (["--shard", "3/7"], &[(2_usize, 7_u64), (2, u64::MAX), (3, 3), (3, 0), (3, 1001), (1, 6)] as &[_]),
        (["--range", "300..400"], &[(2, 401), (2, u64::MAX), (3, 299), (3, 0), (3, 1001), (3, u64::MAX), (1, 399)]),
    ] {
        let name = env.create("damage", &[&["--split", "-n", "1000"], &part[..]].concat());
        let path = env.segment(&name);
        let whole = std::fs::read(&path).expect("it can be read");
        for (word, value) in damage {
            let mut bytes = whole.clone();
            bytes[128 + word * 8..][..8].copy_from_slice(&value.to_le_bytes());
            std::fs::write(&path, bytes).expect("it can be written");
            for command in ["status", "wait", "resume", "remove"] {
                assert_error(&env.coordinator([command, &name]).run(), FOREIGN, "part of the range");
            }
            assert_error(&env.worker(&name).run(), FOREIGN, "part of the range");
        }
        std::fs::write(&path, whole).expect("it can be written");
        let _ = env.worker(&name).run().expect(COMPLETE);
        env.remove(&name);
    }
}
