//! A shell command as the kernel.
//!
//! `sh -c` runs the command, with `{start}` and `{end}` replaced by the range (the end is exclusive). The command writes
//! numbers to stdout, one for each cell. Its result counts once it has exited with 0 and its stdout is closed. Its process group
//! is then killed; it is also killed when the command fails, takes too long or must stop. What left that group ends with the
//! worker (`processes`). The result must depend only on the range: that is up to the command.

mod running;
#[cfg(test)]
mod tests;

use std::thread;
use std::time::{Duration, Instant};

use common::failpoint::Failpoint;
use common::{Exit, Number, Terms, refusal};
use rustix::io::Errno;

use running::{End, Finished, LOOK_UP, Limits, Running};

use super::{Contribution, Failure, Kernel, Stopped, Task, Watch};

/// Runs the command of the run for the range.
pub struct Exec;

/// Bytes of stdout for each cell: an `i128` takes 40, the shortest text of an `f64` at most 24, plus blanks around it.
const CELL_BYTES: usize = 64;

/// Further bytes of stdout, for blank lines at the ends.
const SPARE_BYTES: usize = 4096;

/// Characters of stderr in a message.
const STDERR_SHOWN: usize = 400;

/// Characters of an invalid number in a message.
const TOKEN_SHOWN: usize = 40;

impl Kernel for Exec {
    fn name(&self) -> &'static str {
        "exec"
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
        let Task { range, terms, .. } = task;
        let command = terms.command.replace("{start}", &range.start.to_string());
        let command = command.replace("{end}", &range.end.to_string());
        let running = start(&command, watch)?;
        let limits = Limits { timeout: terms.command_timeout, stdout: most_bytes(terms) };
        let finished = running.finish(&limits, watch)?;
        judge(&finished, terms).map_err(|failure| failure.with(&last_words(&finished.stderr)))
    }
}

/// Starts the command, in several attempts if the system has no room for a process now.
fn start(command: &str, watch: &mut dyn Watch) -> Result<Running, Failure> {
    for refusals in 1.. {
        let started = if Failpoint::Commanding.refuses() { Err(Errno::AGAIN.into()) } else { Running::start(command) };
        let error = match started {
            Ok(running) => return Ok(running),
            Err(error) => error,
        };
        let Some(pause) = refusal::pause(refusals).filter(|_| refusal::is_temporary(&error)) else {
            let times = if refusals == 1 { "once".to_owned() } else { format!("{refusals} times") };
            return Err(Failure::Failed(format!("cannot start sh (tried {times}): {error}")));
        };
        rest(pause, watch)?;
    }
    unreachable!("the attempts are bounded")
}

/// Pauses, unless the worker must stop.
fn rest(pause: Duration, watch: &mut dyn Watch) -> Result<(), Stopped> {
    let until = Instant::now() + pause;
    loop {
        watch.step(0)?;
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        thread::sleep(left.min(LOOK_UP));
    }
}

/// How many bytes a command may write to stdout.
fn most_bytes(terms: &Terms) -> usize {
    SPARE_BYTES + CELL_BYTES * terms.cells as usize
}

/// The command's result, or why it failed.
fn judge(finished: &Finished, terms: &Terms) -> Result<Contribution, Failure> {
    let why = match finished.end {
        End::Ended(status) => match (status.exit_status(), status.terminating_signal()) {
            (Some(0), _) => return numbers(&finished.stdout, terms).map_err(Failure::Failed),
            (Some(code), _) => return Err(Failure::Command(Exit::Code(low(code)), format!("exit code {code}"))),
            (_, signal) => {
                let signal = signal.unwrap_or(0);
                return Err(Failure::Command(Exit::Signal(low(signal)), format!("killed by signal {signal}")));
            }
        },
        End::LeftOpen => "it ended, but something that it started kept its stdout open".to_owned(),
        End::WroteTooMuch => format!("more than {} bytes on stdout", most_bytes(terms)),
        End::TookTooLong => {
            let timeout = terms.command_timeout.unwrap_or_default();
            format!("took longer than {}", humantime::format_duration(timeout))
        }
    };
    Err(Failure::Failed(why))
}

/// An exit code or the number of a signal, which have eight bits (`wait(2)`).
fn low(number: i32) -> u8 {
    u8::try_from(number & 0xff).unwrap_or(0)
}

/// Parses the numbers of a text, exactly one for each cell.
fn numbers(text: &[u8], terms: &Terms) -> Result<Contribution, String> {
    let text = String::from_utf8_lossy(text);
    let parse = |token| number(token, terms.value_type.is_float()).ok_or(token);
    let numbers: Result<Vec<Number>, &str> = text.split_ascii_whitespace().map(parse).collect();
    match numbers {
        Ok(numbers) if numbers.len() == terms.cells as usize => Ok(numbers.into()),
        Ok(numbers) => Err(format!("{} numbers on stdout, not {}", numbers.len(), terms.cells)),
        Err(token) => {
            let shown: String = token.chars().take(TOKEN_SHOWN).collect();
            let cut = if shown.len() < token.len() { "…" } else { "" };
            Err(format!("not a number: {shown:?}{cut}"))
        }
    }
}

/// Parses an integer, or, for a fraction, any finite number.
fn number(token: &str, is_float: bool) -> Option<Number> {
    if is_float {
        token.parse().ok().filter(|float: &f64| float.is_finite()).map(Number::Float)
    } else {
        token.parse().ok().map(Number::Integer)
    }
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
