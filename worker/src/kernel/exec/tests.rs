//! The kernel with a real `sh`.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;
use crate::kernel::{Stopped, Unwatched};
use common::process::{Process, look};
use common::{Number, ValueType};

/// How long a test waits for a condition.
const PATIENCE: Duration = Duration::from_secs(30);

fn task(command: &str) -> Task {
    let mut task = Task::over(3..7);
    task.terms.value_type = ValueType::I64;
    command.clone_into(&mut task.terms.command);
    task
}

fn compute(task: &Task) -> Result<Contribution, Failure> {
    Exec.compute(task, &mut Unwatched)
}

fn run(command: &str) -> Result<Contribution, Failure> {
    compute(&task(command))
}

fn why(task: &Task) -> String {
    match compute(task) {
        Err(Failure::Failed(why) | Failure::Command(_, why)) => why,
        other => panic!("{other:?}"),
    }
}

/// A folder where commands leave process ids.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("pids")
    }

    /// A command that leaves the ids of its shell and of a background process, and waits for that process.
    fn family(&self) -> String {
        format!("sleep 600 & echo $$ $! > {}; wait", self.file().display())
    }

    /// The ids, once all are there.
    fn pids(&self) -> Option<Vec<u32>> {
        let text = fs::read_to_string(self.file()).ok()?;
        text.ends_with('\n').then(|| text.split_whitespace().map(|pid| pid.parse().unwrap()).collect())
    }

    fn until_gone(&self) {
        for pid in self.pids().unwrap() {
            until(|| matches!(look(pid, common::BootTime::now()), Process::Gone | Process::Zombie));
        }
    }
}

fn until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "it does not come");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_number_on_stdout_is_the_contribution() {
    assert_eq!(run("echo 42"), Ok(42.into()));
    assert_eq!(run("printf '\\n  -5'"), Ok((-5).into()));
    assert_eq!(run(&format!("echo {}", i128::MIN)), Ok(i128::MIN.into()));
}

#[test]
fn there_is_a_number_for_each_cell() {
    let mut task = task("echo 1 2; echo 3");
    task.terms.cells = 3;
    assert_eq!(compute(&task), Ok([1, 2, 3].into_iter().map(Number::from).collect()));
}

#[test]
fn many_cells_fill_more_than_a_pipe() {
    let mut task = task("seq 1 30000");
    task.terms.cells = 30_000;
    assert_eq!(compute(&task).unwrap().as_slice()[29_999], 30_000.into());
}

#[test]
fn the_range_is_put_in_everywhere() {
    let mut task = task("echo {start} {end}{start} $(({end} - {start}))");
    task.terms.cells = 3;
    assert_eq!(compute(&task), Ok([3, 73, 4].into_iter().map(Number::from).collect()));
}

#[test]
fn fractions_are_numbers_where_the_value_is_one() {
    let mut task = task("echo 0.5");
    assert_eq!(why(&task), "not a whole number: \"0.5\"; fractions need --type f64");
    task.terms.value_type = ValueType::F64;
    assert_eq!(compute(&task), Ok(0.5.into()));
    for (text, fraction) in [("3", 3.0), ("-1e-3", -0.001)] {
        task.terms.command = format!("echo {text}");
        assert_eq!(compute(&task), Ok(fraction.into()));
    }
    for (text, told) in [("inf", "not a number"), ("nan", "not a number"), ("1e999", "beyond the range of f64")] {
        task.terms.command = format!("echo {text}");
        assert_eq!(why(&task), format!("{told}: {text:?}"));
    }
}

#[test]
fn a_bad_end_is_told_with_the_last_of_stderr() {
    assert_eq!(why(&task("echo 5; exit 3")), "exit code 3");
    assert_eq!(why(&task("echo 5; echo out of >&2; echo luck >&2; exit 3")), "exit code 3; its stderr: out of luck");
    assert_eq!(why(&task("echo 5; kill -9 $$")), "killed by signal 9");
    assert!(why(&task("no-such-command-3")).starts_with("exit code 127; its stderr: "));
}

#[test]
fn what_is_no_number_is_told() {
    assert_eq!(why(&task("echo 1x; echo oh >&2")), "not a number: \"1x\"; its stderr: oh");
    assert_eq!(why(&task("printf '\\377'")), "not a number: \"\u{fffd}\"");
    assert_eq!(
        why(&task("echo 170141183460469231731687303715884105728")),
        "more than 128 bits: \"170141183460469231731687303715884105728\""
    );
    let long = why(&task("printf '%0100d' 1; echo x"));
    assert_eq!(long, format!("not a number: \"{}\"…", "0".repeat(40)));
}

#[test]
fn there_are_neither_more_numbers_than_cells_nor_fewer() {
    assert_eq!(why(&task("echo 1 2")), "2 numbers on stdout, not 1");
    assert_eq!(why(&task("true")), "0 numbers on stdout, not 1");
    assert_eq!(why(&task("")), "0 numbers on stdout, not 1");
}

#[test]
fn stdout_without_end_is_a_failure() {
    assert_eq!(why(&task("yes 1")), "more than 4160 bytes on stdout");
}

#[test]
fn a_megabyte_of_stderr_holds_nothing_up() {
    let noise = "head -c 1000000 /dev/zero | tr '\\0' x >&2";
    assert_eq!(run(&format!("{noise}; echo 7")), Ok(7.into()));
    let why = why(&task(&format!("{noise}; printf 'é\\nnd' >&2; exit 1")));
    assert_eq!(why, format!("exit code 1; its stderr: …{}é nd", "x".repeat(STDERR_SHOWN - 4)));
}

#[test]
fn a_command_that_takes_too_long_is_killed_with_all_that_it_started() {
    let folder = Folder::new();
    let mut task = task(&format!("echo slow >&2; {}", folder.family()));
    let patient = Duration::from_millis(1500);
    task.terms.command_timeout = Some(patient);
    let began = Instant::now();
    assert_eq!(why(&task), "took longer than 1s 500ms; its stderr: slow");
    assert!(began.elapsed() >= patient);
    folder.until_gone();
}

#[test]
fn a_command_in_time_is_not_held_up_by_its_timeout() {
    let mut task = task("sleep 0.1; echo 1");
    task.terms.command_timeout = Some(Duration::MAX);
    assert_eq!(compute(&task), Ok(1.into()));
}

#[test]
fn a_stop_kills_all_of_the_command() {
    struct StopWhenThere<'a>(&'a Folder);
    impl Watch for StopWhenThere<'_> {
        fn step(&mut self, done: u64) -> Result<(), Stopped> {
            assert_eq!(done, 0);
            if self.0.pids().is_some() { Err(Stopped) } else { Ok(()) }
        }
    }
    let folder = Folder::new();
    assert_eq!(Exec.compute(&task(&folder.family()), &mut StopWhenThere(&folder)), Err(Failure::Stopped));
    folder.until_gone();
    let started = folder.0.path().join("started");
    let late = task(&format!("touch {}", started.display()));
    assert_eq!(Exec.compute(&late, &mut StopWhenThere(&folder)), Err(Failure::Stopped));
    assert!(!started.exists());
}

#[test]
fn the_watch_is_looked_at_all_the_time() {
    struct Looks(u32);
    impl Watch for Looks {
        fn step(&mut self, _done: u64) -> Result<(), Stopped> {
            self.0 += 1;
            Ok(())
        }
    }
    let mut looks = Looks(0);
    assert_eq!(Exec.compute(&task("exec 2>&-; sleep 1; echo 1"), &mut looks), Ok(1.into()));
    assert!((10..200).contains(&looks.0), "{}", looks.0);
}

#[test]
fn what_is_left_running_is_killed_and_must_not_keep_stdout_open() {
    let folder = Folder::new();
    let file = folder.file();
    let began = Instant::now();
    let quiet = format!("sleep 600 > /dev/null & echo $! > {}; echo 5", file.display());
    assert_eq!(run(&quiet), Ok(5.into()));
    folder.until_gone();
    let loud = format!("sleep 600 & echo $! > {}; echo 5", file.display());
    assert_eq!(why(&task(&loud)), "it ended, but something that it started kept its stdout open");
    folder.until_gone();
    assert_eq!(why(&task(&format!("{loud}; exit 4"))), "exit code 4");
    folder.until_gone();
    assert_eq!(run("(sleep 0.2; echo 6) &"), Ok(6.into()));
    assert!(began.elapsed() < PATIENCE);
}

#[test]
fn a_command_may_close_its_stdout_before_it_ends() {
    assert_eq!(run("echo 8; exec >&-; sleep 0.1"), Ok(8.into()));
    assert_eq!(why(&task("echo 8; exec >&-; sleep 0.1; exit 2")), "exit code 2");
}

#[test]
fn a_later_attempt_may_do_better() {
    let folder = Folder::new();
    let tried = folder.file();
    let task = task(&format!("echo x >> {0}; test $(wc -l < {0}) -ge 3 && echo 9", tried.display()));
    assert_eq!([why(&task), why(&task)], ["exit code 1", "exit code 1"]);
    assert_eq!(compute(&task), Ok(9.into()));
}

/// The worker is this test once more, in another process.
#[test]
fn a_command_is_killed_with_its_worker() {
    const FILE: &str = "EXEC_TEST_FILE";
    if let Ok(file) = env::var(FILE) {
        panic!("{:?}", run(&format!("echo $$ > {file}; exec sleep 600")));
    }
    let folder = Folder::new();
    let mut worker = Command::new(env::current_exe().unwrap());
    worker.args(["--exact", "kernel::exec::tests::a_command_is_killed_with_its_worker"]).env(FILE, folder.file());
    let mut worker = worker.stdout(Stdio::null()).spawn().unwrap();
    until(|| folder.pids().is_some());
    worker.kill().unwrap();
    worker.wait().unwrap();
    folder.until_gone();
}
