//! Measuring side by side: in each round every contender of a group runs once, so that noise hits all of them.
//!
//! Invariant: ratios are medians of the rounds' own ratios; no round's figure is compared with another round's.

mod answer;
mod empty;
mod group;
mod json;
mod machine;
mod options;
mod statistics;
mod table;

pub use answer::{Bound, Question, Samples, Unit};
pub use empty::{Folder, spawn_and_reap};
pub use group::{Group, Outcome, Trouble};
pub use machine::Machine;
pub use options::Options;

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// The whole of a bench: reads the command line, measures, prints the table, writes the JSON.
///
/// What misses its target says so; the exit code speaks of the bench alone.
pub fn main(
    title: &'static str,
    measure: impl FnOnce(&Options, &mut Vec<Samples>) -> Result<Vec<String>, Trouble>,
) -> ExitCode {
    let options = match Options::read(std::env::args_os().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{title}: nothing is measured without --bench, which cargo bench passes");
            return ExitCode::SUCCESS;
        }
        Err(what) => {
            eprintln!("error: {what}");
            eprintln!("hint: cargo bench -- [WORD] [--quick] [--json PATH]");
            return ExitCode::from(common::exit_code::USAGE);
        }
    };
    let error = leave_library_path();
    if let Some(error) = error {
        eprintln!("warning: LD_LIBRARY_PATH is set, which slows every start of a process: {error}");
    }
    let machine = Machine::look();
    machine.warn();
    let mut groups = Vec::new();
    let peers = match measure(&options, &mut groups) {
        Ok(peers) => peers,
        Err(Trouble::Skipped(what) | Trouble::Failed(what)) => {
            eprintln!("error: {what}");
            return ExitCode::FAILURE;
        }
    };
    if groups.is_empty() {
        println!("{title}: no section or row has a name with {:?} in it", options.word);
        return ExitCode::SUCCESS;
    }
    println!("\n{}", machine.describe(&peers));
    println!("\n{}", table::table(&groups));
    match json::write(&options.json, title, &machine, &peers, &groups) {
        Ok(()) => {
            println!("\nall figures: {}", options.json.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: cannot write {}: {error}", options.json.display());
            ExitCode::FAILURE
        }
    }
}

/// Cargo sets `LD_LIBRARY_PATH` for a bench, and in each of its folders the loader of each process would look for each
/// library. So the bench becomes itself again without it; it returns only if that fails, or there is nothing to do.
fn leave_library_path() -> Option<std::io::Error> {
    const VARIABLE: &str = "LD_LIBRARY_PATH";
    std::env::var_os(VARIABLE)?;
    let program = std::env::current_exe().ok()?;
    Some(Command::new(program).args(std::env::args_os().skip(1)).env_remove(VARIABLE).exec())
}
