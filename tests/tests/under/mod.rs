//! Commands that another program starts: a shell that redirects, a tool that takes rights away.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Puts the words of another command in front of a command's own.
///
/// Of `sh -c SCRIPT` the script finds the command as `"$0" "$@"`.
pub fn under(words: &[&str]) -> impl FnOnce(&mut Command) {
    move |inner| {
        let mut outer = Command::new(words[0]);
        outer.args(&words[1..]).arg(inner.get_program()).args(inner.get_args());
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => outer.env(name, value),
                None => outer.env_remove(name),
            };
        }
        // As the harness starts every command: nothing to read, and a process group that ends with the test.
        outer.stdin(Stdio::null()).process_group(0);
        *inner = outer;
    }
}
