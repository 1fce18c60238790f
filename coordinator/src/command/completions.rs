//! `coordinator completions`: shell completions for both programs.

use clap::Command;
use clap_complete::generate;

use crate::args::{CompletionsArgs, Program, coordinator};
use crate::error::Result;

/// Prints the script for the shell.
pub fn completions(args: &CompletionsArgs) -> Result<u8> {
    let (name, command) = match args.program {
        Program::Coordinator => ("coordinator", coordinator()),
        Program::Worker => ("worker", worker::command()),
    };
    let mut script = Vec::new();
    generate(args.shell, &mut shown(&command), name, &mut script);
    super::print(String::from_utf8_lossy(&script).trim_end())
}

/// The command line as help shows it. `clap_complete` would offer hidden options, which are for programs.
fn shown(command: &Command) -> Command {
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let mut copy = Command::new(command.get_name().to_owned())
        .args(arguments.cloned())
        .subcommands(command.get_subcommands().map(shown));
    if let Some(version) = command.get_version() {
        copy = copy.version(version.to_owned());
    }
    if let Some(about) = command.get_about() {
        copy = copy.about(about.clone());
    }
    copy
}
