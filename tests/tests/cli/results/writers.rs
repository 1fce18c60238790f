//! Several writers of one folder: the same part twice, and many first parts at once.

use common::cli::exit_code::{COMPLETE, DISAGREE};
use harness::{Command, HeldRun, ResultsFolder, Running, secluded, test_env, until, wrapped};
use serde_json::Value;

/// A run that waits, on a host with a `/dev/shm` of its own.
fn elsewhere(folder: &ResultsFolder<'_>, args: &[&str]) -> Command {
    let mount = "mount -t tmpfs none /dev/shm && exec \"$0\" \"$@\"";
    folder.run(args).with(wrapped(&["unshare", "--mount", "--uts", "sh", "-c", &format!("hostname other && {mount}")]))
}

/// A run of one part in which each of its ten chunks gives `number` after the release.
fn args(held: &HeldRun<'_>, number: &str, kind: &'static str) -> Vec<String> {
    let command = format!("{}; echo {number} # {{start}}", held.wait());
    ["-n", "100", "--chunk", "10", "--type", kind, "-w", "1", "--exec", &command].map(str::to_owned).to_vec()
}

/// Starts a run, and waits until it is at work.
fn begun(folder: &ResultsFolder<'_>, args: &[&str]) -> Running {
    let run = folder.run(args).start();
    let _ = folder.until_begun("0-100");
    run
}

/// Fault 71.
#[test]
fn two_hosts_that_compute_the_same_part_leave_one_result_and_both_succeed() {
    if !secluded!(two_hosts_that_compute_the_same_part_leave_one_result_and_both_succeed) {
        return;
    }
    let env = test_env!();
    let (folder, held) = (ResultsFolder::new(&env, "results"), HeldRun::new(&env));
    let args = args(&held, "7", "i32");
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let here = begun(&folder, &args);
    let other = elsewhere(&folder, &args).args(["-v"]).start();
    until("the other host to be at work", || other.stderr().contains("launched Process-1"));
    held.release();
    let ends = [here.finish().expect(COMPLETE), other.finish().expect(COMPLETE)];
    for end in &ends {
        assert!(end.stdout.ends_with("Final shared value: 70\n"), "{end:?}");
    }
    let noted = ends.iter().filter(|end| end.stderr.contains("has left the same result in")).count();
    assert_eq!(noted, 1, "{ends:?}");
    assert_eq!(folder.names(), ["0-100.json", "job.json"]);
}

/// A result that somebody else writes while the run computes: the run's own with another total.
fn written_meanwhile(folder: &ResultsFolder<'_>, total: &str) {
    let job = folder.json("job.json");
    let result = serde_json::json!({
        "schema": 1, "job": job["id"], "start": "0", "end": "100", "total": total, "host": "liar", "pid": 1,
        "started": "2026-01-01T00:00:00Z", "finished": "2026-01-01T00:00:01Z", "elapsed_s": 1.0, "restarts": 0, "recoveries": 0,
    });
    folder.write("0-100.json", &result.to_string());
}

/// Fault 71.
#[test]
fn a_result_that_differs_is_kept_beside_the_first_one_and_both_are_named() {
    let env = test_env!();
    let (folder, held) = (ResultsFolder::new(&env, "results"), HeldRun::new(&env));
    let args = args(&held, "7", "i32");
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let run = begun(&folder, &args);
    written_meanwhile(&folder, "71");
    held.release();
    let pid = run.pid();
    let finished = run.finish().expect(DISAGREE);
    assert!(finished.stdout.ends_with("Final shared value: 70\n"), "{finished:?}");
    let names = folder.names();
    let beside = names.iter().find(|name| name.starts_with("0-100.differs-")).expect("it is kept");
    assert!(names.len() == 3 && beside.ends_with(&format!("-{pid}.json")), "{names:?}");
    assert_eq!((&folder.json(beside)["total"], &folder.json("0-100.json")["total"]), (&"70".into(), &"71".into()));
    for named in ["0-100.json has 71, by liar", "this run has 70", beside.as_str()] {
        assert!(finished.stderr.contains(named), "{named}: {finished:?}");
    }
    assert!(folder.segments().is_empty(), "{finished:?}");
}

#[test]
fn fractions_that_differ_in_the_last_digits_agree() {
    let env = test_env!();
    for (total, code) in [("2.5000000000001", COMPLETE), ("2.50001", DISAGREE)] {
        let (folder, held) = (ResultsFolder::new(&env, total), HeldRun::new(&env));
        let args = args(&held, "0.25", "f64");
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let run = begun(&folder, &args);
        written_meanwhile(&folder, total);
        held.release();
        let finished = run.finish().expect(code);
        assert_eq!(folder.json("0-100.json")["total"], total, "{finished:?}");
        held.hold_again();
    }
}

#[test]
fn of_many_first_parts_at_once_one_makes_the_job_and_all_belong_to_it() {
    let env = test_env!();
    let folder = ResultsFolder::new(&env, "results");
    let shards: Vec<String> = (0..8).map(|index| format!("{index}/8")).collect();
    let runs: Vec<Running> =
        shards.iter().map(|shard| folder.run(&["-n", "1000", "-w", "1", "--shard", shard]).start()).collect();
    for run in runs {
        let _ = run.finish().expect(COMPLETE);
    }
    let (names, job) = (folder.names(), folder.json("job.json"));
    assert_eq!(names.len(), 9, "{names:?}");
    let parts = names.iter().filter(|name| *name != "job.json").map(|name| folder.json(name));
    let parts: Vec<Value> = parts.collect();
    assert!(parts.iter().all(|part| part["job"] == job["id"]), "{parts:?}");
    assert_eq!(parts.iter().map(|part| harness::whole(&part["total"])).sum::<u64>(), 332_833_500);
}
