//! What a chunk of a `--split` run costs beyond its kernel: the command with a million chunks, less the one with one.

use crate::bench::{Bench, coordinator};
use crate::measure::Bound::AtMost;
use crate::measure::Question::{Itself, Nothing};
use crate::measure::{Group, Samples, Unit};

const CHUNKS: f64 = 1e6;

pub fn measure(bench: &Bench, groups: &mut Vec<Samples>) {
    // The sum of the first million squares, as the i32 holds it.
    let run = |chunk: u32, workers: u32| {
        let arguments = format!("--split -n 1_000_000 --chunk {chunk} -w {workers} -q");
        coordinator(&arguments, "584144992")
    };
    let group = Group::new("chunks: --split -n 1_000_000", Unit::Seconds, bench.options.rounds(7, 2))
        .add("10^6 chunks, 1 worker", Nothing, || run(1, 1))
        .add("1 chunk, 1 worker", Nothing, || run(1_000_000, 1))
        .add("10^6 chunks, 2 workers", Nothing, || run(1, 2))
        .add("1 chunk, 2 workers", Nothing, || run(1_000_000, 2));
    let Some(mut samples) = group.run("chunks", bench.options) else { return };
    for workers in ["1 worker", "2 workers"] {
        samples.derive(&format!("one chunk more, {workers}"), Itself(AtMost(1e-6)), None, |of| {
            Some((of(&format!("10^6 chunks, {workers}"))? - of(&format!("1 chunk, {workers}"))?) / CHUNKS)
        });
    }
    groups.push(samples);
}
