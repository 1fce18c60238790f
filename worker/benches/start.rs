//! The cost of a worker's start: from launch to exit, with almost nothing to compute.
//!
//! Because of this bench, `cargo bench` builds the worker that the coordinator's bench needs.

#[path = "../../coordinator/benches/speed/measurement/mod.rs"]
#[expect(dead_code, reason = "the coordinator's bench uses more of its module")]
mod measurement;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use common::{Segment, SegmentName, Terms};
use measurement::Comparison::{NotCompared, ReferenceOverThis};
use measurement::Target::Unbounded;
use measurement::{BenchError, BuildDir, Group, GroupResult, Options, Sample, Unit, spawn_and_reap};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// Cargo builds it for this bench (<https://doc.rust-lang.org/cargo/reference/environment-variables.html>).
const WORKER: &str = env!("CARGO_BIN_EXE_worker");

/// Sequential starts in a round.
const STARTS: u32 = 20;

/// Room for more contributions than all rounds make.
const SLOTS: u32 = 4096;

fn main() -> ExitCode {
    measurement::main("start", measure)
}

fn measure(options: &Options, results: &mut Vec<GroupResult>) -> Result<Vec<String>, BenchError> {
    let build_dir = BuildDir::new()?;
    let name: SegmentName = format!("start-{}", std::process::id()).parse()?;
    let terms = Terms { iterations: 1, slots: SLOTS, ..Terms::by_hand("sum-of-squares", 1) };
    let segment = TemporarySegment(Segment::create(&name, &terms)?);
    let arguments = ["--name", name.as_str(), "--quiet"];
    let worker = || (Path::new(WORKER), arguments.as_slice());

    let group = Group::new("a worker's start: launch to reaped", Unit::Seconds, options.rounds(25, 7))
        .add("worker: attach, join, commit", NotCompared, || mean_start_time(worker()))
        .add("empty Rust program", ReferenceOverThis(Unbounded), || mean_start_time((build_dir.empty_program()?, &[])))
        .add("/bin/true", ReferenceOverThis(Unbounded), || mean_start_time((Path::new("/bin/true"), &[])));
    results.extend(group.run("start", options));

    let kinds: [(&str, Count); 3] =
        [("page faults", page_faults), ("system calls", system_calls), ("dynamic libraries", libraries)];
    for (what, count) in kinds {
        let group = Group::new(&format!("a worker's start: {what}"), Unit::Count, 3)
            .add("worker: attach, join, commit", NotCompared, || count(worker()))
            .add("empty Rust program", ReferenceOverThis(Unbounded), || count((build_dir.empty_program()?, &[])))
            .add("/bin/true", ReferenceOverThis(Unbounded), || count((Path::new("/bin/true"), &[])));
        results.extend(group.run("start", options));
    }
    drop(segment);
    Ok(Vec::new())
}

/// A program and its arguments.
type Program<'a> = (&'a Path, &'a [&'a str]);

type Count = fn(Program<'_>) -> Sample;

/// Unlinks its name when dropped.
struct TemporarySegment(Segment);

impl Drop for TemporarySegment {
    fn drop(&mut self) {
        // Another process may have removed it.
        let _ = common::unlink(&self.0);
    }
}

fn mean_start_time((program, arguments): Program<'_>) -> Sample {
    let mut total = 0.0;
    for _ in 0..STARTS {
        total += spawn_and_reap(1, program, arguments)?;
    }
    Ok(total / f64::from(STARTS))
}

/// Minor page faults: field 10 of `/proc/PID/stat` (`proc_pid_stat(5)`), read after the exit and before `wait`.
fn page_faults((program, arguments): Program<'_>) -> Sample {
    let mut child = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    waitid(WaitId::Pid(Pid::from_child(&child)), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id()))?;
    child.wait()?;
    // The parenthesis ends field 2, so field 10 is the eighth after it.
    let faults = stat.rsplit_once(") ").and_then(|(_, fields)| fields.split(' ').nth(7)?.parse().ok());
    faults.ok_or_else(|| BenchError::failed(format_args!("unexpected /proc/PID/stat: {stat:?}")))
}

/// As strace counts them, including those of the loader.
fn system_calls((program, arguments): Program<'_>) -> Sample {
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/stdout"]).arg(program).args(arguments);
    let output = command.output().map_err(|_| BenchError::skipped("strace is missing"))?;
    if !output.status.success() {
        return Err(BenchError::skipped(format_args!("strace ended with {}", output.status)));
    }
    let calls = String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.contains('(')).count();
    Ok(f64::from(u32::try_from(calls)?))
}

/// As the loader lists them, including itself and the kernel's vDSO.
fn libraries((program, _): Program<'_>) -> Sample {
    let output = Command::new("ldd").arg(program).output().map_err(|_| BenchError::skipped("ldd is missing"))?;
    Ok(f64::from(u32::try_from(String::from_utf8_lossy(&output.stdout).lines().count())?))
}
