//! The form of an error, the same for every program and command.

use crate::command::Finished;

/// Checks that a command ended with that code and printed an error: one line `error: …` that contains `reason`, at most
/// one line `hint: …`, and nothing else.
#[track_caller]
pub fn assert_error(finished: &Finished, code: u8, reason: &str) {
    let Finished { code: found, stdout, stderr, .. } = finished;
    assert_eq!(*found, Some(code.into()), "{finished:?}");
    assert_eq!(stdout, "", "stdout is for results");
    let lines: Vec<&str> = stderr.lines().collect();
    assert!(matches!(lines.len(), 1 | 2), "{stderr}");
    assert!(lines[0].starts_with("error: ") && lines[0].contains(reason), "no {reason:?} in {stderr}");
    assert!(lines[1..].iter().all(|line| line.starts_with("hint: ") && !line.contains("error")), "{stderr}");
}
