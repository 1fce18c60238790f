//! What of an output is the same in each run.

use std::collections::BTreeSet;

use regex::Regex;

/// What is another number, or another worker, in each run, and what it becomes.
const VARYING: [(&str, &str); 12] = [
    (r" +", " "),
    (r"\bpid \d+", "pid #"),
    (r"\bworker \d+:", "worker #:"),
    (r"\bProcess-\d+", "Process-#"),
    (r"\b\d+\.\d+ s\b", "# s"),
    (r"\bfor \d+ s\b", "for # s"),
    (r"\badded \d+ in \d+ chunks", "added # in # chunks"),
    (r"\b\d+% in \d+ chunks", "#% in # chunks"),
    (r"^(value:) -?\d+ ", "$1 # "),
    (r"^lock: .*; recovered \d+ times", "lock: #; recovered # times"),
    (r"^(Process-#) \d+ ", "$1 # "),
    // A worker's row in the middle of a range that is shared out.
    (r"^(Process-# #) (?:attached|computing(?: \d+%)?|waiting|died) (?:# s|-) \d+ (?:\d+ \d+|- -)$", "$1 …"),
];

/// What is not the example's: the shell's word on a job that was killed, and segments of others.
const FOREIGN: [&str; 3] = [
    r"^\S+: line \d+: +\d+ Killed ",
    r#"^note: segment "[^"]*" was left behind"#,
    r"^\S+ +(?:open|running|orphaned|stale|finished) .* (?:of \d+|chunks) ",
];

/// The lines without what varies, in their order; without an order, each once, where processes print side by side.
pub fn pattern<'a>(lines: impl Iterator<Item = &'a str>, own: &[&str], has_order: bool) -> Vec<String> {
    let compile = |pattern: &str| Regex::new(pattern).expect("the pattern is one");
    let varying = VARYING.map(|(pattern, becomes)| (compile(pattern), becomes));
    let foreign = FOREIGN.map(compile);
    let is_own = |line: &str| own.iter().any(|name| line.starts_with(name));
    let lines = lines.map(str::trim_end).filter(|line| !line.is_empty());
    let lines = lines.filter(|line| is_own(line) || !foreign.iter().any(|foreign| foreign.is_match(line)));
    let lines = lines.map(|line| {
        varying
            .iter()
            .fold(line.to_owned(), |line, (varying, becomes)| varying.replace_all(&line, *becomes).into_owned())
    });
    if has_order { lines.collect() } else { lines.collect::<BTreeSet<_>>().into_iter().collect() }
}
