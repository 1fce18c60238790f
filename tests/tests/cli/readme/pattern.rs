//! The part of an output that is the same in each run.

use std::collections::BTreeSet;

use regex::Regex;

/// What differs in each run, and its replacement.
const VARYING: [(&str, &str); 13] = [
    (r" +", " "),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "#"),
    (r"\bpid \d+", "pid #"),
    (r"\bworker \d+:", "worker #:"),
    (r"\bProcess-\d+", "Process-#"),
    (r"\b\d+\.\d+ s\b", "# s"),
    (r"\bfor \d+ s\b", "for # s"),
    (r"\badded \d+ in \d+ chunks?", "added # in # chunks"),
    (r"\b\d+% in \d+ chunks", "#% in # chunks"),
    (r"^(value:) -?\d+ ", "$1 # "),
    (r"^lock: .*; recovered (?:\d+ times|once)", "lock: #; recovered # times"),
    (r"^(Process-#) \d+ ", "$1 # "),
    // A worker's row in the middle of a split run.
    (r"^(Process-# #) (?:attached|computing(?: \d+%)?|waiting|died) (?:# s|-) \d+ (?:\d+ \d+|- -)$", "$1 …"),
];

/// The shell's message about a killed job, which the pages leave out.
const KILLED: &str = r"^\S+: line \d+: +\d+ Killed ";

/// The lines without what varies, in their order. Without an order, each once, because processes print side by side.
pub fn pattern<'a>(lines: impl Iterator<Item = &'a str>, has_order: bool) -> Vec<String> {
    let compile = |pattern: &str| Regex::new(pattern).expect("the pattern is valid");
    let (varying, killed) = (VARYING.map(|(pattern, becomes)| (compile(pattern), becomes)), compile(KILLED));
    let lines = lines.map(str::trim_end).filter(|line| !line.is_empty() && !killed.is_match(line));
    let lines = lines.map(|line| {
        let replace =
            |line: String, (varying, becomes): &(Regex, &str)| varying.replace_all(&line, *becomes).into_owned();
        varying.iter().fold(line.to_owned(), replace)
    });
    if has_order { lines.collect() } else { lines.collect::<BTreeSet<_>>().into_iter().collect() }
}
