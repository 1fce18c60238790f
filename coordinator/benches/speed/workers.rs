//! What a run costs as it grows: time a worker, and the coordinator's memory.

use std::time::Duration;

use crate::bench::{Bench, command, coordinator, full_pipe, peak_memory};
use crate::measure::Bound::AtMost;
use crate::measure::Question::{Nothing, ThisByBase};
use crate::measure::{Group, Outcome, Samples, Unit};

const COUNTS: [u32; 5] = [10, 4, 100, 1000, 10_000];

/// Flat: within 20 %.
const FLAT: f64 = 1.2;

/// How long a run whose memory no longer grows is looked at: the kernel counts pages by the dozen, so it shows in steps.
const A_WHILE: Duration = Duration::from_secs(3);

pub fn measure(bench: &Bench, groups: &mut Vec<Samples>) {
    let mut group = Group::new("workers: --jobs 2 --delay 0 -n 1000", Unit::Seconds, bench.options.rounds(5, 2));
    for count in COUNTS {
        let most = if count == 10_000 { bench.options.rounds(3, 1) } else { bench.options.rounds(5, 2) };
        group = group.add_slow(most, &run_of(count), Nothing, move || coordinator(&arguments(count), &total(count)));
    }
    if let Some(mut samples) = group.run("workers", bench.options) {
        for pair in [[10, 100], [100, 1000], [1000, 10_000]] {
            let question = if pair[0] == 10 { Nothing } else { ThisByBase(AtMost(FLAT)) };
            samples.derive(&one_more(pair), question, Some(&one_more([10, 100])), |of| {
                let [few, many] = pair;
                Some((of(&run_of(many))? - of(&run_of(few))?) / f64::from(many - few))
            });
        }
        groups.push(samples);
    }
    let mut group = Group::new("coordinator's peak memory", Unit::Bytes, 1);
    for count in [10, 100, 1000, 10_000] {
        let question = if count == 10 { Nothing } else { ThisByBase(AtMost(FLAT)) };
        group = group.add_slow(1, &run_of(count), question, move || memory(count));
    }
    groups.extend(group.run("workers", bench.options));
}

fn arguments(workers: u32) -> String {
    format!("-w {workers} --jobs 2 --delay 0 -n 1000 -q")
}

/// What they add up to, as the i32 holds it: each the sum of the first thousand squares.
fn total(workers: u32) -> String {
    332_833_500_u32.wrapping_mul(workers).cast_signed().to_string()
}

fn run_of(workers: u32) -> String {
    format!("{workers} workers")
}

fn one_more([few, many]: [u32; 2]) -> String {
    format!("one worker more, {few} to {many}")
}

fn memory(workers: u32) -> Outcome {
    // Nobody reads the result: that keeps the coordinator where it has checked the whole ledger, which takes most.
    let (reader, writer) = full_pipe()?;
    let mut child = command(&arguments(workers)).stdout(writer).spawn()?;
    let memory = peak_memory(&child, A_WHILE);
    drop(reader);
    child.wait()?;
    memory
}
