//! The executables themselves: what they take to start, and their sizes.

use std::fs;
use std::path::PathBuf;

use crate::bench::Bench;
use crate::measurement::Comparison::{NotCompared, ThisOverReference};
use crate::measurement::Target::Unbounded;
use crate::measurement::{Group, GroupResult, Sample, Unit, spawn_and_reap};
use crate::subprocess::executable;

const NAMES: [&str; 2] = ["coordinator", "worker"];

pub fn measure(bench: &Bench, results: &mut Vec<GroupResult>) {
    let mut group = Group::new("start: --version", Unit::Seconds, bench.options.rounds(51, 11)).add(
        "an empty Rust program",
        NotCompared,
        || spawn_and_reap(1, bench.build_dir.empty_program()?, &[]),
    );
    for name in NAMES {
        group =
            group.add(name, ThisOverReference(Unbounded), move || spawn_and_reap(1, &executable(name), &["--version"]));
    }
    results.extend(group.run("executables", bench.options));
    let group = Group::new("size of the executable", Unit::Bytes, 1);
    let group =
        NAMES.into_iter().fold(group, |group, name| group.add(name, NotCompared, move || size(executable(name))));
    results.extend(group.run("executables", bench.options));
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53 bytes")]
fn size(path: PathBuf) -> Sample {
    Ok(fs::metadata(path)?.len() as f64)
}
