//! stdout, without ever waiting for its reader.
//!
//! Lines are buffered until `poll` says that stdout takes them. A pipe that is reported writable takes `PIPE_BUF` bytes
//! without blocking (pipe(7)), so each write is at most that long: a slow reader blocks no worker and no signal.

use std::collections::VecDeque;
use std::fmt::Display;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::pipe::PIPE_BUF;
use rustix::stdio::stdout;

use crate::args::{Format, OutputArgs};
use crate::readiness;

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// The lines of the Python programs.
    #[default]
    Lines,
    /// Only numbers.
    Numbers,
    /// One JSON object at the end.
    Json,
}

/// Results on their way to stdout.
#[derive(Default)]
pub struct Output {
    style: Style,
    pending: VecDeque<u8>,
    failed: Option<Errno>,
}

impl Output {
    /// Writes results in the style that the options ask for.
    pub fn new(args: &OutputArgs) -> Self {
        let style = match args.format {
            Format::Json => Style::Json,
            Format::Text if args.quiet => Style::Numbers,
            Format::Text => Style::Lines,
        };
        Self { style, ..Self::default() }
    }

    /// The style.
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

    /// Why results could not be written. A reader that left is no failure.
    pub fn failure(&self) -> Option<Errno> {
        self.failed.filter(|error| *error != Errno::PIPE)
    }

    /// Writes as much as stdout takes without blocking.
    pub fn write_what_fits(&mut self) {
        let stdout = stdout();
        // An error or a hang-up shows in the write.
        while self.is_pending() && readiness::wait(&mut [PollFd::new(&stdout, PollFlags::OUT)], Some(Duration::ZERO)) {
            let (bytes, _) = self.pending.as_slices();
            match rustix::io::write(stdout, &bytes[..bytes.len().min(PIPE_BUF)]) {
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
}
