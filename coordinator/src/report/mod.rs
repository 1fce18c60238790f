//! Results: the only module that decides what stands on stdout after a run.

pub mod json;
pub mod room;
pub mod sight;
pub mod status;
pub mod table;

use std::time::Instant;

use common::{Committed, Mode, Number, Segment, Snapshot, WorkerState, cli, exit_code};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::error::{Error, Result};
use crate::narrate::Narrator;
use crate::outcome::{Ending, Outcome};
use crate::output::{Output, Style};
use crate::signals::Signals;

/// Prints one contribution, as it is applied.
pub fn print_commit(segment: &Segment, committed: &Committed, output: &mut Output) {
    let Committed { ticket, contribution, value } = committed;
    match (output.style(), segment.terms().mode) {
        (Style::Lines, Mode::Repeat) => {
            output.line(format_args!("Process Process-{ticket} updated shared value to {value}"));
        }
        (Style::Lines, Mode::Independent) => {
            output.line(format_args!("Process Process-{ticket}, Result: {contribution}"));
        }
        (Style::Numbers, Mode::Independent) => output.line(contribution),
        // Of a range that is shared out each worker's part is known at the end.
        _ => {}
    }
}

/// Prints the result of a run and says what is to be said of it; returns the exit code.
///
/// A ledger that contradicts itself is an error, and nothing of it is printed.
pub fn report(segment: &Segment, outcome: &Outcome, output: &mut Output, narrator: &Narrator) -> Result<u8> {
    let snapshot = segment.snapshot()?;
    snapshot.check().map_err(|violation| Error::Violation { name: segment.name().clone(), violation })?;
    match (output.style(), snapshot.terms.mode) {
        (Style::Json, _) => output.line(json::of_run(&snapshot, &outcome.fates)),
        (_, Mode::Independent) => {}
        (Style::Numbers, _) => output.line(&snapshot.value),
        (Style::Lines, mode) => {
            if mode == Mode::Split {
                print_parts(&snapshot, output);
            }
            output.line(format_args!("Final shared value: {}", snapshot.value));
        }
    }
    if snapshot.has_wrapped() {
        narrator.note(wrap_note(&snapshot));
    }
    if snapshot.terms.value_type.is_float() && snapshot.terms.mode.has_total() {
        narrator.note("with f64 the order of the additions shows in the last digits");
    }
    if snapshot.is_complete() {
        return Ok(exit_code::COMPLETE);
    }
    cli::report(&what_is_missing(&snapshot, outcome), None);
    Ok(exit_code(outcome))
}

/// Sees that everything printed reaches stdout; a signal or the deadline ends the wait, and a failure is an incomplete run.
pub fn drain(output: &mut Output, signals: &mut Signals, deadline: Option<Instant>, code: u8) -> u8 {
    loop {
        output.write_what_fits();
        if !output.is_pending() {
            break;
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            cli::report("stdout was not read to the end in time; results are missing from it", None);
            return if code == exit_code::COMPLETE { exit_code::TIMEOUT } else { code };
        }
        {
            let stdout = Output::descriptor();
            let mut waking =
                [PollFd::from_borrowed_fd(signals.descriptor(), PollFlags::IN), PollFd::new(&stdout, PollFlags::OUT)];
            // An interrupted poll is a signal, which is looked at next.
            let _ = poll(&mut waking, left.and_then(|left| Timespec::try_from(left).ok()).as_ref());
        }
        if let Some(farewell) = signals.farewells().first() {
            return farewell.exit_code();
        }
    }
    match output.failure() {
        Some(error) => {
            cli::report(&format!("cannot write results to stdout: {error}"), None);
            if code == exit_code::COMPLETE { exit_code::INCOMPLETE } else { code }
        }
        None => code,
    }
}

/// What each worker has added to a range that is shared out.
fn print_parts(snapshot: &Snapshot, output: &mut Output) {
    for worker in snapshot.workers.iter().filter(|worker| worker.state != WorkerState::Pending) {
        let sum = worker.contribution.clone().unwrap_or_else(|| snapshot.value.map(|_| Number::Integer(0)));
        output.line(format_args!("Process Process-{} added {sum} in {} chunks", worker.ticket, worker.chunks));
    }
}

fn wrap_note(snapshot: &Snapshot) -> String {
    let kind = snapshot.terms.value_type.name();
    let total = snapshot.exact_total().map_or_else(|| "more than 128 bits hold".to_owned(), |total| total.to_string());
    format!("the {kind} wrapped around; the exact total is {total}")
}

/// Why a run that is not complete is not.
pub fn reason(outcome: &Outcome) -> &'static str {
    match outcome.ending {
        Some(Ending::Stopped) => "stopped",
        Some(ending) => ending.name(),
        None => "workers failed",
    }
}

/// The error of a run that is not complete: why, how much is there, and which workers failed.
fn what_is_missing(snapshot: &Snapshot, outcome: &Outcome) -> String {
    let reason = reason(outcome);
    let progress = match snapshot.terms.mode {
        Mode::Split => {
            format!("{} of {} iterations are applied", snapshot.iterations_done(), snapshot.terms.iterations)
        }
        _ => format!("{} of {} contributions are applied", snapshot.done(), snapshot.total()),
    };
    let mut failures: Vec<String> =
        outcome.fates.failures().map(|(ticket, reason)| format!("Process-{ticket} {reason}")).collect();
    if let Some(rest) = failures.len().checked_sub(5).filter(|rest| *rest > 0) {
        failures.truncate(5);
        failures.push(format!("{rest} more"));
    }
    let failures = if failures.is_empty() { String::new() } else { format!("; {}", failures.join("; ")) };
    format!("incomplete ({reason}): {progress}{failures}")
}

fn exit_code(outcome: &Outcome) -> u8 {
    match outcome.ending {
        Some(Ending::Farewell(farewell)) => farewell.exit_code(),
        Some(Ending::TimedOut) => exit_code::TIMEOUT,
        None if outcome.fates.have_overflow() => exit_code::OVERFLOW,
        Some(Ending::Stopped) | None => exit_code::INCOMPLETE,
    }
}
