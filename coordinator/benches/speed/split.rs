//! The speed-up by a second worker that shares one range.

use crate::bench::Bench;
use crate::measurement::Comparison::{NotCompared, ThisOverReference};
use crate::measurement::Target::AtLeast;
use crate::measurement::{Group, GroupResult, Unit};
use crate::subprocess::time_coordinator;

pub fn measure(bench: &Bench, results: &mut Vec<GroupResult>) {
    // The closed form n (n - 1) (2n - 1) / 6 as an i32.
    let (n, sum) = if bench.options.quick { ("2e9", "801172992") } else { ("1e10", "-953899520") };
    let run = |workers: u32| time_coordinator(&format!("--split -n {n} -w {workers} -q"), sum);
    let group = Group::new(&format!("split: --split -n {n}"), Unit::Seconds, bench.options.rounds(5, 3))
        .add("2 workers", NotCompared, || run(2))
        .add("1 worker", ThisOverReference(AtLeast(1.9)), || run(1));
    results.extend(group.run("split", bench.options));
}
