//! stdout, without ever waiting for its reader.
//!
//! Lines are kept until `poll` says that stdout takes them. Pipes that are reported writable take `PIPE_BUF` bytes without
//! blocking (pipe(7)), so no more is written at a time; a reader that stopped reading stops no worker and no signal.

use std::collections::VecDeque;
use std::fmt::Display;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::args::{Format, OutputArgs};

/// POSIX's least `PIPE_BUF` is 512, Linux's is 4096 (pipe(7)).
const PIPE_BUF: usize = 4096;

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// The lines of the Python programs.
    #[default]
    Lines,
    /// Numbers alone.
    Numbers,
    /// One JSON object at the end.
    Json,
}

impl Style {
    /// The style that the options ask for.
    fn new(args: &OutputArgs) -> Self {
        match args.format {
            Format::Json => Self::Json,
            Format::Text if args.quiet => Self::Numbers,
            Format::Text => Self::Lines,
        }
    }
}

/// Results on their way to stdout.
#[derive(Default)]
pub struct Output {
    style: Style,
    pending: VecDeque<u8>,
    failed: Option<Errno>,
}

impl Output {
    /// Results in the style that the options ask for.
    pub fn new(args: &OutputArgs) -> Self {
        Self { style: Style::new(args), ..Self::default() }
    }

    /// How they are written.
    pub fn style(&self) -> Style {
        self.style
    }

    /// Adds a line, and writes what stdout takes now.
    pub fn line(&mut self, line: impl Display) {
        if self.failed.is_none() {
            self.pending.extend(format!("{line}\n").as_bytes());
            self.write_what_fits();
        }
    }

    /// Whether something waits to be written.
    pub fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The descriptor to poll for writing while something is pending.
    pub fn descriptor() -> BorrowedFd<'static> {
        rustix::stdio::stdout()
    }

    /// Why results could not be written. A reader that went away had what it wanted: that is no failure.
    pub fn failure(&self) -> Option<Errno> {
        self.failed.filter(|error| *error != Errno::PIPE)
    }

    /// Writes for as long as stdout takes it at once.
    pub fn write_what_fits(&mut self) {
        while !self.pending.is_empty() && Self::takes_more() {
            let (bytes, _) = self.pending.as_slices();
            match rustix::io::write(Self::descriptor(), &bytes[..bytes.len().min(PIPE_BUF)]) {
                Ok(count) => drop(self.pending.drain(..count)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(error) => {
                    self.failed = Some(error);
                    self.pending.clear();
                }
            }
        }
    }

    fn takes_more() -> bool {
        let descriptor = Self::descriptor();
        let mut stdout = [PollFd::from_borrowed_fd(descriptor.as_fd(), PollFlags::OUT)];
        // An error or a hang-up shows in the write that follows.
        poll(&mut stdout, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
    }
}
