//! Programs whose stdin, stdout or stderr is closed, full, or read by nobody.

use std::io::{PipeReader, PipeWriter, Read, pipe};
use std::mem::replace;
use std::process::Stdio;

use common::cli::exit_code::{COMPLETE, INCOMPLETE, TERMINATED};
use harness::{Command, TestEnv, test_env, until, wrapped};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::process::Signal;
use serde_json::Value;

/// The last line of Program B.
const FINAL: &str = "Final shared value: -1958387328";

/// Every way to close some of the three descriptors, as shell redirections, and whether stdout is among them.
fn closings() -> impl Iterator<Item = (String, bool)> {
    (1..8).map(|mask| {
        let parts = [(1, "<&-"), (2, ">&-"), (4, "2>&-")];
        let closed: Vec<&str> = parts.iter().filter(|(bit, _)| mask & bit != 0).map(|(_, part)| *part).collect();
        (closed.join(" "), mask & 2 != 0)
    })
}

/// A command with these redirections.
fn redirected(command: Command, redirections: &str) -> Command {
    command.with(wrapped(&["sh", "-c", &format!("exec \"$0\" \"$@\" {redirections}")]))
}

/// A command whose stdout is the end of a pipe.
fn into_pipe(command: Command, writer: PipeWriter) -> Command {
    // The harness reads stdout itself, so the pipe comes in as stdin.
    redirected(command, ">&0 </dev/null").with(|shell| _ = shell.stdin(Stdio::from(writer)))
}

/// A full pipe, and how many bytes are in it.
pub(super) fn full_pipe() -> (PipeReader, PipeWriter, usize) {
    let (reader, writer) = pipe().expect("a pipe can be made");
    fcntl_setfl(&writer, OFlags::NONBLOCK).expect("the pipe can be made not to block");
    let mut filling = 0;
    for size in [4096, 1] {
        while let Ok(count) = rustix::io::write(&writer, &[b'.'; 4096][..size]) {
            filling += count;
        }
    }
    fcntl_setfl(&writer, OFlags::empty()).expect("the pipe can be made to block again");
    (reader, writer, filling)
}

/// Waits until the run is closed and its coordinator only has to write; returns the status.
pub(super) fn waits_for_a_reader(env: &TestEnv, name: &str) -> Value {
    let mut elapsed = Value::Null;
    // The run's time is in nanoseconds, and stops when the run is closed.
    env.until_status(name, |status| replace(&mut elapsed, status["elapsed_s"].clone()) == status["elapsed_s"])
}

fn is_gone(env: &TestEnv) {
    assert!(env.segments().is_empty(), "left: {:?}", env.segments());
}

/// Fault 29.
#[test]
fn a_run_with_closed_descriptors_is_complete_and_leaves_nothing() {
    let env = test_env!();
    for (closing, without_stdout) in closings() {
        let name = env.name("closed");
        let run = env.coordinator(["--name", &name, "--delay", "0"]);
        let finished = redirected(run, &closing).run().expect(COMPLETE);
        assert_eq!(finished.lines().last().copied(), (!without_stdout).then_some(FINAL), "{closing}");
        is_gone(&env);
    }
}

/// Fault 29.
#[test]
fn a_run_with_closed_descriptors_has_the_right_value() {
    let env = test_env!();
    for (closing, _) in closings() {
        let name = env.name("kept");
        let run = env.coordinator(["--name", &name, "--delay", "0", "--keep"]);
        let _ = redirected(run, &closing).run().expect(COMPLETE);
        // If a descriptor of the segment reused a closed number, the program would write to the segment.
        let status = env.status(&name).expect("it was kept and is whole");
        assert_eq!((&status["value"], &status["complete"]), (&(-1_958_387_328).into(), &true.into()), "{closing}");
        let _ = env.coordinator(["remove", &name]).run().expect(COMPLETE);
    }
}

/// Fault 29.
#[test]
fn workers_by_hand_with_closed_descriptors_contribute() {
    let env = test_env!();
    let name = env.name("hand");
    let create = env.coordinator(["create", &name, "-w", "7", "-n", "10", "--delay", "0"]);
    let _ = redirected(create, "<&- >&- 2>&-").run().expect(COMPLETE);
    for ((closing, without_stdout), number) in closings().zip(1..) {
        let finished = redirected(env.worker(&name), &closing).run().expect(COMPLETE);
        let line = format!("Process Process-{number} updated shared value to {}\n", number * 285);
        assert_eq!(finished.stdout, if without_stdout { String::new() } else { line }, "{closing}");
    }
    let status = env.status(&name).expect("it is whole");
    assert_eq!((&status["value"], &status["complete"]), (&(7 * 285).into(), &true.into()));
    let remove = env.coordinator(["remove", &name]);
    let _ = redirected(remove, "<&- >&- 2>&-").run().expect(COMPLETE);
    is_gone(&env);
}

/// Checks the stderr of a complete run whose result stdout did not take: the error, then these lines, then what is kept.
#[track_caller]
fn tells_the_result(stderr: &str, error: &str, result: &[&str], kept: Option<&str>) {
    let lines: Vec<&str> = stderr.lines().collect();
    assert!(lines[0].starts_with(&format!("error: {error}")), "{stderr}");
    let (told, rest) = lines[1..].split_at(result.len());
    assert!(told.iter().zip(result).all(|(told, result)| told.ends_with(result)), "{stderr}");
    let next = |name| {
        format!(
            "kept segment {name}: 4 of 4 contributions are applied; finish it: coordinator resume {name}; or remove it: \
             coordinator remove {name}"
        )
    };
    assert_eq!(rest, kept.map(next).as_slice(), "{stderr}");
}

/// Faults 29 and 36.
#[test]
fn a_full_device_as_stdout_is_an_error_and_the_result_is_on_stderr_and_in_the_segment() {
    let env = test_env!();
    for options in [&["-q"][..], &[], &["--format", "json"]] {
        let name = env.name("device");
        let run = env.coordinator(["--name", &name, "--delay", "0", "-n", "10"]).args(options);
        let finished = redirected(run, ">/dev/full").run().expect(INCOMPLETE);
        let result: &[&str] = match options {
            [] => &[" to 285", " to 570", " to 855", " to 1140", "Final shared value: 1140"],
            ["-q"] => &["1140"],
            _ => &["}"],
        };
        tells_the_result(&finished.stderr, "cannot write results to stdout: ", result, Some(&name));
        assert_eq!(env.status(&name).expect("it was kept")["state"], "finished");
        let resumed = env.coordinator(["resume", &name]).args(options).run().expect(COMPLETE);
        assert_eq!((resumed.lines().len(), resumed.stderr.as_str()), (result.len(), ""), "it is printed again");
        is_gone(&env);
    }
}

/// Fault 36.
#[test]
fn a_full_device_as_stdout_of_a_split_run_without_a_name_keeps_it_too() {
    let env = test_env!();
    let run = env.coordinator(["--split", "-n", "10", "-w", "1", "-q"]);
    let finished = redirected(run, ">/dev/full").run().expect(INCOMPLETE);
    let kept = finished.stderr.lines().last().expect("there is a last line");
    let name =
        kept.strip_prefix("kept segment ").and_then(|rest| rest.split_once(": 10 of 10 iterations are applied; "));
    let (name, _) = name.unwrap_or_else(|| panic!("{finished:?}"));
    assert_eq!(env.coordinator(["resume", name, "-q"]).run().expect(COMPLETE).stdout, "285\n");
    assert!(!env.segment(name).exists());
}

/// Fault 36: nobody can name it again, so its result is told and it goes.
#[test]
fn a_full_device_as_stdout_of_an_anonymous_run_leaves_nothing_and_its_result_is_on_stderr() {
    let env = test_env!();
    let run = env.coordinator(["--delay", "0", "-q", "-n", "10"]);
    let finished = redirected(run, ">/dev/full").run().expect(INCOMPLETE);
    tells_the_result(&finished.stderr, "cannot write results to stdout: ", &["1140"], None);
    let run = env.coordinator(["--independent", "-n", "10", "-q"]);
    let finished = redirected(run, ">/dev/full").run().expect(INCOMPLETE);
    tells_the_result(&finished.stderr, "cannot write results to stdout: ", &["285"; 4], None);
    let name = env.name("never");
    let run = env.coordinator(["--name", &name, "--delay", "0", "-q", "-n", "10", "--keep", "never"]);
    let finished = redirected(run, ">/dev/full").run().expect(INCOMPLETE);
    tells_the_result(&finished.stderr, "cannot write results to stdout: ", &["1140"], None);
    is_gone(&env);
}

/// Fault 29.
#[test]
fn a_worker_by_hand_whose_line_cannot_be_written_has_contributed_and_says_so() {
    let env = test_env!();
    let name = env.name("line");
    let _ = env.coordinator(["create", &name, "-q", "-w", "1", "-n", "10", "--delay", "0"]).run().expect(COMPLETE);
    let finished = redirected(env.worker(&name), ">/dev/full").run().expect(INCOMPLETE);
    assert!(finished.stderr.starts_with("error: the contribution is applied, but"), "{finished:?}");
    assert_eq!(env.status(&name).expect("it is whole")["value"], 285);
    let status = redirected(env.coordinator(["status", &name]), ">/dev/full").run().expect(INCOMPLETE);
    assert!(status.stderr.starts_with("error: "), "{status:?}");
    let _ = env.coordinator(["remove", &name]).run().expect(COMPLETE);
}

/// Fault 29.
#[test]
fn a_reader_that_went_away_had_what_it_wanted() {
    let env = test_env!();
    let name = env.name("epipe");
    let broken = || pipe().expect("a pipe can be made").1;
    let run = env.coordinator(["--name", &name, "--delay", "0", "-q"]);
    let finished = into_pipe(run, broken()).run().expect(COMPLETE);
    assert_eq!(finished.stderr, "");
    is_gone(&env);
    let _ = env.coordinator(["create", &name, "-q", "-w", "1", "-n", "10", "--delay", "0"]).run().expect(COMPLETE);
    let _ = into_pipe(env.worker(&name), broken()).run().expect(COMPLETE);
    assert_eq!(env.status(&name).expect("it is whole")["value"], 285);
    let _ = env.coordinator(["remove", &name]).run().expect(COMPLETE);
}

/// Fault 29.
#[test]
fn workers_contribute_while_nobody_reads_and_a_signal_ends_the_wait_for_a_reader() {
    let env = test_env!();
    let name = env.name("unread");
    let (_reader, writer, _) = full_pipe();
    let run = into_pipe(env.coordinator(["--name", &name, "--delay", "0"]), writer).start();
    let status = waits_for_a_reader(&env, &name);
    assert_eq!((&status["value"], &status["contributions"]["done"]), (&(-1_958_387_328).into(), &4.into()));
    run.signal(Signal::TERM);
    let finished = run.finish().expect(TERMINATED);
    let result = [" to 584144992", " to 1168289984", " to 1752434976", " to -1958387328", FINAL];
    let stderr = finished.stderr.trim_start_matches(|c| c != '\n').trim_start();
    tells_the_result(stderr, "stdout was not read to the end before SIGTERM", &result, Some(&name));
    let resumed = env.coordinator(["resume", &name]).run().expect(COMPLETE);
    assert_eq!((resumed.lines().len(), resumed.lines().last().copied()), (5, Some(FINAL)), "it is printed again");
    is_gone(&env);
}

/// Fault 29.
#[test]
fn a_reader_that_is_late_for_the_timeout_finds_the_result_in_the_segment() {
    let env = test_env!();
    let name = env.name("overdue");
    let (_reader, writer, _) = full_pipe();
    let run = env.coordinator(["--name", &name, "--delay", "0", "-n", "10", "-q", "--timeout", "3s"]);
    let finished = into_pipe(run, writer).run().expect(INCOMPLETE);
    tells_the_result(&finished.stderr, "stdout was not read to the end in time", &["1140"], Some(&name));
    assert_eq!(env.coordinator(["resume", &name, "-q"]).run().expect(COMPLETE).stdout, "1140\n");
    is_gone(&env);
}

/// Fault 29.
#[test]
fn one_signal_ends_a_run_that_is_under_way_and_that_nobody_reads() {
    let env = test_env!();
    let name = env.name("unread-midway");
    let (_reader, writer, _) = full_pipe();
    let run = into_pipe(env.coordinator(["--name", &name, "-w", "2", "-n", "10", "--delay", "60s"]), writer).start();
    env.until_status(&name, |status| status["workers"][0]["state"] == "sleeping");
    run.signal(Signal::TERM);
    let _ = run.finish().expect(TERMINATED);
    is_gone(&env);
}

/// Fault 29.
#[test]
fn a_reader_that_comes_late_gets_every_line() {
    let env = test_env!();
    let name = env.name("late");
    let (mut reader, writer, filling) = full_pipe();
    let run = into_pipe(env.coordinator(["--name", &name, "--delay", "0"]), writer).start();
    waits_for_a_reader(&env, &name);
    let mut text = Vec::new();
    // Until the last writer, the coordinator, is gone.
    reader.read_to_end(&mut text).expect("it can be read");
    let text = String::from_utf8_lossy(&text[filling..]).into_owned();
    assert_eq!((text.lines().count(), text.lines().last()), (5, Some(FINAL)), "{text}");
    until("the coordinator to end", || run.has_ended());
    let _ = run.finish().expect(COMPLETE);
    is_gone(&env);
}
