//! The terminal on stderr, whose last lines are a display that changes in place.
//!
//! Invariants: between two writes the cursor stands where the display begins, on an empty line, so that what other
//! processes write comes to stand above the next frame, and a terminal that rewraps its lines displaces nothing; and
//! nothing here ever waits for the terminal. For that it is opened a second time: whether writes block belongs to the
//! open file, and the one behind stderr is the shell's and the workers' too.

use std::fmt::Write;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::termios::{tcgetpgrp, tcgetwinsize};

/// To the beginning of the line, and nothing from there on.
const CLEAR: &str = "\r\x1b[J";

/// What a terminal that does not tell its size is taken for.
const USUAL: Size = Size { columns: 80, rows: 24 };

/// How much is kept for a terminal that does not take it.
const MOST_PENDING: usize = 1 << 16;

/// A terminal's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub columns: usize,
    pub rows: usize,
}

/// The terminal, and what of the display it shows.
pub struct Screen {
    terminal: OwnedFd,
    /// What the terminal has not taken yet.
    pending: Vec<u8>,
    frame: String,
    /// For which size that was made.
    size: Size,
    is_hidden: bool,
}

impl Screen {
    /// The terminal on stderr, if it is one that can move its cursor and that this process may open.
    pub fn open() -> Option<Self> {
        if console::is_dumb() || !rustix::termios::isatty(rustix::stdio::stderr()) {
            return None;
        }
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let terminal = open("/proc/self/fd/2", flags, Mode::empty()).ok()?;
        Some(Self { terminal, pending: Vec::new(), frame: String::new(), size: USUAL, is_hidden: false })
    }

    /// How many columns and rows it has now.
    pub fn size(&self) -> Size {
        let told = tcgetwinsize(&self.terminal).ok().filter(|told| told.ws_col > 0 && told.ws_row > 0);
        told.map_or(USUAL, |told| Size { columns: told.ws_col.into(), rows: told.ws_row.into() })
    }

    /// Shows these lines, each narrower than the terminal; drops them if it has not taken the last ones yet.
    pub fn show(&mut self, lines: &[String]) {
        if !self.is_ours() {
            return;
        }
        let (frame, size) = (frame(lines), self.size());
        if self.flush() && (&frame, size) != (&self.frame, self.size) {
            self.pending.extend(frame.as_bytes());
            (self.frame, self.size) = (frame, size);
            self.flush();
        }
    }

    /// Writes a text that stays, above the display; drops it if the terminal has not taken much else for long.
    pub fn say(&mut self, text: &str) {
        self.flush();
        if self.pending.len() < MOST_PENDING {
            let (clear, frame) = if self.is_shown() { (CLEAR, self.frame.as_str()) } else { ("", "") };
            self.pending.extend([clear, text, frame].concat().as_bytes());
            self.flush();
        }
    }

    /// Takes the display away, until [`Self::restore`].
    pub fn hide(&mut self) {
        if self.is_shown() {
            self.pending.extend(CLEAR.as_bytes());
        }
        self.is_hidden = true;
        self.flush();
    }

    /// Shows again what was hidden.
    pub fn restore(&mut self) {
        self.is_hidden = false;
        if self.flush() && self.is_shown() {
            self.pending.extend(self.frame.as_bytes());
            self.flush();
        }
    }

    fn is_shown(&mut self) -> bool {
        self.is_ours() && !self.frame.is_empty() && !self.is_hidden
    }

    /// Whether the terminal is to be written to: a job in the background would scribble over the shell's line.
    ///
    /// What it showed before is not there any more when it comes to the foreground again.
    fn is_ours(&mut self) -> bool {
        // Who cannot be told, because it is not the terminal that the session belongs to, has no shell beside it.
        let is_ours = tcgetpgrp(&self.terminal).is_ok_and(|foreground| foreground == getpgrp());
        let is_foreign = matches!(tcgetpgrp(&self.terminal), Err(Errno::NOTTY));
        if !is_ours && !is_foreign {
            self.frame.clear();
        }
        is_ours || is_foreign
    }

    /// Writes what the terminal takes at once; says whether that is all.
    fn flush(&mut self) -> bool {
        while !self.pending.is_empty() {
            match rustix::io::write(&self.terminal, &self.pending) {
                Ok(count) => drop(self.pending.drain(..count)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return false,
                // It was hung up: there is nobody to show anything to.
                Err(_) => self.pending.clear(),
            }
        }
        true
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.hide();
    }
}

/// What brings the lines onto the terminal, over whatever stood there, and the cursor back to where they begin.
fn frame(lines: &[String]) -> String {
    let mut frame = "\r\x1b[K".to_owned();
    for line in lines {
        let _ = write!(frame, "\r\n{line}\x1b[K");
    }
    frame += "\x1b[J";
    if !lines.is_empty() {
        let _ = write!(frame, "\x1b[{}A\r", lines.len());
    }
    frame
}
