//! `--serve`: a command that stays alive as the kernel.

use std::fs;
use std::path::Path;

use common::BootTime;
use common::cli::exit_code::{COMPLETE, INCOMPLETE, INTERRUPTED, USAGE};
use common::process::{Process, look};
use harness::{assert_error, test_env, until};
use rustix::process::{Pid, Signal, kill_process};

/// Answers each range with its length, after `act`; its process id is in the file first.
fn lengths(pids: &Path, act: &str) -> String {
    format!("echo $$ >> {}; while read -r start end; do {act}; echo $((end - start)); done", pids.display())
}

fn pids(file: &Path) -> Vec<u32> {
    fs::read_to_string(file).unwrap_or_default().lines().filter_map(|pid| pid.parse().ok()).collect()
}

fn is_gone(pid: u32) -> bool {
    matches!(look(pid, BootTime::now()), Process::Gone | Process::Zombie)
}

#[test]
fn one_process_a_worker_computes_each_range_once() {
    let env = test_env!();
    let file = env.path().join("pids");
    let command = lengths(&file, ":");
    let args = ["--split", "-n", "3000", "--chunk", "1", "-w", "3", "-q", "--serve", &command];
    let finished = env.coordinator(args).run().expect(COMPLETE);
    assert_eq!((&*finished.stdout, &*finished.stderr), ("3000\n", ""));
    // One that comes when nothing is left starts none.
    assert!((1..=3).contains(&pids(&file).len()), "{:?}", pids(&file));
    assert!(pids(&file).into_iter().all(is_gone));
}

#[test]
fn without_split_each_worker_computes_the_whole_range_and_by_hand_too() {
    let env = test_env!();
    let file = env.path().join("pids");
    let command = lengths(&file, ":");
    let finished = env.coordinator(["-w", "2", "-n", "10", "--delay", "0", "-q", "--serve", &command]).run();
    assert_eq!(finished.expect(COMPLETE).stdout, "20\n");
    let name = env.create("hand", &["--serve", &command]);
    let added = env.worker(&name).run().expect(COMPLETE);
    assert_eq!(added.stdout, "Process Process-1 updated shared value to 10\n");
    assert_eq!(env.status(&name).expect("it is there")["kernel"], "serve");
    env.remove(&name);
    assert_eq!(pids(&file).len(), 3);
    assert!(pids(&file).into_iter().all(is_gone));
}

#[test]
fn the_command_knows_the_run_and_the_worker_and_its_stderr_passes_through() {
    let env = test_env!();
    let name = env.name("known");
    let command = "echo \"$KILLPROOF_NAME $KILLPROOF_WORKER ${KILLPROOF_START-none} ${KILLPROOF_ATTEMPT-none}\" >&2; \
                   while read -r a b; do echo 1; done";
    let args = ["--name", &name, "-w", "2", "--delay", "0", "-n", "10", "-q", "--serve", command];
    let finished = env.coordinator(args).run().expect(COMPLETE);
    let mut lines: Vec<&str> = finished.stderr.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, [format!("{name} 1 none none"), format!("{name} 2 none none")]);
}

/// Fault 74: a range that the command refuses is tried again, and set aside; the others are computed, by the same process.
#[test]
fn an_error_is_a_failed_attempt_of_that_range_alone() {
    let env = test_env!();
    let (file, name) = (env.path().join("pids"), env.name("refused"));
    let command = lengths(&file, "if [ $start = 3 ]; then echo error: no luck with 3; continue; fi");
    let args = ["--split", "-n", "9", "--chunk", "1", "-w", "1", "--restarts", "1", "--serve", &command];
    let finished = env.coordinator(args).args(["--name", &name]).run().expect(INCOMPLETE);
    for line in [
        "error: incomplete (chunks were set aside): 8 of 9 iterations are applied",
        "Process-1: serve failed for 3..4 (attempt 1 of 2): no luck with 3",
        "Process-1: serve failed for 3..4 in 2 attempts: no luck with 3; it is set aside",
        "missing: 3..4 (failed, 2 attempts)",
    ] {
        assert!(finished.stderr.contains(line), "{finished:?}");
    }
    assert_eq!(pids(&file).len(), 1, "{finished:?}");
    env.remove(&name);
}

/// Fault 74.
#[test]
fn a_command_that_dies_answers_wrongly_or_takes_too_long_is_replaced_and_nothing_is_missing() {
    let env = test_env!();
    for (label, act) in [
        ("dies", "kill -9 $$"),
        ("ends", "exit 3"),
        ("answers wrongly", "echo what"),
        ("answers twice", "printf '1\\n1\\n'"),
        ("takes too long", "exec sleep 600"),
    ] {
        let (file, first) = (env.path().join(format!("{label}.pids")), env.path().join(label));
        let act = format!("if [ $start = 3 ] && mkdir '{}' 2> /dev/null; then {act}; fi", first.display());
        let command = lengths(Path::new(&format!("'{}'", file.display())), &act);
        let args = ["--split", "-n", "9", "--chunk", "1", "-w", "1", "-q", "--exec-timeout", "2s", "--serve", &command];
        let finished = env.coordinator(args).run().expect(COMPLETE);
        assert_eq!(finished.stdout, "9\n", "{label}");
        assert!(finished.stderr.starts_with("Process-1: serve failed for 3..4 (attempt 1 of 4): "), "{finished:?}");
        assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");
        assert_eq!(pids(&file).len(), 2, "{label}");
        assert!(pids(&file).into_iter().all(is_gone), "{label}");
    }
}

/// Fault 54: the worker is killed with its command at work; the next worker starts one of its own.
#[test]
fn a_killed_worker_takes_its_command_with_it() {
    let env = test_env!();
    let (file, first) = (env.path().join("pids"), env.path().join("first"));
    let act = format!("if [ $start = 3 ] && mkdir {} 2> /dev/null; then kill -9 $PPID; sleep 600; fi", first.display());
    let command = lengths(&file, &act);
    let args = ["--split", "-n", "9", "--chunk", "1", "-w", "1", "-q", "--serve", &command];
    let finished = env.coordinator(args).run().expect(COMPLETE);
    assert_eq!(finished.stdout, "9\n");
    assert_eq!(pids(&file).len(), 2, "{finished:?}");
    assert!(pids(&file).into_iter().all(is_gone));
}

#[test]
fn a_signal_and_a_killed_coordinator_end_the_command() {
    let env = test_env!();
    for signal in [Signal::INT, Signal::KILL] {
        let label = format!("signal{}", signal.as_raw());
        let (file, name) = (env.path().join(&label), env.name(&label));
        let command = lengths(&file, "[ $start = 0 ] || exec sleep 600");
        let args = ["--split", "-n", "9", "--chunk", "1", "-w", "1", "--name", &name, "--serve", &command];
        let running = env.coordinator(args).start();
        env.until_status(&name, |status| status["split"]["iterations_done"] == "1");
        running.signal(signal);
        until("the coordinator to end", || running.has_ended());
        if signal == Signal::KILL {
            let worker = env.status(&name).expect("it is there")["workers"][0]["pid"].as_i64().expect("it is alive");
            let worker = i32::try_from(worker).ok().and_then(Pid::from_raw).expect("it is a process id");
            kill_process(worker, Signal::TERM).expect("the worker computes");
        }
        until("the command to end", || pids(&file).into_iter().all(is_gone));
        assert_eq!(pids(&file).len(), 1);
        until("the worker to end", || env.coordinator(["remove", &name]).run().code == Some(0));
        // Not before: it kills whoever is left of the run.
        let ended = running.finish();
        assert!(ended.code == Some(INTERRUPTED.into()) || ended.signal == Some(9), "{ended:?}");
    }
}

#[test]
fn the_end_of_stdin_is_the_end_of_the_work_and_grace_ends_the_command() {
    let env = test_env!();
    let (file, end) = (env.path().join("pids"), env.path().join("end"));
    let command = format!("{}; echo bye > {}", lengths(&file, ":"), end.display());
    let args = ["-w", "1", "--delay", "0", "-n", "10", "-q", "--serve"];
    let finished = env.coordinator(args).args([&command]).run().expect(COMPLETE);
    assert_eq!((&*finished.stdout, &*finished.stderr), ("10\n", ""));
    assert_eq!(fs::read_to_string(&end).expect("it has ended by itself"), "bye\n");

    let command = format!("{}; echo 7; exec sleep 600", lengths(&file, ":"));
    let finished = env.coordinator(["--grace", "1s"]).args(args).args([&command]).run().expect(COMPLETE);
    assert_eq!(finished.stdout, "10\n");
    let lines: Vec<&str> = finished.stderr.lines().collect();
    assert_eq!(
        lines,
        [
            "Process-1: the command did not end within 1s of the end of its stdin; it is killed",
            "Process-1: the command wrote after its last answer: \"7\"; does it answer each range once?",
        ]
    );
    assert!(pids(&file).into_iter().all(is_gone));
}

#[test]
fn silence_is_noted_once() {
    let env = test_env!();
    let file = env.path().join("pids");
    let command = lengths(&file, "[ -e go ] || until [ -e go ]; do sleep 0.05; done");
    let args = ["--split", "-n", "9", "--chunk", "3", "-w", "1", "-q", "--serve", &command];
    let running = env.coordinator(args).with(|run| _ = run.current_dir(file.parent().expect("a folder"))).start();
    until("the note", || running.stderr().contains('\n'));
    fs::write(env.path().join("go"), "").expect("it can be written");
    let finished = running.finish().expect(COMPLETE);
    let [pid] = pids(&file)[..] else { panic!("{finished:?}") };
    let note = format!("Process-1: no answer for 0..3 in 5 s from the command, pid {pid}; does it flush its stdout?\n");
    assert_eq!((&*finished.stdout, finished.stderr), ("9\n", note));
}

#[test]
fn what_makes_no_sense_is_a_usage_error() {
    let env = test_env!();
    for (args, what) in [
        (&["--kernel", "serve"][..], "kernel serve has no command"),
        (&["--serve", " "], "\" \" is not a command"),
        (&["--serve", "cat", "--exec-timeout", "0"], "--exec-timeout is 0"),
        (&["--serve", "sum {start}"], "has {start} or {end} in it, which --serve does not replace"),
        (&["--serve", "cat", "--exec", "seq"], "cannot be used with"),
        (&["--serve", "cat", "--kernel", "prime-count"], "cannot be used with"),
        (&["--serve", "cat", "--exec-log", "logs"], "cannot be used with"),
        (&["--exec-timeout", "1s"], "--serve <CMD>"),
    ] {
        assert_error(&env.coordinator(args).run(), USAGE, what);
    }
}
