//! `coordinator completions`: shell completions for both programs.

use clap_complete::generate;

use crate::args::{CompletionsArgs, Program, coordinator};
use crate::error::Result;

/// Prints the script for the shell.
pub fn completions(args: &CompletionsArgs) -> Result<u8> {
    let (name, mut command) = match args.program {
        Program::Coordinator => ("coordinator", coordinator()),
        Program::Worker => ("worker", worker::command()),
    };
    let mut script = Vec::new();
    generate(args.shell, &mut command, name, &mut script);
    super::print(String::from_utf8_lossy(&script).trim_end())
}
