//! stdout, without ever waiting for its reader.
//!
//! Lines are buffered until `poll` says that stdout takes them. A pipe that is reported writable takes `PIPE_BUF` bytes
//! without blocking (pipe(7)), so each write is at most that long: a slow reader blocks no worker and no signal.
//!
//! A line stays here until stdout has all of it, so that what stdout does not take can be written elsewhere in whole lines.

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
    /// Whole lines. Of the first one some bytes may be written.
    pending: VecDeque<u8>,
    written: usize,
    /// How many lines stdout has taken.
    lines: u32,
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
        if self.failed != Some(Errno::PIPE) {
            self.pending.extend(format!("{line}\n").as_bytes());
            self.write_what_fits();
        }
    }

    /// Whether something waits to be written.
    pub fn is_pending(&self) -> bool {
        self.failed.is_none() && !self.pending.is_empty()
    }

    /// Whether stdout has taken every line so far, or its reader left.
    pub fn is_delivered(&self) -> bool {
        self.pending.is_empty()
    }

    /// How many lines stdout has taken.
    pub fn lines_taken(&self) -> u32 {
        self.lines
    }

    /// The lines that stdout has not taken.
    pub fn undelivered(&self) -> String {
        String::from_utf8_lossy(&self.pending.iter().copied().collect::<Vec<_>>()).into_owned()
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
            match rustix::io::write(stdout, self.next_bytes()) {
                Ok(count) => self.took(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(error) => {
                    self.failed = Some(error);
                    if error == Errno::PIPE {
                        self.pending.clear();
                    }
                }
            }
        }
    }

    /// The bytes of the next write.
    fn next_bytes(&self) -> &[u8] {
        let (front, back) = self.pending.as_slices();
        let bytes = front.get(self.written..).filter(|bytes| !bytes.is_empty());
        let bytes = bytes.unwrap_or_else(|| &back[self.written - front.len()..]);
        &bytes[..bytes.len().min(PIPE_BUF)]
    }

    /// Drops the lines that are written in whole.
    fn took(&mut self, count: usize) {
        let before = self.written;
        self.written += count;
        let ends = self.pending.range(before..self.written).filter(|byte| **byte == b'\n').count();
        self.lines = self.lines.saturating_add(u32::try_from(ends).unwrap_or(u32::MAX));
        if let Some(end) = self.pending.range(before..self.written).rposition(|byte| *byte == b'\n') {
            self.pending.drain(..=before + end);
            self.written -= before + end + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_until_all_of_it_is_written() {
        let mut output = Output { pending: VecDeque::from(*b"one\ntwo\nthree\n"), ..Output::default() };
        for (count, next, kept) in [
            (2, "e\ntwo\nthree\n", "one\ntwo\nthree\n"),
            (3, "wo\nthree\n", "two\nthree\n"),
            (2, "\nthree\n", "two\nthree\n"),
            (3, "ree\n", "three\n"),
        ] {
            output.took(count);
            assert_eq!(String::from_utf8_lossy(output.next_bytes()), next);
            assert_eq!(output.undelivered(), kept);
        }
        output.took(4);
        assert!(output.is_delivered() && output.undelivered().is_empty());
        assert_eq!(output.lines_taken(), 3);
    }
}
