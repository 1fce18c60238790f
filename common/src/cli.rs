//! What both programs share of their command lines: how arguments are read and how errors are written.
//!
//! Invariant: an error is one line `error: …` that names the thing and the value, and at most one line `hint: …`.

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::builder::{OsStringValueParser, PossibleValue, StringValueParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Parser, ValueEnum};

use crate::clock::Instant;
use crate::exit_code;
use crate::kernel;
use crate::name::SegmentName;
use crate::value::{Overflow, ValueType};

/// Reads the command line, or answers it: help and version on stdout, what is wrong on stderr.
///
/// # Errors
/// The exit code to end with: 0 after help or version, 2 for a wrong command line.
pub fn parse<T: Parser>() -> Result<T, ExitCode> {
    T::try_parse().map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A reader that went away needs no help.
            let _ = error.print();
            ExitCode::from(exit_code::COMPLETE)
        }
        _ => {
            report(&what_is_wrong(&error), Some(&next_step(&error)));
            ExitCode::from(exit_code::USAGE)
        }
    })
}

/// Writes an error, and the next step where there is one.
pub fn report(error: &str, hint: Option<&str>) {
    let hint = hint.map(|hint| format!("hint: {}\n", one_line(hint))).unwrap_or_default();
    crate::say(&format!("error: {}\n{hint}", one_line(error)));
}

/// The line for one of the steps that `--verbose` explains, with the time since the segment was created.
#[must_use]
pub fn step(since: Instant, what: &str) -> String {
    format!("[{:8.3} s] {}\n", since.elapsed().as_secs_f64(), one_line(what))
}

/// Reads a segment name, also from bytes that are no text.
#[must_use]
pub fn name_parser() -> impl TypedValueParser<Value = SegmentName> {
    OsStringValueParser::new().try_map(|text| SegmentName::from_os(&text))
}

/// Reads a kernel's name: any, because a worker may bring kernels of its own; help and completions name those that are here.
#[must_use]
pub fn kernel_parser() -> impl TypedValueParser<Value = String> {
    KernelParser
}

#[derive(Clone)]
struct KernelParser;

impl TypedValueParser for KernelParser {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let values = kernel::built_in().iter().map(|kernel| PossibleValue::new(kernel.name()).help(kernel.about()));
        Some(Box::new(values))
    }
}

/// The text with its control characters spelled out: an argument's line breaks must not pose as lines of ours.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// The first paragraph of clap's message, as one line without its prefix.
fn what_is_wrong(error: &clap::Error) -> String {
    let mut text = error.to_string();
    // What the user gave stands in it as it was given, and may look like the end of a line or of a paragraph.
    for (_, given) in error.context() {
        if let ContextValue::String(given) = given {
            text = text.replace(given, &one_line(given));
        }
    }
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let line = paragraph.split('\n').map(str::trim).collect::<Vec<_>>().join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}

/// The nearest valid spelling if clap knows one, else where the options are explained.
fn next_step(error: &clap::Error) -> String {
    let suggestions = [ContextKind::SuggestedArg, ContextKind::SuggestedValue, ContextKind::SuggestedSubcommand];
    let suggested = suggestions.iter().find_map(|kind| match error.get(*kind)? {
        ContextValue::String(one) => Some(one.clone()),
        ContextValue::Strings(many) if !many.is_empty() => Some(many.join(" or ")),
        _ => None,
    });
    match suggested {
        Some(suggested) => format!("did you mean {suggested}?"),
        None => format!("see {} --help", command(error)),
    }
}

/// The command whose arguments are wrong, as the usage in clap's message names it, or the program.
fn command(error: &clap::Error) -> String {
    let text = error.to_string();
    let is_word = |word: &&str| word.starts_with(|c: char| c.is_ascii_lowercase());
    match text.rsplit_once("Usage: ") {
        Some((_, usage)) => usage.split_whitespace().take_while(is_word).collect::<Vec<_>>().join(" "),
        // A value that does not fit: clap says no more than that.
        None => program(),
    }
}

fn program() -> String {
    let path = std::env::args_os().next().unwrap_or_default();
    let file_name = std::path::Path::new(&path).file_name().unwrap_or_default();
    file_name.to_string_lossy().into_owned()
}

impl ValueEnum for ValueType {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(match self {
            Self::I32 => "32 bits, signed, as C's int",
            Self::I64 => "64 bits, signed",
            Self::U64 => "64 bits, unsigned",
            Self::F64 => "fractions, as C's double: the order of the additions shows in the last digits",
        }))
    }
}

impl ValueEnum for Overflow {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Wrap, Self::Error]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Wrap => "wrap".into(),
            Self::Error => "error".into(),
        })
    }
}
