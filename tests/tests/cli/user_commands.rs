//! What a command of `--exec` is told, and what becomes of its stderr: `--exec-log` keeps it, `-v` shows it.

mod logs;
mod refusals;

use std::fs;
use std::path::{Path, PathBuf};

use common::cli::exit_code::{COMPLETE, INCOMPLETE};
use harness::{Finished, TestEnv, test_env};
use regex::Regex;

/// A run of one worker over `-n 4`, in chunks of two.
const SPLIT: [&str; 9] = ["--split", "-n", "4", "--chunk", "2", "-w", "1", "--keep=never", "--exec"];

/// A folder for logs that does not exist yet.
fn folder(env: &TestEnv) -> PathBuf {
    env.path().join("logs")
}

/// The names in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("it is there").map(|entry| entry.expect("it can be read").file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().expect("it is UTF-8")).collect();
    names.sort();
    names
}

/// A log without its times.
fn log(folder: &Path, name: &str) -> String {
    let text = fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let times = r"(?m)^(== .*), (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|after \d+\.\d s)$";
    Regex::new(times).expect("it is a pattern").replace_all(&text, "$1").into_owned()
}

fn says(finished: &Finished, what: &str) {
    assert!(finished.stderr.contains(what), "no {what:?} in {finished:?}");
}

#[test]
fn a_command_knows_its_run_its_worker_its_attempt_and_its_range() {
    let env = test_env!();
    let (name, told) = (env.name("told"), env.path().join("told"));
    let variables = ["NAME", "WORKER", "ATTEMPT", "START", "END"].map(|word| format!("$KILLPROOF_{word}")).join(" ");
    let command = format!(
        "echo \"{variables}\" >> {}; [ {{start}} = 2 ] && [ $KILLPROOF_ATTEMPT = 1 ] && exit 1; echo 1",
        told.display()
    );
    let _ = env.coordinator(SPLIT).args([&command, "--name", &name]).run().expect(COMPLETE);
    let lines = fs::read_to_string(&told).expect("it ran");
    assert_eq!(lines, format!("{name} 1 1 0 2\n{name} 1 1 2 4\n{name} 1 2 2 4\n"));
    // Whole: each worker computes the same range.
    fs::remove_file(&told).expect("it is there");
    let whole = ["-w", "3", "-n", "5", "--delay", "0", "--name", &name, "--exec", &command];
    let _ = env.coordinator(whole).run().expect(COMPLETE);
    let lines = fs::read_to_string(&told).expect("it ran");
    let mut lines: Vec<&str> = lines.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, [1, 2, 3].map(|worker| format!("{name} {worker} 1 0 5")));
}

#[test]
fn the_stderr_of_commands_is_shown_in_whole_lines_with_their_worker() {
    let env = test_env!();
    // The first part of a line stays until its end comes; what has no end comes at the command's end.
    let command = "printf 'a line of ' >&2; sleep 0.1; printf '%s\\n\\033[31mred\\nno end' {start} >&2; echo 1 # {end}";
    let finished = env.coordinator(SPLIT).args([command, "-v"]).run().expect(COMPLETE);
    for start in [0, 2] {
        says(&finished, &format!("Process-1: a line of {start}\nProcess-1: \\u{{1b}}[31mred\nProcess-1: no end\n"));
    }
    let quiet = env.coordinator(SPLIT).args([command]).run().expect(COMPLETE);
    assert!(!quiet.stderr.contains("a line of"), "{quiet:?}");
    // By hand.
    let name = env.create("shown", &["--split", "--chunk", "10", "--exec", command]);
    let by_hand = env.worker(&name).args(["-v"]).run().expect(COMPLETE);
    says(&by_hand, "Process-1: a line of 0\nProcess-1: \\u{1b}[31mred\nProcess-1: no end\n");
    env.remove(&name);
}

#[test]
fn the_lines_of_several_workers_stay_apart() {
    let env = test_env!();
    let line = "x".repeat(500);
    let command = format!("for i in 1 2 3 4 5 6 7 8 9; do echo {line} >&2; done; echo 1 # {{start}} {{end}}");
    let run = ["--split", "-n", "40", "--chunk", "1", "-w", "4", "-v", "--keep=never", "--exec", &command];
    let finished = env.coordinator(run).run().expect(COMPLETE);
    let shown: Vec<&str> = finished.stderr.lines().filter(|shown| shown.contains("xxx")).collect();
    let is_whole = |shown: &&str| shown.split_once(": ").is_some_and(|(who, rest)| who.len() == 9 && rest == line);
    assert_eq!(shown.iter().copied().find(|shown| !is_whole(shown)), None);
    assert!(!shown.is_empty(), "{finished:?}");
}

#[test]
fn what_failed_is_shown_as_before() {
    let env = test_env!();
    let failing = "echo bad luck >&2; exit 3 # {start} {end}";
    let logs = folder(&env).display().to_string();
    let plain = env.coordinator(SPLIT).args([failing, "--restarts", "0"]).run().expect(INCOMPLETE);
    let logged = env.coordinator(SPLIT).args([failing, "--restarts", "0", "--exec-log", &logs]).run();
    assert_eq!(logged.expect(INCOMPLETE).stderr, plain.stderr);
}
