//! A running command that serves ranges.

use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::process::{ChildStdin, Stdio};
use std::thread::yield_now;
use std::time::{Duration, Instant};

use common::Exit;
use rustix::io::ioctl_fionbio;
use rustix::process::WaitIdStatus;

use crate::kernel::command::{Group, LOOK_UP, Pipe, exit, shell, shown, took_too_long};
use crate::kernel::{Failure, Task, Watch};
use crate::report;

/// How long a command may take for its first answer before a note asks whether it flushes.
const SILENCE: Duration = Duration::from_secs(5);

/// How long to look for the answer of a quick command before sleeping: to be woken takes about as long as its answer.
const QUICK: Duration = Duration::from_micros(50);

/// How long a command that has closed its stdout has to end: how it ends is the better reason.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Bytes that are kept of what a command writes after its last answer.
const LOOK_BACK: usize = 1 << 12;

/// A running command. Dropping it kills its process group.
pub struct Server {
    group: Group,
    pub(super) stdin: ChildStdin,
    stdout: Pipe,
    /// The number of its worker, if that has one.
    worker: Option<u32>,
    /// How long it has to end once its stdin is closed.
    grace: Duration,
    /// Whether its last answer came soon.
    is_quick: bool,
    /// Whether it has answered, or a note has said that it has not.
    is_noted: bool,
}

/// The limits of an answer.
pub struct Limits {
    pub timeout: Option<Duration>,
    /// Bytes of the line.
    pub line: usize,
}

impl Server {
    /// Starts the task's command in its own process group.
    pub fn start(task: &Task) -> io::Result<Self> {
        let mut command = shell(&task.terms.command, task);
        let mut group = Group::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let stdout = group.stdout()?;
        let stdin = group.stdin().ok_or(ErrorKind::BrokenPipe)?;
        // Only for this end: the command's end is another open file description.
        ioctl_fionbio(&stdin, true)?;
        let worker = Some(task.worker).filter(|worker| *worker > 0);
        Ok(Self { group, stdin, stdout, worker, grace: task.terms.grace, is_quick: false, is_noted: false })
    }

    /// Writes the range; returns the line of the answer. After an error the command is of no more use.
    pub fn ask(&mut self, task: &Task, limits: &Limits, watch: &mut dyn Watch) -> Result<Vec<u8>, Failure> {
        self.must_be_silent()?;
        let began = Instant::now();
        let is_written = self.write(task)?;
        if self.is_quick && is_written {
            while began.elapsed() < QUICK {
                if let Some(line) = self.line(limits)? {
                    return Ok(line);
                }
                // The command may need this processor.
                yield_now();
            }
        }
        let mut time = LOOK_UP;
        loop {
            if is_written {
                self.group.wait(false, [&self.stdout], time.min(LOOK_UP));
            }
            watch.step(0)?;
            if let Some(line) = self.line(limits)? {
                self.is_quick = began.elapsed() < 2 * QUICK;
                return Ok(line);
            }
            if !is_written || self.stdout.is_closed() || self.status()?.is_some() {
                // What it wrote before it ended is all there by now.
                return self.line(limits)?.map_or_else(|| Err(self.why_it_left(watch)?), Ok);
            }
            let waited = began.elapsed();
            self.note_silence(task, waited);
            time = limits.timeout.map_or(LOOK_UP, |timeout| timeout.saturating_sub(waited));
            if time.is_zero() {
                return Err(took_too_long(limits.timeout));
            }
        }
    }

    /// Closes its stdin, and waits for its end. Then kills what is left of it.
    pub fn finish(self) {
        let Self { group, stdin, mut stdout, worker, grace, .. } = self;
        drop(stdin);
        let began = Instant::now();
        let left = || grace.saturating_sub(began.elapsed());
        let has_ended = || matches!(group.status(), Ok(Some(_)) | Err(_));
        while !has_ended() && !left().is_zero() {
            group.wait(false, [&stdout], left());
            while stdout.read_tail(LOOK_BACK, |_| ()) {}
        }
        if !has_ended() {
            let grace = humantime::format_duration(grace);
            report::line(
                worker,
                &format!("the command did not end within {grace} of the end of its stdin; it is killed"),
            );
        }
        while stdout.read_tail(LOOK_BACK, |_| ()) {}
        let more = String::from_utf8_lossy(&stdout.kept);
        if !more.trim().is_empty() {
            let more = shown(more.trim());
            report::line(
                worker,
                &format!("the command wrote after its last answer: {more}; does it answer each range once?"),
            );
        }
    }

    /// Checks that it has written nothing since its answer: the next line would be taken for another range's.
    fn must_be_silent(&mut self) -> Result<(), Failure> {
        self.read()?;
        if self.stdout.kept.is_empty() { Ok(()) } else { Err(self.wrote_more()) }
    }

    /// Writes the range. Returns whether somebody is there to read it.
    fn write(&mut self, task: &Task) -> Result<bool, Failure> {
        let line = format!("{} {}\n", task.range.start, task.range.end);
        // So few bytes are written as a whole or not at all (pipe(7), PIPE_BUF).
        match self.stdin.write(line.as_bytes()) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                Err(Failure::Failed("the command answers, and does not read its stdin".to_owned()))
            }
            Err(error) => Err(Failure::Failed(format!("cannot write to its stdin: {error}"))),
        }
    }

    /// The line of the answer, once it is whole.
    fn line(&mut self, limits: &Limits) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            let searched = self.stdout.kept.len();
            let has_more = self.read()?;
            let kept = &mut self.stdout.kept;
            if let Some(end) = kept[searched..].iter().position(|byte| *byte == b'\n') {
                let rest = kept.split_off(searched + end + 1);
                let line = std::mem::replace(kept, rest);
                self.is_noted = true;
                return if kept.is_empty() { Ok(Some(line)) } else { Err(self.wrote_more()) };
            }
            if kept.len() > limits.line {
                return Err(Failure::Failed(format!("more than {} bytes in a line of its stdout", limits.line)));
            }
            if !has_more {
                return Ok(None);
            }
        }
    }

    /// Reads a piece, if one is there. Returns whether it read one or reached the end.
    fn read(&mut self) -> Result<bool, Failure> {
        self.stdout.read().map_err(|error| Failure::Failed(format!("cannot read its stdout: {error}")))
    }

    fn wrote_more(&self) -> Failure {
        let more = String::from_utf8_lossy(&self.stdout.kept);
        Failure::Failed(format!("the command wrote more than one line for a range: {}", shown(more.trim())))
    }

    /// Why the command is of no more use, which has ended or closed a pipe.
    fn why_it_left(&self, watch: &mut dyn Watch) -> Result<Failure, Failure> {
        let began = Instant::now();
        loop {
            watch.step(0)?;
            match self.status()?.map(|status| exit(status, self.group.kills())) {
                Some((Exit::Code(0), _)) => {
                    let why =
                        "the command ended without an answer (exit code 0); it must read ranges until its stdin ends";
                    return Ok(Failure::Failed(why.to_owned()));
                }
                Some((exit, why)) => {
                    return Ok(Failure::Command(exit, format!("the command ended without an answer: {why}")));
                }
                None if began.elapsed() >= LAST_WORDS => {
                    return Ok(Failure::Failed("the command closed its stdin or stdout".to_owned()));
                }
                None => self.group.wait(false, [], LOOK_UP),
            }
        }
    }

    /// Asks once whether the command flushes, if it has never answered and takes long.
    fn note_silence(&mut self, task: &Task, waited: Duration) {
        if self.is_noted || waited < SILENCE {
            return;
        }
        self.is_noted = true;
        let (pid, Range { start, end }) = (self.group.id(), &task.range);
        let secs = SILENCE.as_secs();
        let what =
            format!("no answer for {start}..{end} in {secs} s from the command, pid {pid}; does it flush its stdout?");
        report::line(self.worker, &what);
    }

    fn status(&self) -> Result<Option<WaitIdStatus>, Failure> {
        self.group.status().map_err(|error| Failure::Failed(format!("cannot wait for sh: {error}")))
    }
}
