//! The lock: ours with its commit, against bare locks, and against what peers offer.

use crate::bench::Bench;
use crate::contend::{alone, together};
use crate::measure::Bound::{AtLeast, AtMost, Free};
use crate::measure::Question::{BaseByThis, Nothing, ThisByBase};
use crate::measure::{Group, Outcome, Samples, Unit};
use crate::operation::Operation;

/// Operations in a round of one process, and of each of several: as many as have their tickets in the second-level cache,
/// where a worker, which has just written to its own, has it too.
const ALONE: u32 = 2_000;
const TOGETHER: u32 = 5_000;

/// Operations of Python, which takes its time.
const PYTHON: u32 = 10_000;

pub fn measure(bench: &Bench, groups: &mut Vec<Samples>) {
    let group = contenders("lock, alone", bench.options.rounds(101, 11), |operation| alone(operation, ALONE), true);
    groups.extend(with_peers(group, bench, 1).run("lock", bench.options));
    let rounds = bench.options.rounds(41, 5);
    for processes in [2, 4, 8] {
        let name = format!("lock, {processes} processes");
        let group =
            contenders(&name, rounds, move |operation| together(operation, processes, TOGETHER), processes == 2);
        let group = if processes == 2 { with_peers(group, bench, 2) } else { group };
        groups.extend(group.run("lock", bench.options));
    }
}

/// With a target only where there is one: alone, and with two processes.
fn contenders<'a>(
    name: &str,
    rounds: usize,
    measure: impl Fn(Operation) -> Outcome + Copy + 'a,
    has_target: bool,
) -> Group<'a> {
    let robust = if has_target { AtMost(1.5) } else { Free };
    Group::new(name, Unit::Seconds, rounds)
        .add("contribution: lock, commit, unlock", Nothing, move || measure(Operation::Contribution))
        .add("chunk: lock, commit, take, unlock", ThisByBase(Free), move || measure(Operation::Chunk))
        .add("SharedValue::add", ThisByBase(Free), move || measure(Operation::Value))
        .add("bare robust mutex: lock, add, unlock", BaseByThis(robust), move || measure(Operation::Robust))
        .add("bare plain mutex", BaseByThis(Free), move || measure(Operation::Plain))
        .add("raw_sync's Mutex, which is not robust", BaseByThis(Free), move || measure(Operation::RawSync))
        .add("atomic fetch_add, no lock: the floor", BaseByThis(Free), move || measure(Operation::Atomic))
}

fn with_peers<'a>(group: Group<'a>, bench: &'a Bench, processes: u32) -> Group<'a> {
    let peers = &bench.peers;
    let slow = bench.options.rounds(7, 2);
    group
        .add_slow(slow, "Python's Lock + Value", ThisByBase(AtLeast(8.0)), move || {
            peers.python_lock(bench, processes, PYTHON)
        })
        .add_slow(slow, "MPI_Win_lock, Accumulate, unlock", ThisByBase(Free), move || {
            peers.mpi_lock(bench, processes, TOGETHER)
        })
        .add_slow(slow, "Boost interprocess_mutex", BaseByThis(Free), move || {
            peers.boost_lock(bench, processes, TOGETHER)
        })
}
