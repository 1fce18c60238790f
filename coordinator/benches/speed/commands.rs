//! The two programs as whole commands, against the processes alone and against their Python.

use std::path::Path;

use crate::bench::{Bench, coordinator};
use crate::measure::Bound::{AtLeast, AtMost, Free};
use crate::measure::Question::{BaseByThis, Nothing, ThisByBase};
use crate::measure::{Group, Samples, Unit, spawn_and_reap};

/// What each process of Program A finds.
const SUM: &str = "Result: 333333283333335000000";

/// The last line of Program B.
const FINAL: &str = "Final shared value: -1958387328";

pub fn measure(bench: &Bench, groups: &mut Vec<Samples>) {
    let peers = &bench.peers;
    let few = bench.options.rounds(3, 1);
    let group = Group::new("Program A: --independent -n 10_000_000", Unit::Seconds, bench.options.rounds(21, 7)).add(
        "coordinator",
        Nothing,
        || coordinator("--independent -n 10_000_000", SUM),
    );
    let group = processes(group, bench, Free)
        .add_slow(few, "Python, fork", ThisByBase(Free), || peers.python_a(bench, "fork", SUM))
        .add_slow(few, "Python, spawn", ThisByBase(Free), || peers.python_a(bench, "spawn", SUM));
    groups.extend(group.run("commands", bench.options));

    let slow = bench.options.rounds(11, 2);
    let group = Group::new("Program B: --delay 0", Unit::Seconds, bench.options.rounds(41, 11)).add(
        "coordinator",
        Nothing,
        || coordinator("--delay 0", FINAL),
    );
    let group = processes(group, bench, AtMost(1.5))
        .add_slow(slow, "Python, fork", ThisByBase(AtLeast(40.0)), || peers.python_b(bench, "fork", FINAL))
        .add_slow(slow, "Python, spawn", ThisByBase(AtLeast(40.0)), || peers.python_b(bench, "spawn", FINAL))
        .add_slow(slow, "MPI, 4 ranks", ThisByBase(Free), || peers.mpi_b(bench, FINAL))
        .add("Boost.Interprocess, 4 processes", BaseByThis(Free), || peers.boost_b(bench, FINAL));
    groups.extend(group.run("commands", bench.options));
}

/// What four processes cost that do nothing.
fn processes<'a>(group: Group<'a>, bench: &'a Bench, target: crate::measure::Bound) -> Group<'a> {
    group.add("4 empty Rust programs", BaseByThis(target), || spawn_and_reap(4, bench.folder.empty()?, &[])).add(
        "4 × /bin/true",
        BaseByThis(Free),
        || spawn_and_reap(4, Path::new("/bin/true"), &[]),
    )
}
