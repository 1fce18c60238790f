//! The segment's lock with its commit, against bare locks and against the peers' locks.

use crate::bench::Bench;
use crate::contention::{Operation, alone, together};
use crate::measurement::Comparison::{NotCompared, ReferenceOverThis, ThisOverReference};
use crate::measurement::Target::{AtLeast, AtMost, Unbounded};
use crate::measurement::{Group, GroupResult, Sample, Target, Unit};
use crate::peers::Package::{self, Killproof, Multiprocessing};
use crate::peers::ValueOperation::{self, Add, AddInPlace, WithLock};

/// Operations in a round, alone and of each contending process. Their tickets fit into the second-level cache, where a
/// worker has its own ticket too, because it has just written to it.
const ALONE: u32 = 2_000;
const TOGETHER: u32 = 5_000;

/// Operations of Python, which is slow.
const PYTHON: u32 = 10_000;

/// Operations of Python on a shared value: the processes begin within a small part of the time that they take.
const PYTHON_VALUE: u32 = 300_000;

pub fn measure(bench: &Bench, results: &mut Vec<GroupResult>) {
    let rounds = bench.options.rounds(101, 11);
    let group = operations("lock, alone", rounds, AtMost(1.5), |operation| alone(operation, ALONE));
    results.extend(with_peers(group, bench, 1).run("lock", bench.options));
    let rounds = bench.options.rounds(41, 5);
    for processes in [2, 4, 8] {
        let name = format!("lock, {processes} processes");
        let target = if processes == 2 { AtMost(1.5) } else { Unbounded };
        let group = operations(&name, rounds, target, move |operation| together(operation, processes, TOGETHER));
        let group = if processes == 2 { with_peers(group, bench, 2) } else { group };
        results.extend(group.run("lock", bench.options));
    }
    for (name, processes) in [("lock in Python, alone", 1), ("lock in Python, 2 processes", 2)] {
        results.extend(python_values(name, bench, processes).run("lock", bench.options));
    }
}

/// This project's package for Python, beside `multiprocessing` in the same interpreter.
fn python_values<'a>(name: &str, bench: &'a Bench, processes: u32) -> Group<'a> {
    let measure = move |package: Package, operation: ValueOperation| {
        move || bench.peers.python_value(package, operation, processes, PYTHON_VALUE)
    };
    Group::new(name, Unit::Seconds, bench.options.rounds(15, 3))
        .add("multiprocessing: with v.get_lock(): v.value += 1", NotCompared, measure(Multiprocessing, WithLock))
        .add("killproof: v.add(1)", ReferenceOverThis(AtLeast(8.0)), measure(Killproof, Add))
        .add("killproof: v += 1", ReferenceOverThis(AtLeast(8.0)), measure(Killproof, AddInPlace))
        .add("killproof: with v.get_lock(): v.value += 1", ThisOverReference(AtMost(1.0)), measure(Killproof, WithLock))
}

fn operations<'a>(
    name: &str,
    rounds: usize,
    robust: Target,
    measure: impl Fn(Operation) -> Sample + Copy + 'a,
) -> Group<'a> {
    use Operation::{AtomicAdd, Chunk, Contribution, PlainMutex, RawSyncMutex, RobustMutex, ValueAdd};
    Group::new(name, Unit::Seconds, rounds)
        .add("contribution: lock, commit, unlock", NotCompared, move || measure(Contribution))
        .add("chunk: lock, commit, take, unlock", ThisOverReference(Unbounded), move || measure(Chunk))
        .add("SharedValue::add", ThisOverReference(Unbounded), move || measure(ValueAdd))
        .add("bare robust mutex: lock, add, unlock", ReferenceOverThis(robust), move || measure(RobustMutex))
        .add("bare plain mutex", ReferenceOverThis(Unbounded), move || measure(PlainMutex))
        .add("raw_sync's Mutex, which is not robust", ReferenceOverThis(Unbounded), move || measure(RawSyncMutex))
        .add("atomic fetch_add, no lock: the floor", ReferenceOverThis(Unbounded), move || measure(AtomicAdd))
}

fn with_peers<'a>(group: Group<'a>, bench: &'a Bench, processes: u32) -> Group<'a> {
    let peers = &bench.peers;
    let rounds = bench.options.rounds(7, 2);
    group
        .add_slow(rounds, "Python's Lock + Value", ThisOverReference(AtLeast(8.0)), move || {
            peers.python_lock(processes, PYTHON)
        })
        .add_slow(rounds, "MPI_Win_lock, Accumulate, unlock", ThisOverReference(Unbounded), move || {
            peers.mpi_lock(processes, TOGETHER)
        })
        .add_slow(rounds, "Boost interprocess_mutex", ReferenceOverThis(Unbounded), move || {
            peers.boost_lock(processes, TOGETHER)
        })
}
