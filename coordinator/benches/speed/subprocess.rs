//! Commands, timed from outside or by themselves.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use crate::measurement::{BenchError, Sample};

/// Cargo builds it for this bench (<https://doc.rust-lang.org/cargo/reference/environment-variables.html>).
const COORDINATOR: &str = env!("CARGO_BIN_EXE_coordinator");

/// The coordinator starts the worker that lies beside it, which cargo does not build for this bench alone.
pub fn require_worker() -> Result<(), BenchError> {
    let worker = executable("worker");
    if worker.exists() {
        return Ok(());
    }
    Err(BenchError::failed(format_args!("{} is missing\nhint: cargo build --release", worker.display())))
}

/// The executable of that name, beside the coordinator.
pub fn executable(name: &str) -> PathBuf {
    Path::new(COORDINATOR).with_file_name(name)
}

pub fn coordinator(arguments: &str) -> Command {
    let mut command = Command::new(COORDINATOR);
    command.args(arguments.split_whitespace()).stdin(Stdio::null());
    command
}

/// Seconds from the coordinator's start to its exit; fails unless a line of its output ends with `expected`.
pub fn time_coordinator(arguments: &str, expected: &str) -> Sample {
    time(coordinator(arguments), expected)
}

/// Seconds from the command's start to its exit; fails unless a line of its output ends with `expected`.
pub fn time(mut command: Command, expected: &str) -> Sample {
    let began = Instant::now();
    let output = command.output()?;
    let took = began.elapsed();
    // Any line: mpiexec forwards the lines of its processes in no fixed order.
    let is_expected = String::from_utf8_lossy(&output.stdout).lines().any(|line| line.ends_with(expected));
    if output.status.success() && is_expected { Ok(took.as_secs_f64()) } else { Err(failure(&output)) }
}

/// The number that a command prints last: its own measurement.
pub fn self_measured(mut command: Command) -> Sample {
    let output = command.output()?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let number = stdout.lines().last().and_then(|line| line.trim().parse().ok());
    number.filter(|_| output.status.success()).ok_or_else(|| failure(&output))
}

fn failure(output: &Output) -> BenchError {
    let text = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
    let last_line: String = String::from_utf8_lossy(text).lines().last().unwrap_or_default().chars().take(80).collect();
    BenchError::failed(format_args!("{}, last line of output: {last_line:?}", output.status))
}
