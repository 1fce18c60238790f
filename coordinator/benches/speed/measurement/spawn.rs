//! The cost of starting processes.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::sample::{BenchError, Sample};

/// Seconds from the start of `count` concurrent processes until the last one is reaped.
pub fn spawn_and_reap(count: usize, program: &Path, arguments: &[&str]) -> Sample {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    let began = Instant::now();
    let children: Vec<Child> = (0..count).map(|_| command.spawn()).collect::<Result<_, _>>()?;
    for mut child in children {
        let status = child.wait()?;
        if !status.success() {
            return Err(BenchError::failed(format_args!("{} ended with {status}", program.display())));
        }
    }
    Ok(began.elapsed().as_secs_f64())
}
