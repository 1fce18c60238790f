//! Processes that contend for one lock.
//!
//! All begin at the same time. The first process that completes its operations stops the others, so that all contend
//! during the whole time measured.

mod fixture;
mod operation;
mod process;
mod workload;

pub use operation::Operation;
pub use process::{CHILD_ARGUMENT, run_child};

use std::time::Duration;

use common::BootTime;

use crate::measurement::{BenchError, Sample};
use fixture::Fixture;
use process::ContendingProcess;
use workload::{Run, Workload};

/// From the signal to the time at which all processes begin.
const START_DELAY: Duration = Duration::from_millis(2);

/// Seconds an operation in a process without contention.
pub fn alone(operation: Operation, count: u32) -> Sample {
    let Fixture { locks, name, .. } = &Fixture::new(operation, count)?;
    let run = Workload { operation, locks, name, first_ticket: 1, count }.run(|| Ok(()))?;
    Ok(seconds_each(&[run], count))
}

/// Seconds an operation while that many processes contend, each for at most `count` operations.
pub fn together(operation: Operation, processes: u32, count: u32) -> Sample {
    let mut fixture = Fixture::new(operation, processes * count)?;
    let mut contending = (0..processes)
        .map(|index| ContendingProcess::start(operation, &fixture, 1 + index * count, count))
        .collect::<Result<Vec<_>, BenchError>>()?;
    for process in &mut contending {
        process.wait_until_ready()?;
    }
    fixture.unlink()?;
    let begin = BootTime::now().0 + u64::try_from(START_DELAY.as_nanos())?;
    for process in &mut contending {
        process.begin_at(begin)?;
    }
    let runs = contending.iter_mut().map(ContendingProcess::read_run).collect::<Result<Vec<_>, BenchError>>()?;
    Ok(seconds_each(&runs, count))
}

/// From the first begin until the first process has completed its operations.
#[expect(clippy::cast_precision_loss, reason = "milliseconds in nanoseconds")]
fn seconds_each(runs: &[Run], count: u32) -> f64 {
    let began = runs.iter().map(|run| run.began).min().unwrap_or(0);
    let ended = runs.iter().filter(|run| run.done == count).map(|run| run.ended).min();
    let done: u32 = runs.iter().map(|run| run.done).sum();
    (ended.unwrap_or(began).saturating_sub(began)) as f64 * 1e-9 / f64::from(done)
}
