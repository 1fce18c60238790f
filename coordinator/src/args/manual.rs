//! The options of `completions` and `man`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use clap_complete::Shell;

/// The manual pages: both programs, and the coordinator's subcommands.
pub const PAGES: [&str; 14] = [
    "coordinator",
    "worker",
    "run",
    "create",
    "status",
    "list",
    "kernels",
    "wait",
    "resume",
    "stop",
    "remove",
    "collect",
    "completions",
    "man",
];

/// The options of `completions`.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
    /// The program whose command line to complete
    #[arg(value_name = "PROGRAM", default_value = "coordinator")]
    pub program: Program,
}

/// The programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Program {
    /// The coordinator
    Coordinator,
    /// The worker
    Worker,
}

/// The options of `man`.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// A program, or a command of coordinator
    #[arg(value_name = "PAGE", default_value = "coordinator", value_parser = PossibleValuesParser::new(PAGES))]
    pub page: String,
    /// Write all pages into this folder, such as ~/.local/share/man/man1
    #[arg(long, value_name = "DIR", conflicts_with = "page")]
    pub dir: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let command = crate::args::coordinator();
        let commands: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        assert_eq!(PAGES[2..], commands);
    }
}
