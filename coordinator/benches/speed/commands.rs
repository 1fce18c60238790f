//! Programs A and B as whole commands, against bare processes and against the peers.

use std::path::Path;
use std::process::Command;

use crate::bench::Bench;
use crate::measurement::Comparison::{NotCompared, ReferenceOverThis, ThisOverReference};
use crate::measurement::Target::{AtLeast, AtMost, Unbounded};
use crate::measurement::{BenchError, Group, GroupResult, Sample, Target, Unit, spawn_and_reap};
use crate::subprocess::time_coordinator;

/// What each process of Program A prints.
const SUM: &str = "Result: 333333283333335000000";

/// The last line of Program B.
const FINAL: &str = "Final shared value: -1958387328";

pub fn measure(bench: &Bench, results: &mut Vec<GroupResult>) {
    let peers = &bench.peers;
    let slow = bench.options.rounds(3, 1);
    let group = Group::new("Program A: --independent -n 10_000_000", Unit::Seconds, bench.options.rounds(21, 7)).add(
        "coordinator",
        NotCompared,
        || time_coordinator("--independent -n 10_000_000", SUM),
    );
    let group = bare_processes(group, bench, Unbounded)
        .add_slow(slow, "Python, fork", ThisOverReference(Unbounded), || peers.python_a("fork", SUM))
        .add_slow(slow, "Python, spawn", ThisOverReference(Unbounded), || peers.python_a("spawn", SUM));
    results.extend(group.run("commands", bench.options));

    let slow = bench.options.rounds(11, 2);
    let group = Group::new("Program B: --delay 0", Unit::Seconds, bench.options.rounds(41, 11)).add(
        "coordinator",
        NotCompared,
        || time_coordinator("--delay 0", FINAL),
    );
    let group = bare_processes(group, bench, Unbounded)
        .add("a C program that starts and reaps them", ReferenceOverThis(AtMost(1.3)), || launcher(bench))
        .add_slow(slow, "Python, fork", ThisOverReference(AtLeast(40.0)), || peers.python_b("fork", FINAL))
        .add_slow(slow, "Python, spawn", ThisOverReference(AtLeast(40.0)), || peers.python_b("spawn", FINAL))
        .add_slow(slow, "MPI, 4 ranks", ThisOverReference(Unbounded), || peers.mpi_b(FINAL))
        .add("Boost.Interprocess, 4 processes", ReferenceOverThis(Unbounded), || peers.boost_b(FINAL));
    results.extend(group.run("commands", bench.options));
}

/// The floor: a whole command that starts and reaps four empty Rust programs, and does nothing else.
fn launcher(bench: &Bench) -> Sample {
    const NAME: &str = "launcher";
    let program = bench.build_dir.path(NAME);
    if !program.exists() {
        let source = bench.build_dir.write("launcher.c", include_str!("peers/launcher.c"))?;
        bench.build_dir.compile(Command::new("cc").arg("-O2").arg(source), NAME, "cc is missing")?;
    }
    let empty = bench.build_dir.empty_program()?.to_str().ok_or_else(|| BenchError::failed("a path is no text"))?;
    spawn_and_reap(1, &program, &[empty])
}

/// Adds four processes that do nothing.
fn bare_processes<'a>(group: Group<'a>, bench: &'a Bench, target: Target) -> Group<'a> {
    group
        .add("4 empty Rust programs", ReferenceOverThis(target), || {
            spawn_and_reap(4, bench.build_dir.empty_program()?, &[])
        })
        .add("4 × /bin/true", ReferenceOverThis(Unbounded), || spawn_and_reap(4, Path::new("/bin/true"), &[]))
}
