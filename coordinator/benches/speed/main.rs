//! Everything that is to be fast, measured side by side: `cargo bench`, `cargo bench -- lock`, `cargo bench -- --quick`.
//!
//! One table with medians, spread and ratios against the bare system and against peers; DESIGN's targets stand beside the
//! ratios. Nothing here fails a build: time is the machine's, so a missed target is told and the exit code is 0.

mod baseline;
mod bench;
mod chunks;
mod commands;
mod contend;
mod idle;
mod kernels;
mod lock;
mod measure;
mod operation;
mod peers;
mod split;
mod workers;

use std::process::ExitCode;

use bench::Bench;
use measure::{Options, Samples, Trouble};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(contend::ROLE) {
        return contend::take_part(arguments);
    }
    measure::main("speed", measure_all)
}

/// Measures what is wanted; returns the versions of the peers that took part.
fn measure_all(options: &Options, groups: &mut Vec<Samples>) -> Result<Vec<String>, Trouble> {
    let bench = Bench::prepare(options)?;
    let sections = [
        lock::measure,
        chunks::measure,
        kernels::measure,
        commands::measure,
        workers::measure,
        split::measure,
        idle::measure,
    ];
    for section in sections {
        section(&bench, groups);
    }
    Ok(bench.peers.versions())
}
