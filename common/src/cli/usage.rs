//! What is wrong with a command line, and what to type instead.

use std::ffi::OsString;
use std::path::Path;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::one_line;

/// A suggested word is at least this similar: more than `zsh` to `tcsh`, or `remove` to `demo`.
const SIMILAR: f64 = 0.75;

/// What people type for it in other programs, and what it is called here.
const ELSEWHERE: [(&str, &str); 4] =
    [("-j", "--jobs N"), ("--json", "--format json"), ("ps", "list"), ("kill", "stop")];

/// The first paragraph of clap's message, as one line without its prefix.
pub fn what_is_wrong(error: &clap::Error) -> String {
    if let Some(stray) = stray_word(error) {
        return format!("unexpected argument '{}'", one_line(&stray));
    }
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

/// The words to type instead if they are known, else the help of the command.
pub fn next_step(error: &clap::Error, program: &Command, args: &[OsString]) -> String {
    let command = command(program, args);
    let wrong = context(error, ContextKind::InvalidArg).or_else(|| context(error, ContextKind::InvalidSubcommand));
    let wrong = wrong.or_else(|| stray_word(error)).unwrap_or_default();
    if let Some((_, here)) = ELSEWHERE.iter().find(|(elsewhere, _)| *elsewhere == wrong) {
        return format!("did you mean {here}?");
    }
    if let Some(suggested) = suggested(error) {
        return format!("did you mean {suggested}?");
    }
    let has_name = program.get_subcommands().any(|known| known.get_name() == "run");
    match error.kind() {
        ErrorKind::UnknownArgument if has_name && command.ends_with(" run") && !wrong.starts_with('-') => {
            format!("the name of a run is an option: {command} --name {}", one_line(&wrong))
        }
        ErrorKind::InvalidSubcommand if has_name => {
            format!("see {command} --help; the name of a run is an option: {command} --name {}", one_line(&wrong))
        }
        ErrorKind::ArgumentConflict if stray_word(error).is_some() => {
            format!("a command stands first, and a value with blanks in quotes; see {command} --help")
        }
        _ => format!("see {command} --help"),
    }
}

/// A word behind options of `run`, which clap takes for a subcommand.
fn stray_word(error: &clap::Error) -> Option<String> {
    context(error, ContextKind::InvalidSubcommand).filter(|_| error.kind() == ErrorKind::ArgumentConflict)
}

/// The most similar valid spellings that clap knows, if they are similar enough.
fn suggested(error: &clap::Error) -> Option<String> {
    let suggestions = [ContextKind::SuggestedArg, ContextKind::SuggestedValue, ContextKind::SuggestedSubcommand];
    let mut suggestions = suggestions.into_iter().filter_map(|kind| {
        let words = match error.get(kind)? {
            ContextValue::String(one) => vec![one.clone()],
            ContextValue::Strings(many) => many.clone(),
            _ => return None,
        };
        let given = match kind {
            ContextKind::SuggestedValue => context(error, ContextKind::InvalidValue),
            ContextKind::SuggestedSubcommand => context(error, ContextKind::InvalidSubcommand),
            _ => None,
        };
        let is_near = |word: &String| given.as_ref().is_none_or(|given| strsim::jaro_winkler(given, word) > SIMILAR);
        let mut words: Vec<String> = words.into_iter().filter(is_near).collect();
        let likeness = |word: &String| given.as_ref().map_or(0.0, |given| strsim::jaro_winkler(given, word));
        words.sort_by(|one, other| likeness(other).total_cmp(&likeness(one)));
        Some(words).filter(|words| !words.is_empty())
    });
    suggestions.next().map(|words| words.join(" or "))
}

fn context(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// The program as it was called, and its subcommand if one was named.
fn command(program: &Command, args: &[OsString]) -> String {
    let name = args.first().map(Path::new).and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let named = args.iter().skip(1).find(|word| !word.to_string_lossy().starts_with('-'));
    let subcommand = named.and_then(|word| program.find_subcommand(word));
    subcommand.map_or(name.clone(), |subcommand| format!("{name} {}", subcommand.get_name()))
}
