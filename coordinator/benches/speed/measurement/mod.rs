//! Measures contenders side by side: in each round every contender of a group runs once, so noise hits all alike.
//!
//! Invariant: a ratio is the median of the ratios of single rounds; samples of different rounds are never compared.

mod build_dir;
mod comparison;
mod earlier;
mod group;
mod json;
mod machine;
mod options;
mod result;
mod sample;
mod spawn;
mod statistics;
mod table;

pub use build_dir::BuildDir;
pub use comparison::{Comparison, Target};
pub use group::Group;
pub use options::Options;
pub use result::GroupResult;
pub use sample::{BenchError, Sample, Unit};
pub use spawn::spawn_and_reap;

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use earlier::Earlier;
use machine::Machine;

/// Runs a bench: reads the command line, measures, prints the table, writes the JSON.
///
/// `measure` returns the versions of the peers. A missed target is reported and does not change the exit code.
pub fn main(
    title: &'static str,
    measure: impl FnOnce(&Options, &mut Vec<GroupResult>) -> Result<Vec<String>, BenchError>,
) -> ExitCode {
    let options = match Options::read(std::env::args_os().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{title}: measures only with --bench, which cargo bench passes");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("error: {error}");
            eprintln!("hint: cargo bench -- [FILTER] [--quick] [--json PATH] [--against PATH]");
            return ExitCode::from(common::cli::exit_code::USAGE);
        }
    };
    if let Some(error) = unset_library_path() {
        eprintln!("warning: LD_LIBRARY_PATH stays set, which slows every start of a process: {error}");
    }
    let machine = Machine::read();
    machine.warn_if_busy();
    // Before anything is measured: the results may replace that very file.
    let earlier = options.against.as_deref().map(|path| Earlier::read(path, title, &machine));
    let earlier = match earlier.transpose() {
        Ok(earlier) => earlier,
        Err(error) => {
            eprintln!("error: {error}");
            eprintln!("hint: give a file that this bench has written on this processor (--json PATH)");
            return ExitCode::from(common::cli::exit_code::USAGE);
        }
    };
    let mut results = Vec::new();
    let peers = match measure(&options, &mut results) {
        Ok(peers) => peers,
        Err(BenchError::Skipped(reason) | BenchError::Failed(reason)) => {
            eprintln!("error: {reason}");
            return ExitCode::FAILURE;
        }
    };
    if results.is_empty() {
        println!("{title}: no section, group or row has {:?} in its name", options.filter);
        return ExitCode::SUCCESS;
    }
    println!("\n{}", machine.describe(&peers));
    println!("\n{}", table::table(&results));
    if let Some(earlier) = earlier {
        println!("\n{}", earlier.compare(&json::groups(&results)));
    }
    match json::write(&options.json, title, &machine, &peers, &results) {
        Ok(()) => {
            println!("\nall samples: {}", options.json.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: cannot write {}: {error}", options.json.display());
            ExitCode::FAILURE
        }
    }
}

/// Executes the bench again without `LD_LIBRARY_PATH`; returns if it is not set, or with the error if that fails.
///
/// Cargo sets it for a bench, and the loader of each process would search all of its directories for each library.
fn unset_library_path() -> Option<std::io::Error> {
    const VARIABLE: &str = "LD_LIBRARY_PATH";
    std::env::var_os(VARIABLE)?;
    let program = std::env::current_exe().ok()?;
    Some(Command::new(program).args(std::env::args_os().skip(1)).env_remove(VARIABLE).exec())
}
