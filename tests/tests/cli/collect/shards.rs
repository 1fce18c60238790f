//! What runs with `--results` leave is what `collect` reads.

use common::cli::exit_code::{COMPLETE, INCOMPLETE};
use harness::{Finished, TestEnv, test_env};

use super::assert_line;

/// Runs one of four shards of a job of 1000 iterations.
#[track_caller]
fn run_shard(env: &TestEnv, folder: &str, index: usize, args: &[&str]) {
    let shard = format!("{index}/4");
    let run = ["run", "--split", "-n", "1000", "--shard", &shard, "--results", folder, "-w", "2", "-q"];
    let _ = env.coordinator(run).args(args).run().expect(COMPLETE);
}

fn collect(env: &TestEnv, folder: &str, args: &[&str]) -> Finished {
    env.coordinator(["collect", folder]).args(args).run()
}

#[test]
fn the_shards_of_each_kind_of_job_are_listed_collected_and_verified() {
    let env = test_env!();
    let cubes = env.path().join("cubes");
    let cubes = cubes.to_str().expect("it is UTF-8");
    let command = "seq {start} $(({end} - 1)) | wc -l";
    let pi = ["--kernel", "monte-carlo-pi", "--type", "f64"];
    for (label, args, trusted, total) in [
        ("squares", &["--type", "i64"][..], &[][..], Some("332833500")),
        ("digits", &["--kernel", "prime-digits"], &[], Some("[0, 40, 1, 42, 0, 1, 0, 46, 0, 38]")),
        ("pi", &pi, &[], None),
        ("command", &["--exec", command], &["--exec", command], Some("1000")),
        (
            "of-cubes",
            &["--kernel", "cubes", "--type", "i64", "--worker", cubes],
            &["--worker", cubes],
            Some("249500250000"),
        ),
    ] {
        let folder = env.path().join(label);
        let folder = folder.to_str().expect("it is UTF-8");
        for index in [0, 2] {
            run_shard(&env, folder, index, args);
        }
        assert_eq!(collect(&env, folder, &["--missing"]).expect(COMPLETE).stdout, "1,3\n");
        assert_line(&collect(&env, folder, &[]).expect(INCOMPLETE), "error", 1, &["2 of 4 shards"]);
        for index in [3, 1] {
            run_shard(&env, folder, index, args);
        }
        let collected = collect(&env, folder, &[]).expect(COMPLETE);
        assert_eq!(collected.stderr, "");
        if let Some(total) = total {
            assert_eq!(collected.stdout, format!("Final shared value: {total}\nExact total: {total}\n"));
        }
        let verified = collect(&env, folder, &[&["--verify", "9"], trusted].concat()).expect(COMPLETE);
        assert_line(&verified, "note", 4, &["is verified"]);
    }
}
