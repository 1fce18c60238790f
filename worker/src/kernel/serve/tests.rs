//! The kernel with real commands.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use common::process::{Process, look};
use common::{BootTime, Exit, Number, ValueType};
use tempfile::TempDir;

use super::server::Server;
use super::*;
use crate::kernel::{Stopped, Unwatched};

/// Answers each range with its end, and writes its process id into the file `pids` of its folder first.
const ENDS: &str = "echo $$ >> pids; while read -r start end; do echo $end; done";

/// A kernel, the command that it serves by, and a folder for the command.
struct Served {
    kernel: Serve,
    task: Task,
    folder: TempDir,
}

impl Served {
    fn by(script: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let mut task = Task::over(0..1);
        task.terms.value_type = ValueType::I64;
        task.terms.command = format!("cd {}; {script}", folder.path().display());
        Self { kernel: Serve::new(), task, folder }
    }

    fn ask(&mut self, start: u64, end: u64) -> Result<Contribution, Failure> {
        self.task.range = start..end;
        self.kernel.compute(&self.task, &mut Unwatched)
    }

    fn why(&mut self) -> String {
        match self.ask(3, 7) {
            Err(Failure::Failed(why) | Failure::Command(_, why)) => why,
            other => panic!("{other:?}"),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The process ids that the commands have written.
    fn pids(&self) -> Vec<u32> {
        let text = fs::read_to_string(self.file("pids")).unwrap_or_default();
        text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
    }

    fn assert_gone(&self) {
        for pid in self.pids() {
            assert!(matches!(look(pid, BootTime::now()), Process::Gone), "{pid} is alive or not reaped");
        }
    }
}

#[test]
fn one_command_serves_all_ranges() {
    let mut served = Served::by(ENDS);
    for end in 1..=2000 {
        assert_eq!(served.ask(0, end), Ok(i128::from(end).into()));
    }
    assert_eq!(served.pids().len(), 1);
    served.kernel.finish();
    served.assert_gone();
}

#[test]
fn it_reads_the_largest_range_and_answers_any_number_of_the_type() {
    let mut served = Served::by("while read -r start end; do echo \"  $start  \"; done");
    assert_eq!(served.ask(u64::MAX - 1, u64::MAX), Ok(i128::from(u64::MAX - 1).into()));
    served.task.terms.value_type = ValueType::F64;
    let mut served = Served { kernel: Serve::new(), ..served };
    served.task.terms.command = "while read -r start end; do echo $start.5e-1; done".to_owned();
    assert_eq!(served.ask(3, 4), Ok(0.35.into()));
}

#[test]
fn a_line_has_a_number_for_each_cell_also_if_it_fills_more_than_a_pipe() {
    let mut served = Served::by("while read -r start end; do seq -s ' ' $start $end; done");
    served.task.terms.cells = 100_000;
    let expected: Contribution = (1..=100_000).map(Number::from).collect();
    assert_eq!(served.ask(1, 100_000), Ok(expected.clone()));
    assert_eq!(served.why(), "5 numbers in its answer, not 100000");
    assert_eq!(served.ask(1, 100_000), Ok(expected), "another one is started");
}

#[test]
fn an_error_is_a_failed_attempt_and_the_command_stays() {
    let mut served = Served::by(&format!("{}; done", "echo $$ >> pids; while read -r a b; do echo error: no $a"));
    assert_eq!(served.why(), "no 3");
    assert_eq!(served.why(), "no 3");
    assert_eq!(served.pids().len(), 1);
    let mut served = Served::by("while read -r a b; do echo error:; done");
    assert_eq!(served.why(), "the command answered: error");
}

/// Each of these commands is replaced: the next attempt, by a command that serves, has a result.
#[test]
fn a_command_that_ends_or_answers_with_anything_else_is_replaced() {
    for (script, why) in [
        ("read -r a b; exit 3", "the command ended without an answer: exit code 3"),
        ("read -r a b; printf 12; exit 3", "the command ended without an answer: exit code 3"),
        ("read -r a b; kill -9 $$", "the command ended without an answer: killed by signal 9"),
        ("exit 0", "the command ended without an answer (exit code 0); it must read ranges until its stdin ends"),
        ("exec >&-; exec sleep 600", "the command closed its stdin or stdout"),
        ("read -r a b; echo seven; exec sleep 600", "not a number: \"seven\""),
        ("read -r a b; echo; exec sleep 600", "0 numbers in its answer, not 1"),
        ("read -r a b; echo 1 2; exec sleep 600", "2 numbers in its answer, not 1"),
        ("read -r a b; printf '1\\n2\\n'; exec sleep 600", "the command wrote more than one line for a range: \"2\""),
        ("exec yes 5", "the command wrote more than one line for a range: \"5"),
        ("exec tr '\\0' 5 < /dev/zero", "more than 4160 bytes in a line of its stdout"),
    ] {
        let mut served =
            Served::by(&format!("if mkdir first 2> /dev/null; then echo $$ >> pids; {script}; fi; {ENDS}"));
        let found = served.why();
        assert!(found.starts_with(why), "{script}: {found}");
        served.assert_gone();
        assert_eq!(served.ask(3, 7), Ok(7.into()), "{script}");
        assert_eq!(served.pids().len(), 2, "{script}");
        served.kernel.finish();
        served.assert_gone();
    }
}

#[test]
fn how_it_ended_is_told() {
    let mut served = Served::by("read -r a b; exit 3");
    assert!(matches!(served.ask(0, 1), Err(Failure::Command(Exit::Code(3), _))));
    let mut served = Served::by("read -r a b; kill -9 $$");
    assert!(matches!(served.ask(0, 1), Err(Failure::Command(Exit::Signal(9), _))));
}

/// An answer counts as soon as its line is whole, whatever becomes of the command.
#[test]
fn a_command_that_ends_after_its_answer_has_answered() {
    let mut served = Served::by("echo $$ >> pids; read -r a b; echo $b; exit 3");
    assert_eq!(served.ask(3, 7), Ok(7.into()));
    assert_eq!(served.why(), "the command ended without an answer: exit code 3");
}

/// Else each answer would be taken for the next range's.
#[test]
fn a_line_that_comes_after_the_answer_is_not_the_next_ranges() {
    let mut served =
        Served::by("read -r a b; echo 1; until [ -e more ]; do sleep 0.01; done; echo 2; echo > written; exec cat");
    assert_eq!(served.ask(3, 7), Ok(1.into()));
    fs::write(served.file("more"), "").unwrap();
    while !served.file("written").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(served.why(), "the command wrote more than one line for a range: \"2\"");
}

#[test]
fn a_command_that_does_not_read_is_not_waited_for() {
    let served = Served::by("exec sleep 600");
    let mut running = Server::start(&served.task).unwrap();
    while running.stdin.write(b"0 1\n").is_ok() {}
    let limits = Limits { timeout: None, line: 100 };
    let why = running.ask(&served.task, &limits, &mut Unwatched).unwrap_err();
    assert_eq!(why, Failure::Failed("the command answers, and does not read its stdin".to_owned()));
}

#[test]
fn a_command_that_takes_too_long_is_killed_with_all_that_it_started() {
    let mut served = Served::by("sleep 600 & echo $$ $! >> pids; while read -r a b; do sleep 600; done");
    served.task.terms.command_timeout = Some(Duration::from_millis(300));
    assert_eq!(served.why(), "took longer than 300ms");
    let [shell, _] = served.pids()[..] else { panic!("{:?}", served.pids()) };
    assert!(matches!(look(shell, BootTime::now()), Process::Gone));
}

#[test]
fn a_stop_kills_it() {
    /// Stops as soon as the command is there.
    struct Until(PathBuf);

    impl Watch for Until {
        fn step(&mut self, done: u64) -> Result<(), Stopped> {
            assert_eq!(done, 0);
            if fs::read_to_string(&self.0).is_ok_and(|text| text.ends_with('\n')) { Err(Stopped) } else { Ok(()) }
        }
    }

    let served = Served::by("echo $$ >> pids; read -r a b; exec sleep 600");
    let stopped = served.kernel.compute(&served.task, &mut Until(served.file("pids")));
    assert_eq!(stopped, Err(Failure::Stopped));
    served.assert_gone();
}

#[test]
fn at_the_end_its_stdin_ends_and_it_may_take_its_time() {
    let script = format!("{ENDS}; sleep 0.2; echo done > end; sleep 600 & exit 1");
    let mut served = Served::by(&script);
    served.task.terms.grace = Duration::from_secs(60);
    assert_eq!(served.ask(3, 7), Ok(7.into()));
    served.kernel.finish();
    assert_eq!(fs::read_to_string(served.file("end")).unwrap(), "done\n");
    served.assert_gone();

    let mut served = Served::by(&format!("{ENDS}; exec sleep 600"));
    served.task.terms.grace = Duration::from_millis(50);
    assert_eq!(served.ask(3, 7), Ok(7.into()));
    served.kernel.finish();
    served.assert_gone();
}
