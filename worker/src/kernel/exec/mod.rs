//! A shell command as the kernel.
//!
//! `sh -c` runs the command, with `{start}` and `{end}` replaced by the range (the end is exclusive). The command writes
//! numbers to stdout, one for each cell. Its result counts once it has exited with 0 and its stdout is closed. Its process group
//! is then killed; it is also killed when the command fails, takes too long or must stop. What left that group ends with the
//! worker (`processes`). The result must depend only on the range: that is up to the command.

mod lines;
mod log;
mod running;
#[cfg(test)]
mod tests;
mod transcript;

use std::process::{Command, Stdio};

use common::Terms;

use running::{End, Finished, Limits, Running};
use transcript::Transcript;

pub use transcript::StderrTo;

use super::command::{exit, most_bytes, numbers, shell, start, took_too_long};
use super::{Contribution, Failure, Kernel, Task, Watch};

/// Runs the command of the run for the range.
pub struct Exec;

/// Characters of stderr in a message.
const STDERR_SHOWN: usize = 400;

impl Exec {
    /// Its name.
    pub const NAME: &str = "exec";
}

impl Kernel for Exec {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn about(&self) -> &'static str {
        "what a shell command writes for the range: a number for each cell"
    }

    fn cells(&self) -> Option<u32> {
        None
    }

    fn starts_processes(&self) -> bool {
        true
    }

    fn compute(&self, task: &Task, watch: &mut dyn Watch) -> Result<Contribution, Failure> {
        watch.step(0)?;
        let mut transcript = Transcript::begin(task);
        let finished = run(task, &mut transcript, watch);
        let last_words = finished.as_ref().map_or_else(|_| String::new(), |finished| last_words(&finished.stderr));
        let judged = finished.and_then(|finished| judge(&finished, &task.terms));
        transcript.end(&judged);
        judged.map_err(|failure| failure.with(&last_words))
    }
}

/// Runs the command for the task's range to its end.
fn run(task: &Task, transcript: &mut Transcript, watch: &mut dyn Watch) -> Result<Finished, Failure> {
    let terms = &task.terms;
    let running = start(|| Running::start(&mut command(task)), watch)?;
    let limits = Limits { timeout: terms.command_timeout, stdout: most_bytes(terms) };
    running.finish(&limits, transcript, watch)
}

/// The command for the task's range.
fn command(task: &Task) -> Command {
    let [start, end, attempt] =
        [task.range.start, task.range.end, task.attempt.into()].map(|number| number.to_string());
    let text = task.terms.command.replace("{start}", &start).replace("{end}", &end);
    let mut command = shell(&text, task);
    command.env("KILLPROOF_ATTEMPT", attempt).env("KILLPROOF_START", start).env("KILLPROOF_END", end);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The command's result, or why it failed.
fn judge(finished: &Finished, terms: &Terms) -> Result<Contribution, Failure> {
    let why = match finished.end {
        End::Ended(status) if status.exit_status() == Some(0) => {
            return numbers(&finished.stdout, "on stdout", terms).map_err(Failure::Failed);
        }
        End::Ended(status) => {
            let (exit, why) = exit(status, finished.kills);
            return Err(Failure::Command(exit, why));
        }
        End::LeftOpen => "it ended, but something that it started kept its stdout open".to_owned(),
        End::WroteTooMuch => format!("more than {} bytes on stdout", most_bytes(terms)),
        End::TookTooLong => return Err(took_too_long(terms.command_timeout)),
    };
    Err(Failure::Failed(why))
}

/// The end of a command's stderr in one line; empty if it wrote nothing.
fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() {
        return String::new();
    }
    let line = words.join(" ");
    let shown = line.char_indices().rev().nth(STDERR_SHOWN - 1).map_or(0, |(start, _)| start);
    format!("; its stderr: {}{}", if shown == 0 { "" } else { "…" }, &line[shown..])
}
