//! Workers in programs that are more than workers, and kernels that do not call their watch.

use std::fs;
use std::path::PathBuf;

use common::BootTime;
use common::cli::exit_code::{COMPLETE, FOREIGN, INCOMPLETE, NOTHING_TO_DO, TERMINATED, TIMEOUT, USAGE};
use common::process::{Process, look};
use harness::{Command, TestEnv, assert_error, skip, test_env, until};
use rustix::process::Signal;
use serde_json::json;

/// Programs with a worker in them.
pub(super) struct Hosts<'a> {
    env: &'a TestEnv,
    record: PathBuf,
}

impl<'a> Hosts<'a> {
    pub(super) fn new(env: &'a TestEnv) -> Self {
        Self { env, record: env.path().join("record") }
    }

    fn path(&self) -> PathBuf {
        self.env.path().join("hosting-worker")
    }

    fn with_record(&self, command: Command) -> Command {
        command.with(|process| {
            process.env("HOST_RECORD", &self.record);
        })
    }

    /// A run of twelve iterations, one a chunk, whose workers are such programs.
    pub(super) fn run(&self, kernel: &str, args: &[&str]) -> Command {
        let run =
            self.env.coordinator(["--split", "-n", "12", "--chunk", "1", "-w", "2", "--kernel", kernel, "--worker"]);
        self.with_record(run.args([self.path()]).args(args))
    }

    /// A segment of four chunks for workers by hand.
    fn create(&self, kernel: &str) -> String {
        let name = self.env.name(kernel);
        let create = self.env.coordinator(["create", &name, "--split", "-n", "12", "--chunk", "3", "--kernel", kernel]);
        let _ = create.args(["--worker"]).args([self.path()]).run().expect(COMPLETE);
        name
    }

    fn by_hand(&self, name: &str) -> Command {
        self.with_record(self.env.program(&self.path()).args(["--name", name]))
    }

    /// The worker that is stuck, and what its kernel has started, once both are there.
    fn stuck(&self) -> [u32; 2] {
        self.all_stuck(1).try_into().expect("two process ids are recorded")
    }

    /// The same of so many workers.
    pub(super) fn all_stuck(&self, count: usize) -> Vec<u32> {
        let mut lines = String::new();
        until("kernels to be stuck", || {
            lines = fs::read_to_string(&self.record).unwrap_or_default();
            lines.ends_with('\n') && lines.lines().count() == count
        });
        lines.split_whitespace().map(|pid| pid.parse().expect("it is a process id")).collect()
    }
}

pub(super) fn is_gone(pid: u32) -> bool {
    matches!(look(pid, BootTime::now()), Process::Gone | Process::Zombie)
}

/// The grace is longer than the test waits: nobody is killed.
#[test]
fn a_kernel_that_does_not_watch_ends_at_once_when_the_run_stops() {
    for (how, code) in [("signal", TERMINATED), ("stop", INCOMPLETE), ("timeout", TIMEOUT)] {
        let env = test_env!();
        let (hosts, name) = (Hosts::new(&env), env.name(how));
        let timeout = if how == "timeout" { "5s" } else { "1h" };
        let args =
            ["--name", &name, "--grace", "1h", "--timeout", timeout, "--restarts", "0", "--format", "json", "-v"];
        let running = hosts.run("stuck", &args).start();
        let [_, started] = hosts.stuck();
        env.until_status(&name, |status| status["value"] == 11);
        match how {
            "signal" => running.signal(Signal::TERM),
            "stop" => _ = env.coordinator(["stop", "--now", &name]).run().expect(COMPLETE),
            _ => {}
        }
        let finished = running.finish().expect(code);
        assert!(is_gone(started), "{how}: {finished:?}");
        let workers = finished.json()["workers"].clone();
        let exits = workers.as_array().expect("it is a list").iter().map(|worker| &worker["exit_code"]);
        assert!(
            exits.eq([&json!(1), &json!(0)]) || workers[0]["exit_code"] == 0 && workers[1]["exit_code"] == 1,
            "{workers}"
        );
        assert!(!finished.stderr.contains("signal 9") && !finished.stderr.contains("asked to stop"), "{finished:?}");
        let resumed = hosts.with_record(env.coordinator(["resume", &name, "--timeout", "1min", "--format", "json"]));
        let report = resumed.run().expect(COMPLETE).json();
        assert_eq!((&report["value"], &report["missing"]), (&json!(12), &json!([])), "{how}: {report}");
    }
}

#[test]
fn a_signal_ends_a_worker_by_hand_whose_kernel_does_not_watch_with_all_that_it_has_started() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        if common::process::is_ignored(signal.as_raw()) {
            skip("a signal", "it is ignored here, and so by the workers that the tests start");
            continue;
        }
        let env = test_env!();
        let hosts = Hosts::new(&env);
        let name = hosts.create("stuck");
        let running = hosts.by_hand(&name).start();
        let [_, started] = hosts.stuck();
        running.signal(signal);
        let finished = running.finish().expect(code);
        assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("", ""));
        assert!(is_gone(started));
        let next = hosts.by_hand(&name).run().expect(COMPLETE);
        assert_eq!(next.stdout, "Process Process-1 added 12 in 4 chunks\n");
        env.remove(&name);
    }
}

#[test]
fn a_worker_by_hand_whose_kernel_does_not_watch_leaves_at_a_stop_and_says_so() {
    let env = test_env!();
    let hosts = Hosts::new(&env);
    let name = hosts.create("stuck");
    let running = hosts.by_hand(&name).start();
    let [worker, started] = hosts.stuck();
    assert_eq!(worker, running.pid());
    let _ = env.coordinator(["stop", "--now", &name]).run().expect(COMPLETE);
    assert_error(&running.finish(), INCOMPLETE, "asked to stop before it was done");
    assert!(is_gone(started));
    env.remove(&name);
}

#[test]
fn after_its_worker_a_program_is_what_it_was_and_can_run_another_one() {
    let env = test_env!();
    let hosts = Hosts::new(&env);
    let name = env.name("again");
    let args =
        ["create", &name, "-w", "2", "--slots", "2", "-n", "10", "--delay", "0", "--kernel", "count", "--worker"];
    let _ = env.coordinator(args).args([hosts.path()]).run().expect(COMPLETE);
    let finished = hosts.by_hand(&name).with(|process| _ = process.env("HOST_GOES_ON", "1")).run();
    let lines = "Process Process-1 updated shared value to 10\nended with 0\nProcess Process-2 updated shared value to \
                 20\nended with 0\nended with 6\n";
    assert_eq!((finished.signal, finished.stdout.as_str()), (Some(Signal::TERM.as_raw()), lines), "{finished:?}");
    assert_error(&hosts.by_hand(&name).run(), NOTHING_TO_DO, "no free slot");
    env.remove(&name);
}

#[test]
fn a_worker_in_a_worker_is_refused() {
    let env = test_env!();
    let hosts = Hosts::new(&env);
    let name = hosts.create("nests");
    let finished = hosts.by_hand(&name).run().expect(COMPLETE);
    assert_eq!(finished.stdout, "Process Process-1 added 12 in 4 chunks\n");
    let refusal = "error: this process, or the one that it was forked from, is running a worker already\n";
    assert_eq!(finished.stderr, refusal.repeat(8));
    env.remove(&name);
}

#[test]
fn help_and_usage_errors_name_the_program() {
    let env = test_env!();
    let host = |args: &[&str]| env.program(&env.path().join("hosting-worker")).args(args).run();
    assert!(host(&["--help"]).expect(COMPLETE).stdout.contains("Usage: hosting-worker [OPTIONS] <--name <NAME>|NAME>"));
    assert!(host(&["--version"]).expect(COMPLETE).stdout.starts_with("worker "));
    for args in [&["--iterations", "many"][..], &["--nmae", "x"]] {
        let finished = host(args);
        assert!(finished.stderr.contains("hosting-worker --help") || finished.stderr.contains("did you mean --name"));
        let _ = finished.expect(USAGE);
    }
    assert!(host(&["-n", "many"]).stderr.ends_with("hint: see hosting-worker --help\n"));
}

#[test]
fn kernels_get_their_names_at_run_time_and_fill_several_cells() {
    let env = test_env!();
    let hosts = Hosts::new(&env);
    let run = |kernel: &str| {
        let run = hosts.run(kernel, &["--cells", "3", "--restarts", "0", "-q"]);
        run.with(|process| _ = process.env("HOST_PREFIX", "late-")).run()
    };
    assert_eq!(run("late-count").expect(COMPLETE).stdout, "[12, 0, 0]\n");
    let unknown = run("late-cuont").expect(INCOMPLETE);
    assert!(unknown.stderr.contains("hint: did you mean late-count? kernels: late-count, late-stuck, "), "{unknown:?}");
}

/// A traceback stands below the attempt, once for all attempts that fail alike; the reason is one line everywhere.
#[test]
fn a_failure_with_several_lines_reads_well() {
    let env = test_env!();
    let hosts = Hosts::new(&env);
    let finished = hosts.run("luckless", &["-w", "1", "--restarts", "3", "--keep=never"]).run().expect(INCOMPLETE);
    let attempt = |attempt, line| {
        format!("Process-1: luckless failed for 3..4 (attempt {attempt} of 4): Luck: out of it (script, line {line})\n")
    };
    let traceback = |line| {
        format!(
            "    Traceback (most recent call last):\n      File \"script\", line {line}, in luckless\n    Luck: out of it\n"
        )
    };
    let set_aside =
        "Process-1: luckless failed for 3..4 in 4 attempts: Luck: out of it (script, line 8); it is set aside\n";
    let [first, second, third] = [(1, 7), (2, 7), (3, 8)].map(|(number, line)| attempt(number, line));
    let expected = [&first, &traceback(7), &second, &third, &traceback(8), set_aside].map(str::to_owned).concat();
    assert!(finished.stderr.starts_with(&expected), "{}", finished.stderr);
}

/// A forked child has no part in the run, and signals do to it what they did before; it ends with the worker.
#[test]
fn forked_children_of_a_kernel_that_does_not_watch_hold_nothing_up() {
    let env = test_env!();
    let hosts = Hosts::new(&env);
    let report = hosts.run("forks", &["--restarts", "0", "--format", "json"]).run().expect(COMPLETE).json();
    assert_eq!((&report["value"], &report["complete"]), (&json!(12), &json!(true)), "{report}");
    let name = hosts.create("returns-twice");
    let finished = hosts.by_hand(&name).run().expect(COMPLETE);
    assert_eq!(finished.stdout, "Process Process-1 added 12 in 4 chunks\n");
    assert!(finished.stderr.contains("hint: end a forked child with _exit"), "{}", finished.stderr);
    env.remove(&name);
}

#[test]
fn a_segment_that_is_cut_short_ends_a_hosted_worker_as_any_other() {
    let env = test_env!();
    let hosts = Hosts::new(&env);
    let name = hosts.create("count");
    let running = hosts.by_hand(&name).args(["--delay", "2s"]).start();
    env.until_status(&name, |status| status["workers"][0]["state"] == "sleeping");
    let file = fs::File::options().write(true).open(env.segment(&name)).expect("it can be opened");
    file.set_len(0).expect("it can be cut");
    assert_error(&running.finish(), FOREIGN, "the segment was truncated while it was in use");
    fs::remove_file(env.segment(&name)).expect("it is there");
}
