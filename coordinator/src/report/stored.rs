//! A result that was in its folder before the run began.

use std::ops::Range;

use common::cli::exit_code;

use super::{drain, json, left_its_range};
use crate::args::OutputArgs;
use crate::caller::Caller;
use crate::narration::Narrator;
use crate::output::{Output, Style};
use crate::results::Results;
use crate::results::shard_result::ShardResult;
use crate::signals::Signals;

/// Prints it as a finished run prints its own; returns the exit code.
pub fn report(
    result: &ShardResult,
    results: &Results,
    args: &OutputArgs,
    signals: &mut Signals,
    caller: Option<&Caller>,
    narrator: &Narrator,
) -> u8 {
    let Range { start, end } = results.range();
    narrator.note(format_args!(
        "the result of {start}..{end} is in {} already, by {} at {}; nothing was computed",
        results.path(),
        result.host,
        result.finished
    ));
    if results.job().terms.value_type.is_float() && result.has_wrapped(results.job()) {
        narrator.note(left_its_range(results.job().terms.value_type, &result.value(results.job())));
    }
    let mut output = Output::new(args);
    match output.style() {
        Style::Json => output.line(json::of_stored(result, results)),
        Style::Numbers => output.line(result.value(results.job())),
        Style::Lines => output.line(format_args!("Final shared value: {}", result.value(results.job()))),
    }
    let code = drain(&mut output, signals, caller, None, exit_code::COMPLETE);
    common::say(&output.undelivered());
    code
}
