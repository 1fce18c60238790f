//! The exit codes of both programs, in one place.
//!
//! Scripts rely on these numbers: they are never reused for another meaning.

/// The run is complete: every contribution that it wanted is applied.
pub const COMPLETE: u8 = 0;
/// A worker failed for good, the run was stopped, or results are missing: stdout carries what is known, stderr says what is missing.
pub const INCOMPLETE: u8 = 1;
/// The command line is wrong.
pub const USAGE: u8 = 2;
/// The segment or folder is unavailable: it does not exist, exists already or is in use, or permission or room is missing.
pub const UNAVAILABLE: u8 = 3;
/// What has the name is not a segment of ours, or one of another version, layout, C library or PID namespace, or damaged; a
/// folder's `job.json` is damaged or lost.
pub const FOREIGN: u8 = 4;
/// The time given with `--timeout` has passed.
pub const TIMEOUT: u8 = 5;
/// There is no free slot for one more worker, or nothing left to do.
pub const NOTHING_TO_DO: u8 = 6;
/// A contribution does not fit the value's type, and the run asked for `--overflow error`; or a shard's total has more than
/// 128 bits.
pub const OVERFLOW: u8 = 7;
/// Two results of the same part of a job differ.
pub const DISAGREE: u8 = 8;
/// Hung up (128 + SIGHUP, as shells report it).
pub const HANGUP: u8 = 129;
/// Interrupted (128 + SIGINT).
pub const INTERRUPTED: u8 = 130;
/// Terminated (128 + SIGTERM).
pub const TERMINATED: u8 = 143;

/// What the codes mean, for people.
pub const MEANINGS: [(&[u8], &str); 10] = [
    (&[COMPLETE], "Complete."),
    (&[INCOMPLETE], "Incomplete: a worker failed for good, the run was stopped, or results are missing."),
    (&[USAGE], "Usage."),
    (&[UNAVAILABLE], "Segment or folder unavailable."),
    (&[FOREIGN], "Not a segment of ours, or a damaged one; a damaged or lost job.json."),
    (&[TIMEOUT], "Timeout."),
    (&[NOTHING_TO_DO], "No free slot, or nothing left to do."),
    (&[OVERFLOW], "Overflow, with --overflow error; a shard's total beyond 128 bits."),
    (&[DISAGREE], "Results disagree (--results, collect)."),
    (&[HANGUP, INTERRUPTED, TERMINATED], "SIGHUP, SIGINT, SIGTERM."),
];
