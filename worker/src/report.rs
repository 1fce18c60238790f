//! What a worker reports on stderr, and to its coordinator.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use common::cli::{self, FailureReport};
use common::{LockOwner, worker_file};

use crate::args::Args;
use crate::error::Error;

/// Reports why this worker failed: to its coordinator, which reports like failures of its workers once; else on stderr.
pub fn failure(args: &Args, error: &Error) {
    let (pid, reason, hint) = (std::process::id(), error.to_string(), error.hint());
    let report = FailureReport { pid, reason, hint };
    let coordinator = args.report_to.as_deref().zip(args.nonce);
    if coordinator.and_then(|(path, nonce)| append(path, nonce, &report)).is_none() {
        on_stderr(error);
    }
}

/// Reports on stderr why this worker failed.
pub fn on_stderr(error: &Error) {
    cli::report(&error.to_string(), error.hint().as_deref());
}

/// Appends a report to the coordinator's file.
fn append(path: &Path, nonce: u64, report: &FailureReport) -> Option<()> {
    let expected = FailureReport::head(nonce);
    let mut head = vec![0; expected.len()];
    let mut file = worker_file::open_to_append(path, &mut head).filter(|_| head == expected.as_bytes())?;
    let text = report.to_text();
    let used = file.metadata().ok()?.len();
    (used + text.len() as u64 <= worker_file::room()).then_some(())?;
    file.write_all(text.as_bytes()).ok()
}

/// Reports the lock's owner after 1, 2, 4, … seconds.
pub fn lock_wait(ticket: Option<u32>, owner: Option<LockOwner>, waited: Duration) {
    if waited.as_secs().is_power_of_two() {
        let owner = owner.map_or_else(|| "just released".to_owned(), |owner| owner.to_string());
        line(ticket, &format!("waiting for the lock for {} s: {owner}", waited.as_secs()));
    }
}

/// A line about this worker, which has no ticket yet or this one.
pub fn line(ticket: Option<u32>, what: &str) {
    block(ticket, what, "");
}

/// The same, with more lines below it.
pub fn block(ticket: Option<u32>, what: &str, below: &str) {
    let who = ticket.map_or_else(|| format!("worker {}", std::process::id()), |ticket| format!("Process-{ticket}"));
    // In one piece: the lines of several workers stay together.
    common::say_if_read(&format!("{who}: {}\n{below}", cli::one_line(what)));
}
