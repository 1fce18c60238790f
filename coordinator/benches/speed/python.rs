//! `run` and `map` of the Python package: beside `Pool.map`, and the cost of a chunk beyond its kernel.

use crate::bench::Bench;
use crate::measurement::Comparison::{Absolute, NotCompared, ThisOverReference};
use crate::measurement::Target::{AtLeast, AtMost, Unbounded};
use crate::measurement::{Group, GroupResult, Unit};
use crate::peers::Package::{Killproof, Multiprocessing};

const ITEMS: u32 = 10_000;

const CHUNKS: u32 = 100_000;

pub fn measure(bench: &Bench, results: &mut Vec<GroupResult>) {
    let peers = &bench.peers;
    let group =
        Group::new("map in Python: 10,000 trivial items, 2 workers", Unit::Seconds, bench.options.rounds(11, 3))
            .add("killproof.map", NotCompared, || peers.python_map(Killproof, "", ITEMS))
            // Its children begin as copies of their parent, so that they import nothing.
            .add("Pool.map(chunksize=1), fork", ThisOverReference(AtLeast(1.0)), || {
                peers.python_map(Multiprocessing, "fork", ITEMS)
            })
            .add("Pool.map(chunksize=1), spawn", ThisOverReference(Unbounded), || {
                peers.python_map(Multiprocessing, "spawn", ITEMS)
            });
    results.extend(group.run("python", bench.options));
    let group = Group::new("kernel in Python: a function that returns 0", Unit::Seconds, bench.options.rounds(7, 2))
        .add("100,000 chunks, 1 worker", NotCompared, || peers.python_kernel(1, CHUNKS))
        .add("1 chunk, 1 worker", NotCompared, || peers.python_kernel(CHUNKS, 1));
    let Some(mut result) = group.run("python", bench.options) else { return };
    result.derive("one chunk more", Absolute(AtMost(10e-6)), None, |sample| {
        Some((sample("100,000 chunks, 1 worker")? - sample("1 chunk, 1 worker")?) / f64::from(CHUNKS))
    });
    results.push(result);
}
