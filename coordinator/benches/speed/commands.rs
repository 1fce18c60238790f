//! Programs A and B as whole commands, against bare processes and against the peers.

use std::path::Path;

use crate::bench::Bench;
use crate::measurement::Comparison::{NotCompared, ReferenceOverThis, ThisOverReference};
use crate::measurement::Target::{AtLeast, AtMost, Unbounded};
use crate::measurement::{Group, GroupResult, Target, Unit, spawn_and_reap};
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
    let group = bare_processes(group, bench, AtMost(1.5))
        .add_slow(slow, "Python, fork", ThisOverReference(AtLeast(40.0)), || peers.python_b("fork", FINAL))
        .add_slow(slow, "Python, spawn", ThisOverReference(AtLeast(40.0)), || peers.python_b("spawn", FINAL))
        .add_slow(slow, "MPI, 4 ranks", ThisOverReference(Unbounded), || peers.mpi_b(FINAL))
        .add("Boost.Interprocess, 4 processes", ReferenceOverThis(Unbounded), || peers.boost_b(FINAL));
    results.extend(group.run("commands", bench.options));
}

/// Adds four processes that do nothing.
fn bare_processes<'a>(group: Group<'a>, bench: &'a Bench, target: Target) -> Group<'a> {
    group
        .add("4 empty Rust programs", ReferenceOverThis(target), || {
            spawn_and_reap(4, bench.build_dir.empty_program()?, &[])
        })
        .add("4 × /bin/true", ReferenceOverThis(Unbounded), || spawn_and_reap(4, Path::new("/bin/true"), &[]))
}
