//! `prime-count` against primesieve (<https://github.com/kimwalisch/primesieve>), as whole commands on the same cores.

use crate::bench::Bench;
use crate::measurement::Comparison::{NotCompared, ReferenceOverThis};
use crate::measurement::Target::AtMost;
use crate::measurement::{Group, GroupResult, Sample, Unit};
use crate::subprocess::time_coordinator;

/// Ranges with their names and the number of their primes.
const RANGES: [(&str, u64, u64, &str); 3] = [
    ("0..1e9", 0, 1_000_000_000, "50847534"),
    ("1e13..1e13+1e9", 10_000_000_000_000, 10_001_000_000_000, "33405006"),
    ("0..2e10", 0, 20_000_000_000, "882206716"),
];

pub fn measure(bench: &Bench, results: &mut Vec<GroupResult>) {
    for (name, start, end, primes) in RANGES {
        for cores in [1, 2] {
            let rounds =
                if end - start > 1_000_000_000 { bench.options.rounds(3, 1) } else { bench.options.rounds(9, 3) };
            let plural = if cores == 1 { "" } else { "s" };
            let group = Group::new(&format!("primes in {name}, {cores} core{plural}"), Unit::Seconds, rounds)
                .add("coordinator --split --kernel prime-count", NotCompared, || count(start, end, cores, primes))
                .add("primesieve", ReferenceOverThis(AtMost(1.1)), || {
                    bench.peers.primesieve(start, end, cores, primes)
                });
            results.extend(group.run("primes", bench.options));
        }
    }
}

fn count(start: u64, end: u64, workers: u32, primes: &str) -> Sample {
    time_coordinator(&format!("--split --kernel prime-count -n {end} --range {start}..{end} -w {workers} -q"), primes)
}
