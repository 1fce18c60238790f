//! Parts that workers by hand compute, that lose workers and coordinators, and that are resumed: they add up as well.

use common::cli::exit_code::{COMPLETE, INCOMPLETE};
use common::failpoint::Failpoint;
use harness::{HeldRun, Injection, test_env, whole};
use rustix::process::Signal;

use super::{run, totals};

/// 0² + 1² + … below n.
const fn squares(n: u128) -> u128 {
    (n - 1) * n * (2 * n - 1) / 6
}

#[test]
fn shards_by_hand_add_up_to_the_whole_though_their_first_worker_is_killed() {
    let env = test_env!();
    let cubes = env.path().join("cubes").display().to_string();
    for kernel in [
        &["--kernel", "prime-count", "-n", "1e5", "--type", "i64"] as &[&str],
        &["--kernel", "prime-digits", "-n", "1e5"],
        &["--kernel", "monte-carlo-pi", "-n", "1e5", "--type", "i64", "--seed", "7"],
        &["--worker", &cubes, "--kernel", "cubes", "-n", "1009", "--type", "i64"],
        &["-n", "101", "--exec", "echo $(( ({start} + {end} - 1) * ({end} - {start}) ))"],
    ] {
        let wanted = totals(run(&env, kernel, &[]).run());
        let mut sums = vec![0; wanted.len()];
        for shard in ["0/3", "1/3", "2/3"] {
            let args = ["--split", "--chunk", "9", "-w", "2", "--shard", shard];
            let name = env.create("by-hand", &[kernel, &args].concat());
            let program = if kernel[0] == "--worker" { "cubes" } else { "worker" };
            let worker = || env.program(&env.path().join(program)).args(["--name", &name]);
            let injection = Injection { failpoint: Failpoint::Recorded, action: "kill", times: 1 };
            assert_eq!(worker().inject(injection).run().signal, Some(9), "{kernel:?}");
            let _ = worker().run().expect(COMPLETE);
            let done = env.coordinator(["status", &name, "--format", "json"]).run();
            sums.iter_mut().zip(totals(done)).for_each(|(sum, part)| *sum += part);
            env.remove(&name);
        }
        assert_eq!(sums, wanted, "{kernel:?}");
    }
}

/// The option of a worker is for its delays.
#[test]
fn a_worker_by_hand_draws_the_points_of_the_run_whatever_its_seed() {
    let env = test_env!();
    let kernel = ["--kernel", "monte-carlo-pi", "-n", "1e5", "--type", "i64", "--seed", "7"];
    let wanted = totals(run(&env, &kernel, &[]).run());
    let name = env.create("seeds", &[&kernel[..], &["--split", "--chunk", "10_000"]].concat());
    let _ = env.worker(&name).args(["--seed", "8"]).run().expect(COMPLETE);
    assert_eq!(totals(env.coordinator(["status", &name, "--format", "json"]).run()), wanted);
    env.remove(&name);
}

#[test]
fn a_part_whose_workers_are_killed_anywhere_has_the_total_of_the_part() {
    let env = test_env!();
    for failpoint in
        [Failpoint::Computed, Failpoint::Recorded, Failpoint::Published, Failpoint::HalfApplied, Failpoint::Committed]
    {
        let injection = Injection { failpoint, action: "kill", times: 3 };
        let part = ["-n", "5000", "--chunk", "7", "--range", "1000..2003", "--restarts", "9", "--type", "i64"];
        let finished = run(&env, &part, &[]).inject(injection).run();
        assert_eq!(finished.stderr.matches("was killed by signal 9").count(), 3, "{failpoint:?}: {finished:?}");
        let wanted = i128::try_from(squares(2003) - squares(1000)).expect("it is small");
        assert_eq!(totals(finished), [wanted], "{failpoint:?}");
    }
}

#[test]
fn a_part_that_was_kept_is_completed_by_resume_and_nothing_is_computed_twice() {
    let env = test_env!();
    let (name, calls, cure) = (env.name("kept"), env.path().join("calls"), env.path().join("cure"));
    let command = format!(
        "echo {{start}}-{{end}} >> {}; test {{start}} != 453 -o -e {} && echo {{start}}",
        calls.display(),
        cure.display()
    );
    let args = ["-n", "1000", "--chunk", "25", "--shard", "3/7", "--restarts", "0", "--exec", &command];
    let kept = run(&env, &args, &["--name", &name]).run().expect(INCOMPLETE).json();
    let hole = serde_json::json!([{ "start": "453", "end": "478", "attempts": 1, "why": "exit code 1" }]);
    assert_eq!((&kept["missing"], whole(&kept["split"]["given_out"])), (&hole, 143));
    let status = env.coordinator(["status", &name]).run().expect(COMPLETE).stdout;
    assert!(status.contains("missing: 453..478 (exit code 1, 1 attempt)"), "{status}");
    std::fs::write(cure, "").expect("it can be written");
    let resumed = totals(env.coordinator(["resume", &name, "--format", "json"]).run());
    assert_eq!(resumed, [428 + 453 + 478 + 503 + 528 + 553]);
    let calls = std::fs::read_to_string(calls).expect("it ran");
    let mut calls: Vec<&str> = calls.lines().collect();
    calls.sort_unstable();
    assert_eq!(calls, ["428-453", "453-478", "453-478", "478-503", "503-528", "528-553", "553-571"]);
}

#[test]
fn a_part_whose_processes_were_all_killed_is_resumed_from_where_they_stopped() {
    let env = test_env!();
    let (name, held) = (env.name("killed"), HeldRun::new(&env));
    let command = format!("test {{start}} -lt 460 || {}; echo {{start}}", held.wait());
    let args = ["-n", "1000", "--chunk", "10", "-w", "1", "--range", "400..500", "--exec", &command];
    let killed = env.coordinator(["--split", "--name", &name]).args(args).start();
    env.until_status(&name, |status| whole(&status["split"]["iterations_done"]) == 60);
    killed.signal_group(Signal::KILL);
    assert_eq!(killed.finish().signal, Some(9));
    env.until_status(&name, |status| status["state"] == "stale");
    held.release();
    let resumed = env.coordinator(["resume", &name, "--format", "json"]).run().expect(COMPLETE);
    assert_eq!(resumed.json()["range"], serde_json::json!({ "start": "400", "end": "500" }));
    assert_eq!(totals(resumed), [(0..10).map(|chunk| 400 + chunk * 10).sum::<i128>()]);
}
