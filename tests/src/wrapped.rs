//! Commands that another program starts: a shell that redirects, a tool that drops capabilities.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Runs a command by another one, whose words come first.
///
/// With `sh -c SCRIPT` the script runs the command as `"$0" "$@"`.
pub fn wrapped(words: &[&str]) -> impl FnOnce(&mut Command) {
    move |inner| {
        let mut outer = Command::new(words[0]);
        outer.args(&words[1..]).arg(inner.get_program()).args(inner.get_args());
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => outer.env(name, value),
                None => outer.env_remove(name),
            };
        }
        // As for every command of the harness: no input, and a process group of its own that is killed with the test.
        outer.stdin(Stdio::null()).process_group(0);
        *inner = outer;
    }
}
