//! Programs that start runs: what ends with them, and what reaches their workers.

use std::fs::{self, File};
use std::io::{PipeReader, Read, Write, pipe};
use std::process::{self, Stdio};
use std::thread;
use std::time::Duration;

use common::cli::exit_code::{COMPLETE, INCOMPLETE};
use harness::{Command, Running, TestEnv, test_env, until, wrapped};
use rustix::fs::{MemfdFlags, OFlags, fcntl_setfl, memfd_create};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::hosted::{Hosts, is_gone};
use super::stdio::{full_pipe, waits_for_a_reader};

/// The run by a shell, which it ends with.
fn called(run: Command) -> Command {
    run.with(wrapped(&["sh", "-c", "\"$0\" \"$@\" --end-with $$; :"]))
}

/// Starts it with one pipe for stdout and stderr, which every process of the run has.
fn start_with_pipe(run: Command) -> (Running, PipeReader) {
    let (reader, writer) = pipe().expect("a pipe can be made");
    fcntl_setfl(&reader, OFlags::NONBLOCK).expect("it can be made not to block");
    let copy = writer.try_clone().expect("it can be cloned");
    (run.start_on(writer.into(), copy.into()), reader)
}

/// What a run says of itself: at its start it names what other tests have left at that moment.
fn of_itself(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with("note: segment \"")).collect()
}

/// What a run says of itself until nobody has the pipe any more.
fn read_to_end(reader: &mut PipeReader) -> String {
    let mut text = Vec::new();
    until("the end of all processes of the run", || reader.read_to_end(&mut text).is_ok());
    of_itself(&String::from_utf8_lossy(&text))
}

/// A run of two workers whose kernels never return, all its processes but its caller, and the pipe to it. Its grace is longer
/// than the test waits: nobody is killed by it.
fn endless(env: &TestEnv, name: &str, args: &[&str]) -> (Running, Vec<u32>, PipeReader) {
    let hosts = Hosts::new(env);
    let run = hosts.run("endless", &["--name", name, "--grace", "1h", "--keep", "never", "--format", "json"]);
    let (running, reader) = start_with_pipe(called(run.args(args)));
    let mut processes = hosts.all_stuck(2);
    assert_eq!(processes.len(), 4);
    let coordinator = env.status(name).expect("it is there")["coordinator"]["pid"].as_u64();
    processes.push(coordinator.and_then(|pid| u32::try_from(pid).ok()).expect("it is a process id"));
    (running, processes, reader)
}

fn are_gone(processes: &[u32]) {
    until("all processes to be gone", || processes.iter().all(|pid| is_gone(*pid)));
}

#[test]
fn a_run_ends_with_its_caller_in_the_middle_of_kernels_that_never_return_and_leaves_nothing() {
    let env = test_env!();
    let (caller, processes, mut reader) = endless(&env, &env.name("killed"), &[]);
    caller.signal(Signal::KILL);
    assert_eq!(read_to_end(&mut reader), "", "nobody is there to read it");
    are_gone(&processes);
    assert!(env.segments().is_empty());
    assert_eq!(caller.finish().signal, Some(Signal::KILL.as_raw()));
}

#[test]
fn a_run_whose_pipes_are_closed_ends_with_its_caller_too() {
    let env = test_env!();
    let (caller, processes, reader) = endless(&env, &env.name("closed"), &["--verbose", "--progress", "plain"]);
    drop(reader);
    caller.signal(Signal::KILL);
    are_gone(&processes);
    assert!(env.segments().is_empty());
}

#[test]
fn a_caller_that_is_killed_at_any_time_leaves_nothing() {
    let env = test_env!();
    let hosts = Hosts::new(&env);
    for time in (0..40).step_by(2) {
        let run = hosts.run("count", &["--delay", "1h", "--keep", "never", "--name", &env.name("early")]);
        let (caller, mut reader) = start_with_pipe(called(run));
        // A different moment each time, and not a condition.
        thread::sleep(Duration::from_millis(time));
        caller.signal(Signal::KILL);
        assert_eq!(read_to_end(&mut reader), "", "killed after {time} ms");
        assert!(env.segments().is_empty(), "killed after {time} ms");
    }
}

#[test]
fn a_run_whose_caller_had_ended_before_it_looked_does_not_begin() {
    let env = test_env!();
    let mut ended = process::Command::new("true").spawn().expect("it can be started");
    let id = ended.id().to_string();
    until("it to end", || is_gone(ended.id()));
    let run = || env.coordinator(["--name", &env.name("late"), "--end-with", &id, "--verbose"]).run();
    let finished = run().expect(INCOMPLETE);
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("", ""), "it is not reaped yet");
    ended.wait().expect("it is a child");
    let finished = run().expect(INCOMPLETE);
    assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("", ""), "it is gone");
}

#[test]
fn a_run_goes_on_when_the_thread_that_has_started_it_ends() {
    let env = test_env!();
    let (name, id) = (env.name("thread"), process::id().to_string());
    let run = env.coordinator(["--name", &name, "-n", "10", "-w", "2", "--delay", "1s", "-q", "--end-with", &id]);
    let running = thread::spawn(|| run.start()).join().expect("it does not panic");
    env.until_status(&name, |status| status["workers"][0]["state"] == "sleeping");
    assert_eq!(running.finish().expect(COMPLETE).stdout, "570\n");
}

#[test]
fn workers_end_with_their_coordinator_when_the_caller_is_killed_with_it() {
    let env = test_env!();
    let name = env.name("both");
    let (caller, processes, _reader) = endless(&env, &name, &[]);
    let coordinator = processes.last().copied().and_then(common::process::id).expect("there is one");
    for pid in [Pid::from_raw(caller.pid().cast_signed()).expect("it is positive"), coordinator] {
        kill_process(pid, Signal::KILL).expect("it lives");
    }
    are_gone(&processes);
    env.remove(&name);
}

/// Nobody can resume it: what its workers computed was the caller's. Another test's start may be the next one.
#[test]
fn the_next_start_removes_what_a_run_that_nobody_keeps_has_left_with_its_caller() {
    let env = test_env!();
    let name = env.name("left");
    let (caller, processes, _reader) = endless(&env, &name, &["--keep", "never"]);
    let coordinator = processes.last().copied().and_then(common::process::id).expect("there is one");
    for pid in [Pid::from_raw(caller.pid().cast_signed()).expect("it is positive"), coordinator] {
        kill_process(pid, Signal::KILL).expect("it lives");
    }
    are_gone(&processes);
    let next = env.coordinator(["--name", &env.name("next"), "-n", "10", "--delay", "0", "-q"]).run().expect(COMPLETE);
    assert_eq!(next.stdout, "1140\n");
    assert!(!next.stderr.contains(&name), "{}", next.stderr);
    assert!(env.segments().is_empty());
}

/// Another process may have inherited the other end of the pipe.
#[test]
fn a_run_that_waits_for_a_reader_ends_with_its_caller() {
    let env = test_env!();
    let name = env.name("unread");
    let (_reader, writer, _) = full_pipe();
    let run = env.coordinator(["--name", &name, "-n", "10", "--delay", "0", "--keep", "never", "--format", "json"]);
    let run = run.with(wrapped(&["sh", "-c", "\"$0\" \"$@\" --end-with $$ >&0 </dev/null; :"]));
    let running = run.with(|shell| _ = shell.stdin(Stdio::from(writer))).start();
    let status: Value = waits_for_a_reader(&env, &name);
    assert_eq!(status["value"], 1140);
    running.signal(Signal::KILL);
    until("the segment to be removed", || env.segments().is_empty());
    assert_eq!(of_itself(&running.finish().stderr), "");
}

#[test]
fn a_run_that_is_to_be_kept_is_kept_when_its_caller_ends_and_can_be_resumed() {
    let env = test_env!();
    let (hosts, name) = (Hosts::new(&env), env.name("kept"));
    let (caller, mut reader) = start_with_pipe(called(hosts.run("stuck", &["--name", &name, "--grace", "1h"])));
    let processes = hosts.all_stuck(1);
    env.until_status(&name, |status| status["value"] == 11);
    caller.signal(Signal::KILL);
    let kept = read_to_end(&mut reader);
    assert!(kept.starts_with(&format!("kept segment {name}: 11 of 12 iterations are applied; ")), "{kept}");
    assert_eq!(kept.lines().count(), 1, "{kept}");
    are_gone(&processes);
    let resumed = env.coordinator(["resume", &name, "-q"]).with(|process| _ = process.env("HOST_RECORD", env.path()));
    assert_eq!(resumed.run().expect(COMPLETE).stdout, "12\n");
}

/// Workers that are a shell, which executes the worker after it has run the script.
fn scripted(env: &TestEnv, script: &str, args: &[&str]) -> Command {
    let script = format!("{script}; exec '{}' \"$@\"", env.path().join("worker").display());
    let run = env.coordinator(["--name", &env.name("args"), "-n", "10", "-w", "1", "--delay", "0", "-q"]);
    let run = run.args(["--worker", "/bin/sh", "--worker-arg", "-c", "--worker-arg", &script]);
    args.iter().fold(run, |run, arg| run.args(["--worker-arg", arg]))
}

#[test]
fn arguments_of_the_worker_executable_come_before_its_own_options() {
    let env = test_env!();
    let record = env.path().join("arguments");
    let script = format!("printf '%s\\n' \"$0\" \"$@\" > '{}'; shift 3", record.display());
    let finished = scripted(&env, &script, &["two words", "--name", "-", ""]).run().expect(COMPLETE);
    assert_eq!(finished.stdout, "285\n");
    let record = fs::read_to_string(record).expect("it is written");
    assert!(record.starts_with("two words\n--name\n-\n\n--name\n"), "{record}");
    assert!(record.contains("\n--ticket\n1\n") && !record.contains("end-with"), "{record}");
}

#[test]
fn a_descriptor_that_the_coordinator_has_inherited_reaches_its_workers() {
    let env = test_env!();
    let mut call = File::from(memfd_create("call", MemfdFlags::CLOEXEC).expect("it can be made"));
    call.write_all(b"a function\n").expect("it can be written");
    let record = env.path().join("call");
    let run = scripted(&env, &format!("cat /proc/self/fd/7 > '{}'", record.display()), &["worker"]);
    let run = run.with(wrapped(&["sh", "-c", "exec \"$0\" \"$@\" 7<&0 </dev/null"]));
    let finished = run.with(|shell| _ = shell.stdin(Stdio::from(call))).run().expect(COMPLETE);
    assert_eq!(finished.stdout, "285\n");
    assert_eq!(fs::read_to_string(record).expect("it is written"), "a function\n");
}

#[test]
fn options_for_programs_are_hidden() {
    let env = test_env!();
    let mut commands: Vec<Vec<&str>> = vec![vec!["-h"], vec!["--help"], vec!["run", "-h"], vec!["run", "--help"]];
    for page in ["coordinator", "run", "worker"] {
        commands.push(vec!["man", page]);
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        commands.extend(["coordinator", "worker"].map(|program| vec!["completions", shell, program]));
    }
    let shown = commands.iter().map(|args| env.coordinator(args).run().expect(COMPLETE).stdout);
    let worker = env.program(&env.path().join("worker")).args(["--help"]).run().expect(COMPLETE).stdout;
    for text in shown.chain([worker]) {
        let text = text.replace('\\', "");
        assert!(text.contains("seed"), "{text}");
        for hidden in ["worker-arg", "end-with", "report-to"] {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
    }
}
