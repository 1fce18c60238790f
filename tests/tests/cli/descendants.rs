//! What commands leave behind: children in other sessions, and children whose parents are dead.

use std::fs;
use std::path::{Path, PathBuf};

use common::BootTime;
use common::cli::exit_code;
use common::process::{Process, look};
use harness::{TestEnv, test_env, until, wrapped};
use rustix::process::Signal;

/// A command's descendants that its process group does not have: one in a session of its own, one whose parent is dead.
///
/// They append to the file for as long as they live. Who waits for both lines knows that both are there.
fn family(file: &Path) -> String {
    let file = file.display();
    let lives = format!("echo $$ >> {file}; exec sleep 60");
    format!(
        "setsid sh -c '{lives}' < /dev/null > /dev/null 2>&1 & (setsid sh -c '{lives}' < /dev/null > /dev/null 2>&1 &); \
         until [ \"$(wc -l < {file})\" = 2 ]; do sleep 0.01; done"
    )
}

/// The process ids in the file of a family.
fn pids(file: &Path) -> Vec<u32> {
    fs::read_to_string(file).unwrap_or_default().lines().filter_map(|pid| pid.parse().ok()).collect()
}

fn is_gone(pid: u32) -> bool {
    matches!(look(pid, BootTime::now()), Process::Gone | Process::Zombie)
}

fn file(env: &TestEnv, label: &str) -> PathBuf {
    let file = env.path().join(label);
    fs::write(&file, "").expect("it can be written");
    file
}

/// Fault 54: the command kills its worker. The next attempt, of whichever worker, finds none of the descendants.
#[test]
fn nothing_that_a_killed_worker_started_computes_beside_the_next_attempt() {
    let env = test_env!();
    for workers in ["1", "3"] {
        let (family_file, first) = (file(&env, "family"), env.path().join(format!("first{workers}")));
        let beside = env.path().join("beside");
        let (first, beside_path, listed) = (first.display(), beside.display(), family_file.display());
        let command = format!(
            "if [ {{start}} = 3 ]; then if mkdir {first} 2> /dev/null; then {}; kill -9 $PPID; sleep 60; fi; \
             for pid in $(cat {listed}); do kill -0 $pid 2> /dev/null && echo $pid >> {beside_path}; done; fi; \
             echo 1 # {{end}}",
            family(&family_file)
        );
        let args = ["--split", "-n", "12", "--chunk", "1", "-w", workers, "--restarts", "1", "--exec", &command];
        let finished = env.coordinator(args).run().expect(exit_code::COMPLETE);
        assert!(finished.stdout.ends_with("Final shared value: 12\n"), "{finished:?}");
        let pids = pids(&family_file);
        assert_eq!(pids.len(), 2, "{finished:?}");
        assert!(!beside.exists(), "{pids:?} were alive beside the next attempt");
        assert!(pids.into_iter().all(is_gone), "they are left at the end");
    }
}

/// Fault 54: whether a worker ends by itself, launched or by hand, what it started ends with it.
#[test]
fn nothing_that_a_command_started_outlives_the_run_or_the_worker() {
    let env = test_env!();
    let launched = file(&env, "launched");
    let command = format!("{}; echo 1 # {{start}} {{end}}", family(&launched));
    let finished = env.coordinator(["-w", "1", "--delay", "0", "--exec", &command]).run().expect(exit_code::COMPLETE);
    assert_eq!(pids(&launched).len(), 2, "{finished:?}");
    assert!(pids(&launched).into_iter().all(is_gone));

    let by_hand = file(&env, "by-hand");
    let command = format!("{}; echo 1 # {{start}} {{end}}", family(&by_hand));
    let name = env.create("hand", &["-w", "1", "--exec", &command]);
    let _ = env.worker(&name).run().expect(exit_code::COMPLETE);
    assert_eq!(pids(&by_hand).len(), 2);
    assert!(pids(&by_hand).into_iter().all(is_gone));
    env.remove(&name);
}

/// Faults 13 and 54: nothing outlives a run that a signal, a timeout or a second signal ends.
#[test]
fn nothing_that_a_command_started_outlives_an_interrupted_run() {
    let env = test_env!();
    for (label, code, signals) in
        [("once", exit_code::INTERRUPTED, 1), ("twice", exit_code::INTERRUPTED, 2), ("timeout", exit_code::TIMEOUT, 0)]
    {
        let family_file = file(&env, label);
        let command = format!("{}; exec sleep 60 # {{start}} {{end}}", family(&family_file));
        let timeout = if signals == 0 { "5s" } else { "1h" };
        let args = ["-w", "1", "-v", "--timeout", timeout, "--grace", "30s", "--exec", &command];
        let running = env.coordinator(args).start();
        until("the family to be there", || pids(&family_file).len() == 2);
        for count in 0..signals {
            until("the signal before to be heard", || count == 0 || running.stderr().contains("stopping"));
            running.signal(Signal::INT);
        }
        let _ = running.finish().expect(code);
        assert!(pids(&family_file).into_iter().all(is_gone), "{label}");
    }
}

/// Fault 54: what the program before the coordinator's `exec` has left is not the run's.
#[test]
fn a_child_that_the_coordinator_inherited_outlives_the_run_and_what_the_run_left_does_not() {
    let env = test_env!();
    let (inherited, family_file) = (file(&env, "inherited"), file(&env, "family"));
    let (listed, listed_family) = (inherited.display(), family_file.display());
    let leave = format!("sleep 60 < /dev/null > /dev/null 2>&1 & echo $! > {listed}; exec \"$0\" \"$@\"");
    let command = format!(
        "if [ \"$(wc -l < {listed_family})\" != 2 ]; then {}; kill -9 $PPID; sleep 60; fi; echo 1 # {{start}} {{end}}",
        family(&family_file)
    );
    let args = ["-w", "1", "--delay", "0", "-q", "--exec", &command];
    let running = env.coordinator(args).with(wrapped(&["sh", "-c", &leave])).start();
    until("the run to end", || running.has_ended());
    let (inherited, family) = (pids(&inherited), pids(&family_file));
    let is_left = inherited.iter().all(|pid| !is_gone(*pid));
    // The inherited process is in the run's process group, which is killed with it.
    let finished = running.finish().expect(exit_code::COMPLETE);
    assert_eq!((finished.stdout.as_str(), inherited.len(), family.len()), ("1\n", 1, 2));
    assert!(is_left && family.into_iter().all(is_gone));
}
