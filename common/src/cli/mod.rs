//! What both programs share of their command lines: parsing arguments, reporting errors, exit codes.
//!
//! Invariant: an error is one line `error: …` that names the thing and the value, and at most one line `hint: …`.

pub mod exit_code;
mod failure_report;
mod hint;
mod nearest;
mod usage;

use std::ffi::OsString;
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use clap::builder::{OsStringValueParser, PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Parser, ValueEnum};

pub use failure_report::FailureReport;
pub use hint::{RAISE_FILE_SIZE, exit_code as exit_code_of, hint, missing_segment};
pub use nearest::{nearest, question};

use crate::clock::BootTime;
use crate::name::SegmentName;
use crate::value::{Overflow, ValueType};

/// Parses the process's command line. Prints help and version on stdout, a usage error on stderr.
///
/// # Errors
/// The exit code of the program: 0 after help or version, 2 after a usage error.
pub fn parse<T: Parser>() -> Result<T, ExitCode> {
    parse_from(std::env::args_os()).map_err(ExitCode::from)
}

/// The same, of arguments that begin with the program's name.
///
/// # Errors
/// As [`parse`].
pub fn parse_from<T: Parser>(args: impl IntoIterator<Item = OsString>) -> Result<T, u8> {
    let args: Vec<OsString> = args.into_iter().collect();
    T::try_parse_from(&args).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // On an error nobody reads it.
            let _ = error.print();
            exit_code::COMPLETE
        }
        _ => {
            report(&usage::what_is_wrong(&error), Some(&usage::next_step(&error, &T::command(), &args)));
            exit_code::USAGE
        }
    })
}

/// Reports an error, and its hint if there is one.
pub fn report(error: &str, hint: Option<&str>) {
    let hint =
        hint.map(|hint| format!("{} {}\n", label("hint:", AnsiColor::Green), one_line(hint))).unwrap_or_default();
    crate::say(&format!("{} {}\n{hint}", label("error:", AnsiColor::Red), one_line(error)));
}

/// Writes what the user should know on stderr.
pub fn note(text: &str) {
    crate::say(&format!("note: {}\n", one_line(text)));
}

/// A word in colour, where clap would print help in colour.
fn label(word: &str, colour: AnsiColor) -> String {
    let style = match AutoStream::choice(&std::io::stderr()) {
        ColorChoice::Never => Style::new(),
        _ => colour.on_default().bold(),
    };
    format!("{style}{word}{style:#}")
}

/// A line of `--verbose`, with the time since the segment was created.
#[must_use]
pub fn step(since: BootTime, what: &str) -> String {
    format!("[{:8.3} s] {}\n", since.elapsed().as_secs_f64(), one_line(what))
}

/// Parses a segment name; bytes that are not UTF-8 are an error, too.
#[must_use]
pub fn name_parser() -> impl TypedValueParser<Value = SegmentName> {
    OsStringValueParser::new().try_map(|text| SegmentName::from_os(&text))
}

/// The text with its control characters escaped, so that an argument's line breaks do not look like lines of ours.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// The beginning of a text that may be a stranger's: so many characters at most.
#[must_use]
pub fn shortened(text: &str, most_characters: usize) -> String {
    match text.char_indices().nth(most_characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl ValueEnum for ValueType {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::OF_RUNS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::I32 => "32 bits, signed, as C's int",
            Self::I64 => "64 bits, signed",
            Self::U64 => "64 bits, unsigned",
            Self::F64 => "fractions, as C's double: the last digits depend on the order of the additions",
            Self::U32 | Self::F32 | Self::Bool => return None,
        };
        Some(PossibleValue::new(self.name()).help(help))
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
