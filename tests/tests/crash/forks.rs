//! Forked children: what they must not keep, and what they may use.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use common::cli::exit_code;
use common::process::{self, Process};
use common::{BootTime, Condition, RemoveError, SegmentName, SharedValue, remove};
use harness::{Command, Running, TestEnv, skip, test_env, until};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

/// The ways in which a kernel leaves a process behind.
const HOWS: [&str; 2] = ["child", "daemon"];

/// A process that is no child of the test, and is killed with it.
struct Stranger {
    pid: u32,
    process: OwnedFd,
}

impl Stranger {
    fn new(pid: u32) -> Self {
        let process = pidfd_open(process::id(pid).expect("it is a process id"), PidfdFlags::empty());
        Self { pid, process: process.expect("it lives") }
    }

    fn lives(&self) -> bool {
        process::look(self.pid, BootTime::now()) == Process::Running
    }

    fn kill(&self) {
        let _ = pidfd_send_signal(&self.process, Signal::KILL);
        until("it to be gone", || !self.lives());
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Workers whose first computation forks, and stays.
struct ForkingWorkers<'a> {
    env: &'a TestEnv,
    record: PathBuf,
    how: &'a str,
}

impl<'a> ForkingWorkers<'a> {
    fn new(env: &'a TestEnv, how: &'a str) -> Self {
        Self { env, record: env.path().join(format!("record of a {how}")), how }
    }

    fn with(&self, command: Command) -> Command {
        command.with(|process| {
            process.env("FORKING_RECORD", &self.record).env("FORKING_HOW", self.how);
        })
    }

    fn run(&self, args: &[&str]) -> Running {
        let worker = self.env.path().join("forking-worker");
        let run = self.env.coordinator(["--kernel", "forking", "--delay", "0", "-n", "20", "--worker"]);
        self.with(run.args([worker]).args(args)).start()
    }

    /// A segment with one slot, for workers by hand.
    fn create(&self, args: &[&str]) -> String {
        let name = self.env.name("by-hand");
        let worker = self.env.path().join("forking-worker");
        let created = self.env.coordinator(["create", &name, "-w", "1", "--slots", "1", "-n", "20", "--delay", "0"]);
        let created = created.args(["--kernel", "forking", "--worker"]).args([worker]).args(args).run();
        let _ = created.expect(exit_code::COMPLETE);
        name
    }

    fn by_hand(&self, name: &str) -> Command {
        self.with(self.env.program(&self.env.path().join("forking-worker")).args(["--name", name]))
    }

    /// Waits for the first computation; returns its worker, and what that left behind.
    fn forked(&self) -> (Pid, Stranger) {
        let mut line = String::new();
        until("the kernel to have forked", || {
            line = fs::read_to_string(&self.record).unwrap_or_default();
            line.ends_with('\n')
        });
        let [worker, child] = [0, 1].map(|word| {
            line.split_whitespace().nth(word).and_then(|word| word.parse().ok()).expect("two process ids are recorded")
        });
        (process::id(worker).expect("it is a process id"), Stranger::new(child))
    }
}

fn remove_with(env: &TestEnv, name: &str) {
    until("nobody to be attached", || env.coordinator(["remove", name]).run().code == Some(exit_code::COMPLETE.into()));
}

/// Fault 46.
#[test]
fn a_launched_worker_that_is_killed_is_launched_again_though_its_kernel_has_left_a_process() {
    for how in HOWS {
        let env = test_env!();
        let workers = ForkingWorkers::new(&env, how);
        let running = workers.run(&["-w", "2", "--restarts", "1", "--format", "json"]);
        let (worker, _left) = workers.forked();
        kill_process(worker, Signal::KILL).expect("it is there");
        let report = running.finish().expect(exit_code::COMPLETE).json();
        assert_eq!((&report["value"], &report["restarts"]), (&40.into(), &1.into()), "{how}: {report}");
    }
}

/// Fault 46, with a chunk.
#[test]
fn the_chunk_of_a_killed_worker_is_taken_at_once_though_its_kernel_has_left_a_process() {
    for how in HOWS {
        let env = test_env!();
        let workers = ForkingWorkers::new(&env, how);
        let running = workers.run(&["--split", "--chunk", "5", "-w", "2", "--restarts", "1", "--format", "json"]);
        let (worker, _left) = workers.forked();
        kill_process(worker, Signal::KILL).expect("it is there");
        let report = running.finish().expect(exit_code::COMPLETE).json();
        assert_eq!((&report["value"], &report["complete"]), (&20.into(), &true.into()), "{how}: {report}");
    }
}

/// Fault 46, by hand: the segment has one slot.
#[test]
fn the_ticket_of_a_killed_worker_by_hand_is_free_though_its_kernel_has_left_a_process() {
    for how in HOWS {
        for mode in [&[][..], &["--split"]] {
            let env = test_env!();
            let workers = ForkingWorkers::new(&env, how);
            let name = workers.create(mode);
            let killed = workers.by_hand(&name).start();
            let (worker, left) = workers.forked();
            kill_process(worker, Signal::KILL).expect("it is there");
            // Its group is killed with it once it is reaped.
            until("it to have ended", || killed.has_ended());
            let _ = workers.by_hand(&name).run().expect(exit_code::COMPLETE);
            assert!(left.lives(), "{how}");
            remove_with(&env, &name);
            assert!(left.lives(), "{how}: nor is it attached");
        }
    }
}

/// Fault 46, for a child that does not end in the kernel.
#[test]
fn a_forked_child_that_returns_from_its_kernel_contributes_nothing() {
    let env = test_env!();
    let workers = ForkingWorkers::new(&env, "returning");
    let name = workers.create(&[]);
    let finished = workers.by_hand(&name).run().expect(exit_code::COMPLETE);
    assert_eq!(finished.stdout, "Process Process-1 updated shared value to 20\n");
    assert!(finished.stderr.contains("hint: end a forked child with _exit"), "{}", finished.stderr);
    env.remove(&name);
}

/// A program that forks and checks by itself what it sees.
fn passes(action: &str) {
    let env = test_env!();
    let finished = env.program(&env.path().join("fork-victim")).args([action, &env.name(action)]).run();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

/// Fault 47.
#[test]
fn a_value_is_used_and_dropped_on_both_sides_of_a_fork_and_its_name_stays_with_the_parent() {
    passes("both-sides");
}

/// Fault 47.
#[test]
fn a_guard_that_is_held_at_a_fork_is_the_parents() {
    passes("guard");
}

/// Fault 47.
#[test]
fn a_value_stays_exact_when_either_side_of_a_fork_is_killed() {
    passes("kills");
}

/// Fault 46.
#[test]
fn a_forked_child_of_a_worker_has_no_part_in_its_run() {
    passes("run");
}

/// Fault 47, for a child that closes what it has inherited.
#[test]
fn a_daemon_that_closes_all_descriptors_keeps_those_that_it_opens() {
    passes("daemon");
}

/// Fault 47, where /proc is missing.
#[test]
fn a_forked_child_that_cannot_open_its_file_again_says_so() {
    let env = test_env!();
    let finished = env.program(&env.path().join("fork-victim")).args(["no-proc", &env.name("no-proc")]).run();
    let finished = finished.expect(exit_code::COMPLETE);
    if finished.stdout != "tried\n" {
        skip("a_forked_child_that_cannot_open_its_file_again_says_so", "chroot is not permitted here");
    }
}

/// A program that leaves a process behind, and prints its id.
fn left_by(env: &TestEnv, action: &str) -> (SegmentName, Running, Stranger) {
    let name = env.name(action);
    let running = env.program(&env.path().join("fork-victim")).args([action, &name]).start();
    until("it to have ended", || running.has_ended());
    until("its line", || running.stdout().ends_with('\n'));
    let left = Stranger::new(running.stdout().trim().parse().expect("it prints a process id"));
    (name.parse().expect("the name is legal"), running, left)
}

fn is_in_use(name: &SegmentName) -> bool {
    matches!(remove(name, Condition::Unattached), Err(RemoveError::InUse { .. }))
}

/// Fault 47: each is present by itself.
#[test]
fn a_forked_child_that_uses_a_value_is_present_until_it_ends() {
    for (action, expected) in [("present", 2), ("grandchild", 3)] {
        let env = test_env!();
        let (name, _running, left) = left_by(&env, action);
        assert_eq!(SharedValue::<i32>::attach(&name).expect("it is there").get(), expected);
        assert!(is_in_use(&name), "{action}");
        left.kill();
        remove(&name, Condition::Unattached).expect("nobody is attached");
    }
}

/// Fault 47.
#[test]
fn a_grandchild_that_does_not_use_a_value_keeps_nothing_of_the_child_that_did() {
    let env = test_env!();
    let (name, _running, left) = left_by(&env, "idle-grandchild");
    remove(&name, Condition::Unattached).expect("nobody is attached");
    assert!(left.lives());
}

/// Fault 46: forks at every moment of an opening and a closing.
#[test]
fn a_storm_of_forks_beside_openings_and_closings_keeps_no_role() {
    const KEPT: usize = 60;
    let env = test_env!();
    let name = env.name("storm");
    let storm = env.program(&env.path().join("fork-victim")).args(["storm", &name, &KEPT.to_string()]).start();
    until("the storm to be over", || storm.stdout().ends_with("forks\n") || storm.has_ended());
    let segments: Vec<SegmentName> =
        (0..KEPT).map(|number| format!("{name}-{number}").parse().expect("the name is legal")).collect();
    assert!(segments.iter().all(is_in_use), "{}", storm.stderr());
    // Its children live on.
    storm.signal(Signal::KILL);
    until("it to have ended", || storm.has_ended());
    for segment in segments {
        // A child that kept a role would keep it for longer than this waits.
        until("nobody to be attached", || remove(&segment, Condition::Unattached).is_ok());
    }
}
