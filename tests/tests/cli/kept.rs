//! Which segment is kept at the end of a run: what was computed and applied is never thrown away.

use common::cli::exit_code::{
    COMPLETE, FOREIGN, INCOMPLETE, INTERRUPTED, NOTHING_TO_DO, OVERFLOW, TERMINATED, TIMEOUT, UNAVAILABLE, USAGE,
};
use common::failpoint::Failpoint;
use harness::{Finished, Injection, TestEnv, assert_error, secluded, test_env, until, wrapped};
use rustix::process::Signal;

/// A run of four, of which one contribution is applied and everybody was killed.
fn begun_and_killed(env: &TestEnv, label: &str) -> String {
    let name = env.name(label);
    let running = env.sleeping_run(&name, "1h", &["-w", "3"]);
    let _ = env.worker(&name).args(["--delay", "0"]).run().expect(COMPLETE);
    running.signal_group(Signal::KILL);
    assert_eq!(running.finish().signal, Some(9));
    env.until_status(&name, |status| status["state"] == "stale");
    name
}

/// Checks that the command's last line says that the segment is kept, with that much applied, to be finished.
#[track_caller]
fn is_kept(env: &TestEnv, finished: &Finished, name: &str, applied: &str) {
    let line = format!(
        "kept segment {name}: {applied} are applied; finish it: coordinator resume {name}; or remove it: coordinator \
         remove {name}"
    );
    assert_eq!(finished.stderr.lines().last(), Some(&line[..]), "{finished:?}");
    assert_eq!(env.status(name).expect("it was kept")["state"], "finished", "{finished:?}");
    // Neither the next start nor `--stale` touches it; other tests have their own /dev/shm for the latter.
    let _ = env.coordinator(["-w", "1", "-n", "1", "--delay", "0", "-q"]).run().expect(COMPLETE);
    assert!(env.segment(name).exists());
}

/// Fault 35.
#[test]
fn a_resume_without_descriptors_keeps_what_is_applied() {
    let env = test_env!();
    let mut failed_late = 0;
    for limit in 4..20 {
        let name = begun_and_killed(&env, &format!("ulimit-{limit}"));
        let script = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
        let resumed =
            env.coordinator(["resume", &name, "--timeout", "100ms"]).with(wrapped(&["sh", "-c", &script])).run();
        assert!(![Some(0), None].contains(&resumed.code), "{limit}: {resumed:?}");
        let status = env.status(&name).unwrap_or_else(|| panic!("{limit}: {resumed:?}"));
        assert_eq!((&status["value"], &status["contributions"]["done"]), (&285.into(), &1.into()), "{limit}: {status}");
        failed_late += u32::from(resumed.stderr.contains("kept segment"));
        env.remove(&name);
    }
    assert!(failed_late > 0, "with some limit it attaches and then fails");
}

/// Fault 35.
#[test]
fn a_resume_with_a_worker_that_does_nothing_keeps_what_is_applied() {
    let env = test_env!();
    let name = begun_and_killed(&env, "false");
    let resumed = env.coordinator(["resume", &name, "--worker", "/bin/false", "-q"]).run().expect(INCOMPLETE);
    is_kept(&env, &resumed, &name, "1 of 4 contributions");
    assert!(
        resumed.stderr.contains(&format!("hint: remove the cause, or change: coordinator resume {name} --restarts N"))
    );
    assert_eq!(env.status(&name).expect("it was kept")["value"], 285);
    env.remove(&name);
}

/// Fault 35.
#[test]
fn a_resume_ended_by_ctrl_c_keeps_what_is_applied_and_also_what_is_not_begun() {
    let env = test_env!();
    let name = begun_and_killed(&env, "ctrl-c");
    for _ in 0..2 {
        let resumed = env.coordinator(["resume", &name]).start();
        env.until_status(&name, |status| status["workers"][2]["state"] == "sleeping");
        resumed.signal_group(Signal::INT);
        is_kept(&env, &resumed.finish().expect(INTERRUPTED), &name, "1 of 4 contributions");
    }
    env.remove(&name);
    let name = env.name("nothing");
    let death = Injection { failpoint: Failpoint::Launching, action: "kill", times: 1 };
    assert_eq!(env.coordinator(["--name", &name]).inject(death).run().signal, Some(9));
    let resumed = env.coordinator(["resume", &name, "--timeout", "0s"]).run().expect(TIMEOUT);
    is_kept(&env, &resumed, &name, "0 of 4 contributions");
    env.remove(&name);
}

/// Fault 35: the end of the coordinator itself, by a panic.
#[test]
fn a_resume_that_panics_keeps_what_is_applied() {
    let env = test_env!();
    let name = begun_and_killed(&env, "panic");
    let panic = Injection { failpoint: Failpoint::Launching, action: "panic", times: 1 };
    let resumed = env.coordinator(["resume", &name]).inject(panic).run();
    assert_eq!(resumed.code, Some(101), "{resumed:?}");
    is_kept(&env, &resumed, &name, "1 of 4 contributions");
    env.remove(&name);
}

#[test]
fn a_resume_never_throws_away_and_names_the_command_that_does() {
    let env = test_env!();
    let name = begun_and_killed(&env, "never");
    let refused = env.coordinator(["resume", &name, "--keep", "never"]).run();
    assert_error(&refused, USAGE, "--keep is never");
    assert!(refused.stderr.contains(&format!("coordinator remove {name}")), "{refused:?}");
    assert_eq!(env.status(&name).expect("nothing was done")["state"], "stale");
    env.remove(&name);
}

/// Fault 37.
#[test]
fn a_split_run_that_is_ended_early_is_kept_and_a_resume_finishes_it() {
    let env = test_env!();
    let name = env.name("early");
    for (how, code) in [("term", TERMINATED), ("timeout", TIMEOUT), ("stop", INCOMPLETE), ("now", INCOMPLETE)] {
        let args = ["--split", "--name", &name, "-n", "1000", "--chunk", "5", "--delay", "60ms", "--type", "i64", "-q"];
        let timeout: &[&str] = if how == "timeout" { &["--timeout", "1s"] } else { &[] };
        let running = env.coordinator(args).args(timeout).start();
        env.until_status(&name, |status| harness::whole(&status["split"]["iterations_done"]) > 20);
        match how {
            "term" => running.signal(Signal::TERM),
            "stop" => _ = env.coordinator(["stop", &name]).run().expect(COMPLETE),
            "now" => _ = env.coordinator(["stop", "--now", &name]).run().expect(COMPLETE),
            _ => {}
        }
        let ended = running.finish().expect(code);
        let status = env.status(&name).unwrap_or_else(|| panic!("{how}: {ended:?}"));
        let done = harness::whole(&status["split"]["iterations_done"]);
        assert!((20..1000).contains(&done), "{how}: {done}");
        is_kept(&env, &ended, &name, &format!("{done} of 1000 iterations"));
        let resumed = env.coordinator(["resume", &name, "-q", "--timeout", "1min"]).run().expect(COMPLETE);
        assert_eq!(resumed.stdout, "332833500\n", "{how}");
        assert!(env.segments().is_empty(), "{how}");
    }
}

/// Fault 37: no name was given, and the last line names the segment.
#[test]
fn a_split_run_without_a_name_is_kept_and_named() {
    let env = test_env!();
    let args = ["--split", "-n", "1000", "--chunk", "5", "--delay", "60ms", "--timeout", "1500ms", "-q"];
    let ended = env.coordinator(args).run().expect(TIMEOUT);
    let name = ended.stderr.lines().last().and_then(|line| line.strip_prefix("kept segment ")?.split(':').next());
    let name = name.unwrap_or_else(|| panic!("{ended:?}"));
    let resumed = env.coordinator(["resume", name, "--timeout", "1min", "-q"]).run().expect(COMPLETE);
    assert_eq!((resumed.stdout.as_str(), env.segment(name).exists()), ("332833500\n", false));
}

/// Fault 37: what is not wanted, and what holds nothing.
#[test]
fn an_anonymous_run_and_one_without_contributions_leave_nothing() {
    let env = test_env!();
    let running = env.coordinator(["-n", "10", "--delay", "100ms..1h", "--seed", "1", "-v"]).start();
    until("the workers to be launched", || running.stderr().matches("launched").count() == 4);
    running.signal_group(Signal::INT);
    let ended = running.finish().expect(INTERRUPTED);
    assert!(ended.stderr.contains("removed the segment") && !ended.stderr.contains("kept"), "{ended:?}");
    for args in [&["--delay", "1h"][..], &["--split", "--delay", "1h", "--chunk", "1"]] {
        let name = env.name("nothing");
        let ended =
            env.coordinator(["--name", &name, "-n", "10", "--timeout", "200ms"]).args(args).run().expect(TIMEOUT);
        assert!(!ended.stderr.contains("kept") && !ended.stderr.contains("hint"), "{ended:?}");
        assert!(env.segments().is_empty());
    }
}

#[test]
fn where_a_resume_cannot_help_only_status_and_remove_are_named() {
    let env = test_env!();
    let shown = |finished: &Finished, name: &str| {
        let next = format!("; look at it: coordinator status {name}; or remove it: coordinator remove {name}\n");
        assert!(finished.stderr.ends_with(&next), "{finished:?}");
        assert!(!finished.stderr.contains("resume"), "{finished:?}");
        env.remove(name);
    };
    let name = env.name("overflow");
    let args = ["--name", &name, "--overflow", "error", "--delay", "0", "-n", "1500"];
    shown(&env.coordinator(args).run().expect(OVERFLOW), &name);
    let name = env.name("complete");
    for keep in [&["--keep"][..], &["--keep", "always"], &["--keep=always"]] {
        let args = ["--name", &name, "--delay", "0", "-n", "10", "-q"];
        let kept = env.coordinator(args).args(keep).run().expect(COMPLETE);
        assert!(kept.stderr.starts_with(&format!("kept segment {name}: 4 of 4 contributions are applied; ")));
        let refused = env.coordinator(["resume", &name]).run();
        assert_error(&refused, NOTHING_TO_DO, "its result was reported already");
        let taken = env.coordinator(["--name", &name]).run();
        assert_error(&taken, UNAVAILABLE, "exists already: it was kept when its run ended");
        shown(&kept, &name);
    }
}

/// A damaged run is kept as well: its contributions may be of use to who looks at them.
#[test]
fn a_damaged_run_is_kept_to_be_looked_at() {
    use std::os::unix::fs::FileExt;
    let env = test_env!();
    let name = env.name("damaged");
    let running = env.sleeping_run(&name, "1h", &["-w", "1"]);
    let _ = env.worker(&name).args(["--delay", "0"]).run().expect(COMPLETE);
    let file = std::fs::File::options().write(true).open(env.segment(&name)).expect("it is there");
    file.write_all_at(&[1; 8], 376).expect("the value can be overwritten");
    running.signal(Signal::TERM);
    let ended = running.finish().expect(FOREIGN);
    assert!(ended.stderr.contains("is damaged: the value is"), "{ended:?}");
    let next = format!("; look at it: coordinator status {name}; or remove it: coordinator remove {name}\n");
    assert!(ended.stderr.ends_with(&next), "{ended:?}");
    env.remove(&name);
}

/// Fault 38.
#[test]
fn a_death_between_the_report_and_the_removal_leaves_a_segment_that_the_next_start_clears() {
    // The starts of other tests would clear it as well.
    if !secluded!(a_death_between_the_report_and_the_removal_leaves_a_segment_that_the_next_start_clears) {
        return;
    }
    let env = test_env!();
    let death = Injection { failpoint: Failpoint::Marked, action: "kill", times: 1 };
    for next in [&["create"][..], &["run", "--delay", "0", "-n", "10", "-q", "--name"]] {
        let name = env.name("marked");
        let killed = env.coordinator(["--name", &name, "--delay", "0", "-n", "10"]).inject(death).run();
        assert_eq!(killed.signal, Some(9));
        assert!(killed.stdout.ends_with("Final shared value: 1140\n"), "it was delivered: {killed:?}");
        let status = env.status(&name).expect("it is still there");
        assert_eq!((&status["state"], &status["complete"]), (&"finished".into(), &true.into()));
        let refused = env.coordinator(["resume", &name]).run();
        assert_error(&refused, NOTHING_TO_DO, "it is to be removed");
        let _ = env.worker(&name).run().expect(NOTHING_TO_DO);
        // Even under the same name.
        let _ = env.coordinator(next).args([&name]).run().expect(COMPLETE);
        if next == ["create"] {
            env.remove(&name);
        }
        assert!(env.segments().is_empty());
    }
}

/// Fault 38.
#[test]
fn remove_stale_clears_what_is_to_be_removed_and_leaves_what_was_kept() {
    if !secluded!(remove_stale_clears_what_is_to_be_removed_and_leaves_what_was_kept) {
        return;
    }
    let env = test_env!();
    let (marked, kept, failed) = (env.name("marked"), begun_and_killed(&env, "kept"), begun_and_killed(&env, "failed"));
    let stale = begun_and_killed(&env, "stale");
    let death = Injection { failpoint: Failpoint::Marked, action: "kill", times: 1 };
    assert_eq!(env.coordinator(["--name", &marked, "--delay", "0"]).inject(death).run().signal, Some(9));
    let _ = env.coordinator(["resume", &kept, "--timeout", "0s"]).run().expect(TIMEOUT);
    let panic = Injection { failpoint: Failpoint::Launching, action: "panic", times: 1 };
    assert_eq!(env.coordinator(["resume", &failed]).inject(panic).run().code, Some(101));
    let cleared = env.coordinator(["remove", "--stale"]).run().expect(COMPLETE);
    assert!([&marked, &stale].iter().all(|name| cleared.stderr.contains(&format!("removed {name}\n"))), "{cleared:?}");
    let mut left = env.segments();
    left.sort();
    assert_eq!(left, [env.segment(&failed), env.segment(&kept)]);
    let again = env.coordinator(["remove", "--stale"]).run().expect(COMPLETE);
    assert_eq!(again.stderr, "nothing is stale\n");
    env.remove(&failed);
    env.remove(&kept);
}
