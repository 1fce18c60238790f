//! The process group of a shell command.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, ChildStdin, Command};
use std::time::Duration;

use common::descendants::{PATIENCE, reap_within};
use common::oom::OomKills;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, pidfd_open, waitid,
};

use super::pipe::Pipe;
use crate::sys::spawn::spawn_for_life;

/// A process group. Its leader is a child of this process.
///
/// Invariant: dropping it kills the group and reaps the leader; and the leader does not outlive the thread that started it. The
/// only exceptions are a leader that changes its user, as `sudo` does, and one that the kernel does not let end: dropping waits
/// for it for a moment only.
pub struct Group {
    leader: Child,
    /// Readable as soon as the leader has ended (`pidfd_open(2)`).
    pidfd: OwnedFd,
    /// What the out-of-memory killer had killed before.
    kills: OomKills,
}

impl Group {
    /// Starts the leader.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let kills = OomKills::now();
        let mut leader = spawn_for_life(command)?;
        match pidfd_open(Pid::from_child(&leader), PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Self { leader, pidfd, kills }),
            Err(error) => {
                end(&mut leader);
                Err(error.into())
            }
        }
    }

    /// The leader's process id.
    pub fn id(&self) -> Pid {
        Pid::from_child(&self.leader)
    }

    /// The writing end of the leader's stdin, once, if it is a pipe.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.leader.stdin.take()
    }

    /// What the out-of-memory killer had killed when the leader was started.
    pub fn kills(&self) -> OomKills {
        self.kills
    }

    /// What the leader writes to stdout, once, if it is a pipe.
    pub fn stdout(&mut self) -> io::Result<Pipe> {
        Pipe::new(self.leader.stdout.take().map(OwnedFd::from))
    }

    /// What the leader writes to stderr, once, if it is a pipe.
    pub fn stderr(&mut self) -> io::Result<Pipe> {
        Pipe::new(self.leader.stderr.take().map(OwnedFd::from))
    }

    /// The leader's status, if it has ended. It is not reaped, so its id and the group's are not reused.
    pub fn status(&self) -> io::Result<Option<WaitIdStatus>> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(self.id()), options) {
            // The next look finds it.
            Err(Errno::INTR) => Ok(None),
            status => Ok(status?),
        }
    }

    /// Waits until the leader ends, unless it is known to have ended, or something can be read from a pipe.
    pub fn wait<const N: usize>(&self, has_ended: bool, pipes: [&Pipe; N], at_most: Duration) {
        let end = (!has_ended).then(|| self.pidfd.as_fd());
        let watched = end.into_iter().chain(pipes.into_iter().filter_map(Pipe::descriptor));
        let mut waking: Vec<_> =
            watched.map(|fd: BorrowedFd<'_>| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        // An error is a signal. The watch is called next.
        let _ = poll(&mut waking, Timespec::try_from(at_most).ok().as_ref());
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        end(&mut self.leader);
    }
}

/// Kills the leader's group and reaps the leader.
fn end(leader: &mut Child) {
    let id = Pid::from_child(leader);
    let is_gone = match kill_process_group(id, Signal::KILL) {
        // The leader itself, too: it may have left its group.
        Ok(()) => leader.kill().is_ok() && reap_within(id, PATIENCE),
        // The whole group belongs to another user by now: we cannot end it.
        Err(_) => leader.try_wait().is_ok_and(|status| status.is_some()),
    };
    if !is_gone {
        common::say_if_read(&format!("note: the command, pid {}, is still running\n", leader.id()));
    }
}
