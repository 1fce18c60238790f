//! `prime-count` as a whole command, against primesieve (Debian's primesieve-bin), on all processors.

use std::io::ErrorKind;
use std::process::{Command, Stdio};

use crate::bench::Bench;
use crate::measurement::Comparison::{NotCompared, ReferenceOverThis};
use crate::measurement::Target::AtMost;
use crate::measurement::{BenchError, Group, GroupResult, Sample, Unit};
use crate::subprocess::{time, time_coordinator};

/// Ranges, and how many primes they have: as primesieve 11.0 counts them; the first also in <https://oeis.org/A006880>.
const RANGES: [(u64, u64, &str); 3] = [
    (0, 1_000_000_000, "50847534"),
    (0, 20_000_000_000, "882206716"),
    (10_000_000_000_000, 10_001_000_000_000, "33405006"),
];

pub fn measure(bench: &Bench, results: &mut Vec<GroupResult>) {
    for (start, end, primes) in RANGES {
        let rounds = if end - start > 2_000_000_000 { (5, 2) } else { (21, 5) };
        let split = format!("--split --kernel prime-count -n {end} --range {start}..{end} -w auto -q");
        let group =
            Group::new(&format!("primes in {start}..{end}"), Unit::Seconds, bench.options.rounds(rounds.0, rounds.1))
                .add("coordinator --split --kernel prime-count", NotCompared, || time_coordinator(&split, primes))
                .add("primesieve", ReferenceOverThis(AtMost(1.1)), || primesieve(start, end, primes));
        results.extend(group.run("primes", bench.options));
    }
}

fn primesieve(start: u64, end: u64, primes: &str) -> Sample {
    let mut version = Command::new("primesieve");
    match version.arg("--version").stdout(Stdio::null()).status() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(BenchError::skipped("primesieve is missing")),
        _ => {}
    }
    let mut command = Command::new("primesieve");
    // Its ranges have their ends in them.
    command.args([start.to_string(), (end - 1).to_string(), "--quiet".to_owned()]).stdin(Stdio::null());
    time(command, primes)
}
