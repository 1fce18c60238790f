//! Processes as `/proc` shows them.
//!
//! Only the kernel's record locks decide whether an attached process lives. A process id may be reused, so it is compared with
//! the time at which the process had it.

use std::fmt;
use std::fs;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open, test_kill_process};

use crate::clock::BootTime;
pub use crate::sys::fork::{block_forks, forks};
pub use crate::sys::signal::{is_ignored, unblock};

/// The state of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// It runs or sleeps.
    Running,
    /// It is stopped (SIGSTOP, a debugger).
    Stopped,
    /// It has ended and is not reaped.
    Zombie,
    /// No process has that id.
    Gone,
    /// A process that started later has the id now.
    Recycled,
    /// It is in another PID namespace, where the id means something else.
    Elsewhere,
}

impl fmt::Display for Process {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Zombie => "a zombie",
            Self::Gone => "gone",
            Self::Recycled => "gone (its id belongs to another process now)",
            Self::Elsewhere => "in another PID namespace",
        })
    }
}

/// Looks at the process that had this id at that time.
///
/// A later start means that the id is recycled: `/proc/PID/stat`, fields 3 and 22 (`proc_pid_stat(5)`).
#[must_use]
pub fn look(pid: u32, at: BootTime) -> Process {
    let Some(Stat { state, started, .. }) = stat(pid) else { return Process::Gone };
    if started > at {
        return Process::Recycled;
    }
    match state {
        'T' | 't' => Process::Stopped,
        'Z' | 'X' => Process::Zombie,
        _ => Process::Running,
    }
}

/// Whether a process or thread has this id, even if we may not signal it (kill(2)).
#[must_use]
pub fn exists(pid: u32) -> bool {
    id(pid).is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

/// Opens the process that had this id at that time, to wait for its end (`pidfd_open(2)`); nothing if it has ended.
///
/// The look comes after the opening: what it sees is the process behind the descriptor, or a later one.
#[must_use]
pub fn open(pid: u32, at: BootTime) -> Option<OwnedFd> {
    let process = pidfd_open(id(pid)?, PidfdFlags::empty()).ok()?;
    matches!(look(pid, at), Process::Running | Process::Stopped).then_some(process)
}

/// The parent of a process; nothing if there is no such process.
#[must_use]
pub fn parent(pid: u32) -> Option<u32> {
    stat(pid).map(|stat| stat.parent)
}

/// Whether a process is in its end: its threads, its memory and its children go, and it is no zombie yet.
pub(crate) fn is_ending(pid: u32) -> bool {
    // PF_EXITING, include/linux/sched.h.
    const EXITING: u32 = 0x4;
    stat(pid).is_some_and(|stat| stat.flags & EXITING != 0 && stat.state != 'Z')
}

/// The process id as the kernel's type; nothing if it is out of range.
#[must_use]
pub fn id(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// Fields of `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: char,
    parent: u32,
    flags: u32,
    started: BootTime,
}

fn stat(pid: u32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Parses a line of `/proc/PID/stat`. The command's name in it may contain blanks and parentheses.
fn parse(stat: &str) -> Option<Stat> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let flags = fields.nth(4)?.parse().ok()?;
    let ticks: u64 = fields.nth(12)?.parse().ok()?;
    let nanoseconds_per_tick = 1_000_000_000 / rustix::param::clock_ticks_per_second();
    Some(Stat { state, parent, flags, started: BootTime(ticks.checked_mul(nanoseconds_per_tick)?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_runs_and_an_earlier_owner_of_its_id_is_gone() {
        assert_eq!(look(std::process::id(), BootTime::now()), Process::Running);
        assert_eq!(look(std::process::id(), BootTime(1)), Process::Recycled);
    }

    /// Fault 48.
    #[test]
    fn a_process_that_started_later_is_not_waited_for() {
        assert!(open(std::process::id(), BootTime::now()).is_some());
        assert!(open(std::process::id(), BootTime(1)).is_none());
        assert_eq!(parent(std::process::id()), Some(std::os::unix::process::parent_id()));
    }

    #[test]
    fn an_id_beyond_all_processes_is_gone() {
        assert_eq!(look(u32::MAX, BootTime::now()), Process::Gone);
    }

    #[test]
    fn a_command_with_parentheses_does_not_confuse_the_fields() {
        let fields: Vec<String> = (4..=52).map(|field| field.to_string()).collect();
        let started = BootTime(22 * 1_000_000_000 / rustix::param::clock_ticks_per_second());
        let stat = parse(&format!("7 (a) b (c) T {}", fields.join(" ")));
        assert_eq!(stat, Some(Stat { state: 'T', parent: 4, flags: 9, started }));
    }
}
