//! The speed of everything, measured side by side: `cargo bench`, `cargo bench -- lock`, `cargo bench -- --quick`.
//!
//! One table shows medians, spreads, and ratios to the bare system and to peers, with targets for some. A missed target
//! is reported and does not change the exit code: times depend on the machine.

mod baseline;
mod bench;
mod chunks;
mod collect;
mod commands;
mod contention;
mod executables;
mod idle;
mod kernels;
mod lock;
mod measurement;
mod peers;
mod primes;
mod python;
mod shell;
mod split;
mod subprocess;
mod workers;

use std::process::ExitCode;

use bench::Bench;
use measurement::{BenchError, BuildDir, GroupResult, Options};
use peers::Peers;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(contention::CHILD_ARGUMENT) {
        return contention::run_child(arguments);
    }
    measurement::main("speed", measure)
}

fn measure(options: &Options, results: &mut Vec<GroupResult>) -> Result<Vec<String>, BenchError> {
    subprocess::require_worker()?;
    let build_dir = BuildDir::new()?;
    let bench = Bench { options, build_dir: &build_dir, peers: Peers::new(&build_dir) };
    let sections = [
        lock::measure,
        chunks::measure,
        kernels::measure,
        primes::measure,
        commands::measure,
        shell::measure,
        executables::measure,
        workers::measure,
        split::measure,
        python::measure,
        collect::measure,
        idle::measure,
    ];
    for section in sections {
        section(&bench, results);
    }
    Ok(bench.peers.versions())
}
