//! What the start of a worker costs: from its launch to its end, with next to nothing to compute.
//!
//! It takes part in `cargo bench`, which for its sake builds the worker beside the coordinator.

#[path = "../../coordinator/benches/speed/measure/mod.rs"]
#[expect(dead_code, reason = "the coordinator's bench, whose module it is, needs more of it")]
mod measure;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use common::{Segment, SegmentName, Terms};
use measure::Bound::Free;
use measure::Question::{BaseByThis, Nothing};
use measure::{Folder, Group, Options, Outcome, Samples, Trouble, Unit, spawn_and_reap};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// Cargo builds it for this bench (<https://doc.rust-lang.org/cargo/reference/environment-variables.html>).
const WORKER: &str = env!("CARGO_BIN_EXE_worker");

/// Processes in a round, one after the other.
const STARTS: u32 = 20;

/// Room for more contributions than all rounds make.
const SLOTS: u32 = 4096;

fn main() -> ExitCode {
    measure::main("start", measure)
}

fn measure(options: &Options, groups: &mut Vec<Samples>) -> Result<Vec<String>, Trouble> {
    let folder = Folder::new()?;
    let name: SegmentName = format!("start-{}", std::process::id()).parse()?;
    let terms = Terms { iterations: 1, slots: SLOTS, ..Terms::by_hand("sum-of-squares", 1) };
    let segment = Unlinked(Segment::create(&name, &terms)?);
    let arguments = ["--name", name.as_str(), "--quiet"];
    let worker = || (Path::new(WORKER), arguments.as_slice());

    let group = Group::new("a worker's start: launch to reaped", Unit::Seconds, options.rounds(25, 7))
        .add("worker: attach, join, commit", Nothing, || one_after_another(worker()))
        .add("empty Rust program", BaseByThis(Free), || one_after_another((folder.empty()?, &[])))
        .add("/bin/true", BaseByThis(Free), || one_after_another((Path::new("/bin/true"), &[])));
    groups.extend(group.run("start", options));

    let kinds: [(&str, Count); 3] =
        [("page faults", page_faults), ("system calls", system_calls), ("dynamic libraries", libraries)];
    for (what, count) in kinds {
        let group = Group::new(&format!("a worker's start: {what}"), Unit::Count, 3)
            .add("worker: attach, join, commit", Nothing, || count(worker()))
            .add("empty Rust program", BaseByThis(Free), || count((folder.empty()?, &[])))
            .add("/bin/true", BaseByThis(Free), || count((Path::new("/bin/true"), &[])));
        groups.extend(group.run("start", options));
    }
    drop(segment);
    Ok(Vec::new())
}

/// A program and its arguments.
type Program<'a> = (&'a Path, &'a [&'a str]);

type Count = fn(Program<'_>) -> Outcome;

/// A segment whose name goes away with the bench.
struct Unlinked(Segment);

impl Drop for Unlinked {
    fn drop(&mut self) {
        // It has the name, or somebody removed it meanwhile.
        let _ = self.0.unlink();
    }
}

fn one_after_another((program, arguments): Program<'_>) -> Outcome {
    let mut total = 0.0;
    for _ in 0..STARTS {
        total += spawn_and_reap(1, program, arguments)?;
    }
    Ok(total / f64::from(STARTS))
}

/// Minor page faults: field 10 of `/proc/PID/stat` (`proc_pid_stat(5)`), read when the process has ended and is not reaped.
fn page_faults((program, arguments): Program<'_>) -> Outcome {
    let mut child = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    waitid(WaitId::Pid(Pid::from_child(&child)), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id()))?;
    child.wait()?;
    // Fields 1 and 2 end with the parenthesis; 10 is the eighth behind it.
    let faults = stat.rsplit_once(") ").and_then(|(_, fields)| fields.split(' ').nth(7)?.parse().ok());
    faults.ok_or_else(|| Trouble::Failed(format!("/proc says {stat:?}")))
}

/// As strace counts them, those of the loader included.
fn system_calls((program, arguments): Program<'_>) -> Outcome {
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/stdout"]).arg(program).args(arguments);
    let output = command.output().map_err(|_| Trouble::Skipped("strace is missing".to_owned()))?;
    if !output.status.success() {
        return Err(Trouble::Skipped(format!("strace ended with {}", output.status)));
    }
    let calls = String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.contains('(')).count();
    Ok(f64::from(u32::try_from(calls)?))
}

/// As the loader lists them, itself and the kernel's vdso included.
fn libraries((program, _): Program<'_>) -> Outcome {
    let output =
        Command::new("ldd").arg(program).output().map_err(|_| Trouble::Skipped("ldd is missing".to_owned()))?;
    Ok(f64::from(u32::try_from(String::from_utf8_lossy(&output.stdout).lines().count())?))
}
