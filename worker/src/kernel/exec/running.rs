//! A running shell command.
//!
//! Invariant: dropping [`Running`] kills the command's process group and reaps the command; and it does not outlive the thread
//! that started it. The only exceptions are a command that changes its user, as `sudo` does, and one that the kernel does not
//! let end: dropping waits for it for a moment only.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::descendants::{PATIENCE, reap_within};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, pidfd_open, waitid,
};

use crate::kernel::{Failure, Watch};
use crate::sys::spawn::spawn_for_life;

/// How often the watch is called. A signal to the worker ends the wait at once.
pub const LOOK_UP: Duration = Duration::from_millis(20);

/// How long the children of an ended command may keep its stdout open: what they write may be part of the result.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Bytes per read.
const PIECE: usize = 1 << 14;

/// Bytes of stderr that are kept, from the end: more than 400 characters of four bytes.
const TAIL: usize = 1 << 12;

/// A running command.
pub struct Running {
    group: Group,
    /// Readable as soon as the command has ended (`pidfd_open(2)`).
    pidfd: OwnedFd,
    stdout: Pipe,
    stderr: Pipe,
    began: Instant,
}

/// How a command ended.
pub enum End {
    /// By itself, with its stdout closed.
    Ended(WaitIdStatus),
    /// By itself, but a child kept its stdout open.
    LeftOpen,
    /// By force, because it wrote too much to stdout.
    WroteTooMuch,
    /// By force, because it took too long.
    TookTooLong,
}

/// An ended command.
pub struct Finished {
    pub end: End,
    pub stdout: Vec<u8>,
    /// The end of its stderr.
    pub stderr: Vec<u8>,
}

/// The limits of a command.
pub struct Limits {
    pub timeout: Option<Duration>,
    /// Bytes on stdout.
    pub stdout: usize,
}

impl Running {
    /// Starts the command in its own process group, with an empty stdin.
    pub fn start(command: &str) -> io::Result<Self> {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).process_group(0);
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut leader = spawn_for_life(&mut shell)?;
        let (stdout, stderr) = (leader.stdout.take().map(OwnedFd::from), leader.stderr.take().map(OwnedFd::from));
        let group = Group { leader };
        let pidfd = pidfd_open(group.id(), PidfdFlags::empty())?;
        Ok(Self { group, pidfd, stdout: Pipe::new(stdout)?, stderr: Pipe::new(stderr)?, began: Instant::now() })
    }

    /// Waits until the command has ended and its stdout is closed. Then kills the rest of its group.
    pub fn finish(mut self, limits: &Limits, watch: &mut dyn Watch) -> Result<Finished, Failure> {
        let mut deadline = limits.timeout.and_then(|timeout| self.began.checked_add(timeout));
        let mut ended = None;
        let end = loop {
            watch.step(0)?;
            // Before the pipes are read: they then contain everything that it wrote before it ended.
            if ended.is_none() {
                ended = self.group.status().map_err(|error| Failure::Failed(format!("cannot wait for sh: {error}")))?;
                if ended.is_some() {
                    deadline = Some(Instant::now() + LAST_WORDS);
                }
            }
            let read = self.stdout.read().map_err(|why| Failure::Failed(format!("cannot read its stdout: {why}")))?;
            let has_more = read | self.stderr.read_tail();
            let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
            if self.stdout.kept.len() > limits.stdout {
                break End::WroteTooMuch;
            }
            if let Some(end) = self.end(ended, has_more, left.is_zero()) {
                break end;
            }
            if !has_more {
                self.wait(left.min(LOOK_UP), ended.is_none());
            }
        };
        Ok(Finished { end, stdout: self.stdout.kept, stderr: self.stderr.kept })
    }

    /// Decides whether the command is finished, from its status, if it has ended.
    fn end(&self, ended: Option<WaitIdStatus>, has_more: bool, is_time_up: bool) -> Option<End> {
        let Some(status) = ended else { return is_time_up.then_some(End::TookTooLong) };
        // The stdout of a command that failed does not matter.
        if self.stdout.pipe.is_none() || status.exit_status() != Some(0) {
            (is_time_up || !has_more).then_some(End::Ended(status))
        } else {
            is_time_up.then_some(End::LeftOpen)
        }
    }

    /// Waits until something can be read or the command ends.
    fn wait(&self, at_most: Duration, may_end: bool) {
        let end = may_end.then_some(&self.pidfd);
        let watched = [end, self.stdout.pipe.as_ref(), self.stderr.pipe.as_ref()];
        let mut waking: Vec<_> = watched.into_iter().flatten().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        // An error is a signal. The watch is called next.
        let _ = poll(&mut waking, Timespec::try_from(at_most).ok().as_ref());
    }
}

/// A process group. Its leader is a child of this process.
struct Group {
    leader: Child,
}

impl Group {
    fn id(&self) -> Pid {
        Pid::from_child(&self.leader)
    }

    /// The leader's status, if it has ended. It is not reaped, so its id and the group's are not reused.
    fn status(&self) -> io::Result<Option<WaitIdStatus>> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(self.id()), options) {
            // The next look finds it.
            Err(Errno::INTR) => Ok(None),
            status => Ok(status?),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let is_gone = match kill_process_group(self.id(), Signal::KILL) {
            // The leader itself, too: it may have left its group.
            Ok(()) => self.leader.kill().is_ok() && reap_within(self.id(), PATIENCE),
            // The whole group belongs to another user by now: we cannot end it.
            Err(_) => self.leader.try_wait().is_ok_and(|status| status.is_some()),
        };
        if !is_gone {
            common::say_if_read(&format!("note: the command, pid {}, is still running\n", self.leader.id()));
        }
    }
}

/// The reading end of a command's pipe.
struct Pipe {
    /// Nothing once all writers have closed it.
    pipe: Option<OwnedFd>,
    kept: Vec<u8>,
}

impl Pipe {
    fn new(pipe: Option<OwnedFd>) -> io::Result<Self> {
        if let Some(pipe) = &pipe {
            // Only for this end: the command's end is another open file description.
            ioctl_fionbio(pipe, true)?;
        }
        Ok(Self { pipe, kept: Vec::new() })
    }

    /// Reads a piece, if one is there. Returns whether it read one or reached the end. After an error there is no more.
    fn read(&mut self) -> Result<bool, Errno> {
        let Some(pipe) = &self.pipe else { return Ok(false) };
        let mut piece = [0; PIECE];
        match rustix::io::read(pipe, &mut piece) {
            Ok(count @ 1..) => self.kept.extend_from_slice(&piece[..count]),
            Err(Errno::AGAIN | Errno::INTR) => return Ok(false),
            Ok(0) => self.pipe = None,
            Err(error) => {
                self.pipe = None;
                return Err(error);
            }
        }
        Ok(true)
    }

    /// Reads a piece and drops all but the last bytes. An error ends it: stderr is no part of the result.
    fn read_tail(&mut self) -> bool {
        let has_more = self.read().unwrap_or(false);
        self.kept.drain(..self.kept.len().saturating_sub(TAIL));
        has_more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fault 40. A folder stands for a pipe that cannot be read: `read(2)` fails with EISDIR.
    #[test]
    fn a_read_error_is_a_failed_attempt_and_not_the_end_of_the_output() {
        let mut running = Running::start("echo 12").expect("sh is there");
        running.stdout.pipe = Some(std::fs::File::open("/").expect("it is readable").into());
        let limits = Limits { timeout: None, stdout: 100 };
        let outcome = running.finish(&limits, &mut crate::kernel::Unwatched);
        assert!(matches!(outcome, Err(Failure::Failed(why)) if why.starts_with("cannot read its stdout")));
    }
}
