//! A running shell command, and how it ends.

use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

use common::oom::OomKills;
use rustix::process::WaitIdStatus;

use super::transcript::Transcript;
use crate::kernel::command::{Group, LOOK_UP, Pipe};
use crate::kernel::{Failure, Watch};

/// How long the children of an ended command may keep its stdout open: what they write may be part of the result.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Bytes of stderr that are kept, from the end: more than 400 characters of four bytes.
const TAIL: usize = 1 << 12;

/// Pieces that are read after the end: more than a pipe holds.
const MOST_PIECES: usize = 64;

/// A running command.
pub struct Running {
    group: Group,
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
    /// What the out-of-memory killer had killed before it began.
    pub kills: OomKills,
}

/// The limits of a command.
pub struct Limits {
    pub timeout: Option<Duration>,
    /// Bytes on stdout.
    pub stdout: usize,
}

impl Running {
    /// Starts the command.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let mut group = Group::start(command)?;
        let (stdout, stderr) = (group.stdout()?, group.stderr()?);
        Ok(Self { group, stdout, stderr, began: Instant::now() })
    }

    /// Waits until the command has ended and its stdout is closed. Then kills the rest of its group.
    pub fn finish(
        mut self,
        limits: &Limits,
        transcript: &mut Transcript,
        watch: &mut dyn Watch,
    ) -> Result<Finished, Failure> {
        let end = self.wait(limits, transcript, watch);
        // What it wrote before it was ended. What it starts may go on writing.
        let _ = (0..MOST_PIECES).all(|_| self.stderr.read_tail(TAIL, |piece| transcript.take(piece)));
        let kills = self.group.kills();
        Ok(Finished { end: end?, stdout: self.stdout.kept, stderr: self.stderr.kept, kills })
    }

    fn wait(&mut self, limits: &Limits, transcript: &mut Transcript, watch: &mut dyn Watch) -> Result<End, Failure> {
        let mut deadline = limits.timeout.and_then(|timeout| self.began.checked_add(timeout));
        let mut ended = None;
        loop {
            watch.step(0)?;
            // Before the pipes are read: they then contain everything that it wrote before it ended.
            if ended.is_none() {
                ended = self.group.status().map_err(|error| Failure::Failed(format!("cannot wait for sh: {error}")))?;
                if ended.is_some() {
                    deadline = Some(Instant::now() + LAST_WORDS);
                }
            }
            let read = self.stdout.read().map_err(|why| Failure::Failed(format!("cannot read its stdout: {why}")))?;
            let has_more = read | self.stderr.read_tail(TAIL, |piece| transcript.take(piece));
            let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
            if self.stdout.kept.len() > limits.stdout {
                return Ok(End::WroteTooMuch);
            }
            if let Some(end) = self.end(ended, has_more, left.is_zero()) {
                return Ok(end);
            }
            if !has_more {
                self.group.wait(ended.is_some(), [&self.stdout, &self.stderr], left.min(LOOK_UP));
            }
        }
    }

    /// Decides whether the command is finished, from its status, if it has ended.
    fn end(&self, ended: Option<WaitIdStatus>, has_more: bool, is_time_up: bool) -> Option<End> {
        let Some(status) = ended else { return is_time_up.then_some(End::TookTooLong) };
        // The stdout of a command that failed does not matter.
        if self.stdout.is_closed() || status.exit_status() != Some(0) {
            (is_time_up || !has_more).then_some(End::Ended(status))
        } else {
            is_time_up.then_some(End::LeftOpen)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;

    use super::*;

    /// Fault 40. A folder stands for a pipe that cannot be read: `read(2)` fails with EISDIR.
    #[test]
    fn a_read_error_is_a_failed_attempt_and_not_the_end_of_the_output() {
        let mut command = Command::new("sh");
        let mut running = Running::start(command.args(["-c", "echo 12"]).process_group(0)).expect("sh is there");
        let folder = std::fs::File::open("/").expect("it is readable");
        running.stdout = Pipe::new(Some(folder.into())).expect("it is a descriptor");
        let limits = Limits { timeout: None, stdout: 100 };
        let mut transcript = Transcript::begin(&crate::kernel::Task::over(0..1));
        let outcome = running.finish(&limits, &mut transcript, &mut crate::kernel::Unwatched);
        assert!(matches!(outcome, Err(Failure::Failed(why)) if why.starts_with("cannot read its stdout")));
    }
}
