//! The cost of a chunk of a `--split` run beyond its kernel: a run with a million chunks, less a run with one.

use crate::bench::Bench;
use crate::measurement::Comparison::{Absolute, NotCompared};
use crate::measurement::Target::AtMost;
use crate::measurement::{Group, GroupResult, Unit};
use crate::subprocess::time_coordinator;

const CHUNKS: f64 = 1e6;

pub fn measure(bench: &Bench, results: &mut Vec<GroupResult>) {
    // The sum of the first million squares as an i32.
    let run = |chunk: u32, workers: u32| {
        let arguments = format!("--split -n 1_000_000 --chunk {chunk} -w {workers} -q");
        time_coordinator(&arguments, "584144992")
    };
    let group = Group::new("chunks: --split -n 1_000_000", Unit::Seconds, bench.options.rounds(7, 2))
        .add("10^6 chunks, 1 worker", NotCompared, || run(1, 1))
        .add("1 chunk, 1 worker", NotCompared, || run(1_000_000, 1))
        .add("10^6 chunks, 2 workers", NotCompared, || run(1, 2))
        .add("1 chunk, 2 workers", NotCompared, || run(1_000_000, 2));
    let Some(mut result) = group.run("chunks", bench.options) else { return };
    for workers in ["1 worker", "2 workers"] {
        result.derive(&format!("one chunk more, {workers}"), Absolute(AtMost(0.3e-6)), None, |sample| {
            Some((sample(&format!("10^6 chunks, {workers}"))? - sample(&format!("1 chunk, {workers}"))?) / CHUNKS)
        });
    }
    results.push(result);
}
