//! Results on stdout, and what the user should know about them.

mod grid;
pub mod json;
pub mod missing;
pub mod status;
pub mod status_view;
pub mod stored;
pub mod table;

use std::time::Instant;

use common::cli::{self, exit_code};
use common::{
    Cells, Committed, Ledger, Mode, Number, Origin, Segment, Snapshot, Totals, Value, ValueType, WorkerState,
};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::figures::counted;
use crate::narration::Narrator;
use crate::outcome::{EndReason, Outcome};
use crate::output::{Output, Style};
use crate::readiness::{self, CHECK_INTERVAL, LOCK_PATIENCE};
use crate::signals::Signals;

/// Prints a contribution that was applied.
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
        // In a split run each worker's part is known only at the end.
        _ => {}
    }
}

/// A snapshot for a report. A ledger that contradicts itself is an error: nothing of it is reported.
pub fn checked_snapshot(segment: &Segment) -> Result<Snapshot> {
    let snapshot = Snapshot::of(segment)?;
    snapshot.check().map_err(|violation| Error::Violation { name: segment.name().clone(), violation })?;
    Ok(snapshot)
}

/// Prints the result of a run and the notes about it; returns the exit code.
pub fn report(segment: &Segment, outcome: &Outcome, output: &mut Output, narrator: &Narrator) -> Result<u8> {
    let is_of_workers = output.style() == Style::Json || segment.terms().mode == Mode::Split;
    if !is_of_workers && let Some(totals) = totals_of_complete_run(segment)? {
        print_value(&totals, output);
        tell_notes(&totals, narrator);
        return Ok(exit_code::COMPLETE);
    }
    let snapshot = checked_snapshot(segment)?;
    match (output.style(), snapshot.terms.mode) {
        (Style::Json, _) => output.line(json::of_run(&snapshot, &outcome.workers)),
        (Style::Lines, Mode::Split) => print_parts(&snapshot, output),
        _ => {}
    }
    let totals = snapshot.totals();
    print_value(&totals, output);
    tell_notes(&totals, narrator);
    if totals.is_complete {
        return Ok(exit_code::COMPLETE);
    }
    // A calling program tells it in its own words.
    if snapshot.terms.origin != Origin::Call {
        tell_missing(&snapshot, outcome);
    }
    Ok(exit_code(outcome))
}

/// The checked totals of a complete run, without a list of its workers; nothing if it is incomplete, or its lock
/// cannot be had (busy or damaged): then the snapshot decides, which needs no lock.
fn totals_of_complete_run(segment: &Segment) -> Result<Option<Totals>> {
    let ledger = Ledger::of(segment);
    if ledger.applied().is_none_or(|applied| applied.done < applied.due) {
        return Ok(None);
    }
    let Ok(ledger) = ledger.lock_within(LOCK_PATIENCE) else { return Ok(None) };
    let totals = ledger.totals().map_err(|violation| Error::Violation { name: segment.name().clone(), violation })?;
    Ok(totals.filter(|totals| totals.is_complete))
}

/// Prints the value that the workers have in common, unless JSON has it.
fn print_value(totals: &Totals, output: &mut Output) {
    match (output.style(), totals.mode) {
        (Style::Json, _) | (_, Mode::Independent) => {}
        (Style::Numbers, _) => output.line(&totals.value),
        (Style::Lines, _) => output.line(format_args!("Final shared value: {}", totals.value)),
    }
}

/// Says what the value is not.
fn tell_notes(totals: &Totals, narrator: &Narrator) {
    if totals.has_wrapped() {
        narrator.note(wrap_note(totals));
    }
    if totals.value_type.is_float() && totals.mode.has_total() {
        narrator.note("f64 results can differ in the last digits with the order of additions");
    }
}

/// Says why a run is incomplete, and what is missing.
fn tell_missing(snapshot: &Snapshot, outcome: &Outcome) {
    cli::report(&what_is_missing(snapshot, outcome), None);
    if let Some(line) = missing::line(&snapshot.missing()) {
        common::say(&format!("{line}\n"));
    }
}

/// Waits until stdout has taken everything, or until a signal, the deadline or the end of the caller; returns the exit code.
///
/// A write error or a reader that is late turns exit code 0 into 1, a signal into its own.
pub fn drain(
    output: &mut Output,
    signals: &mut Signals,
    caller: Option<&Caller>,
    deadline: Option<Instant>,
    code: u8,
) -> u8 {
    loop {
        output.write_what_fits();
        if !output.is_pending() {
            break;
        }
        if caller.is_some_and(Caller::has_ended) {
            // Another process may still have the pipe, without reading from it.
            return exit_code::INCOMPLETE;
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            cli::report("stdout was not read to the end in time; results are missing from it", None);
            return if code == exit_code::COMPLETE { exit_code::INCOMPLETE } else { code };
        }
        let stdout = rustix::stdio::stdout();
        let signal = PollFd::from_borrowed_fd(signals.descriptor(), PollFlags::IN);
        let mut waking = vec![signal, PollFd::new(&stdout, PollFlags::OUT)];
        waking.extend(caller.and_then(Caller::end));
        let look = caller.filter(|caller| caller.must_be_polled()).map(|_| CHECK_INTERVAL);
        readiness::wait(&mut waking, left.into_iter().chain(look).min());
        if let Some(signal) = signals.stop_signals().first() {
            cli::report(
                &format!("stdout was not read to the end before {}; results are missing from it", signal.name),
                None,
            );
            return signal.exit_code;
        }
    }
    let Some(error) = output.failure() else { return code };
    let hint = (error == Errno::FBIG).then_some(cli::RAISE_FILE_SIZE);
    cli::report(&format!("cannot write results to stdout: {error}"), hint);
    if code == exit_code::COMPLETE { exit_code::INCOMPLETE } else { code }
}

/// Prints what each worker has added in a split run.
fn print_parts(snapshot: &Snapshot, output: &mut Output) {
    for worker in snapshot.workers.iter().filter(|worker| worker.state != WorkerState::Pending) {
        let sum = worker.contribution.clone().unwrap_or_else(|| snapshot.value.map(|_| Number::Integer(0)));
        let chunks = counted(worker.chunks, "chunk");
        output.line(format_args!("Process Process-{} added {sum} in {chunks}", worker.ticket));
    }
}

fn wrap_note(totals: &Totals) -> String {
    let kind = totals.value_type.name();
    if totals.value_type.is_float() {
        return left_its_range(totals.value_type, &totals.value);
    }
    let total = totals.exact.as_ref().map_or_else(|| "more than 128 bits hold".to_owned(), ToString::to_string);
    let wider = if fits_i64(totals) { ", which --type i64 holds" } else { "" };
    format!("the {kind} wrapped around; the exact total is {total}{wider}")
}

/// What to say of a sum of fractions that is not finite.
pub fn left_its_range(kind: ValueType, value: &Cells<Value>) -> String {
    format!("the {} left its range: {value} is not the sum", kind.name())
}

/// Whether an `i32` has wrapped around and an `i64` would not have.
fn fits_i64(totals: &Totals) -> bool {
    let fits = |total: &i128| i64::try_from(*total).is_ok();
    let is_narrower = totals.value_type == ValueType::I32;
    is_narrower && totals.exact.as_ref().is_some_and(|total| total.as_slice().iter().all(fits))
}

/// Why an incomplete run is incomplete.
pub fn reason(snapshot: &Snapshot, outcome: &Outcome) -> &'static str {
    match outcome.end_reason {
        Some(interruption) if outcome.is_interrupted() => interruption.name(),
        _ if outcome.has_overflow => "workers failed",
        Some(_) => missing::why_it_stopped(snapshot).unwrap_or("stopped"),
        None if snapshot.set_aside.is_empty() => "workers failed",
        None => "chunks were set aside",
    }
}

/// The error of an incomplete run: why, and how much is done. Why each worker failed was reported when it did.
fn what_is_missing(snapshot: &Snapshot, outcome: &Outcome) -> String {
    format!("incomplete ({}): {}", reason(snapshot, outcome), applied(snapshot))
}

/// How much is applied, of how much.
pub fn applied(snapshot: &Snapshot) -> String {
    match snapshot.terms.mode {
        Mode::Split => format!("{} of {} iterations are applied", snapshot.iterations_done(), snapshot.terms.length()),
        _ => format!("{} of {} contributions are applied", snapshot.done(), snapshot.total()),
    }
}

fn exit_code(outcome: &Outcome) -> u8 {
    match outcome.end_reason {
        Some(EndReason::Signal(signal)) => signal.exit_code,
        Some(EndReason::TimedOut) => exit_code::TIMEOUT,
        _ if outcome.has_overflow => exit_code::OVERFLOW,
        Some(EndReason::CallerGone | EndReason::Stopped) | None => exit_code::INCOMPLETE,
    }
}
