//! Lines at the bottom of the terminal on stderr that change in place.
//!
//! Invariants: between two writes the cursor stands where the display begins, on an empty line. So the output of other
//! processes appears above the next frame, and a terminal that rewraps its lines displaces nothing. Nothing here waits
//! for the terminal: it is opened a second time, because `O_NONBLOCK` belongs to the open file
//! description, and that of stderr is shared with the shell and the workers.

use std::fmt::Write;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;

use super::{CLEAR_BELOW, CLEAR_LINE, TerminalSize};

/// How many bytes are kept for a terminal that does not take them.
const MOST_PENDING: usize = 1 << 16;

/// The terminal, and the frame that it shows.
pub struct LiveLines {
    terminal: OwnedFd,
    /// What the terminal has not taken yet.
    pending: Vec<u8>,
    frame: String,
    /// The size that the frame was made for.
    size: Option<TerminalSize>,
    is_hidden: bool,
}

impl LiveLines {
    /// The terminal on stderr, if it can move its cursor and this process may open it.
    pub fn open() -> Option<Self> {
        if console::is_dumb() || !rustix::termios::isatty(rustix::stdio::stderr()) {
            return None;
        }
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let terminal = open("/proc/self/fd/2", flags, Mode::empty()).ok()?;
        Some(Self { terminal, pending: Vec::new(), frame: String::new(), size: None, is_hidden: false })
    }

    /// The terminal's size now; `None` once it is hung up.
    pub fn size(&self) -> Option<TerminalSize> {
        TerminalSize::of(&self.terminal)
    }

    /// Shows these lines, each narrower than the terminal; drops them if the terminal has not taken the last ones yet.
    pub fn show(&mut self, lines: &[String]) {
        if !self.is_in_foreground() {
            return;
        }
        let (frame, size) = (frame(lines), self.size());
        if self.flush() && (&frame, size) != (&self.frame, self.size) {
            self.pending.extend(frame.as_bytes());
            (self.frame, self.size) = (frame, size);
            self.flush();
        }
    }

    /// Writes a text that stays, above the display; drops it if too much is pending.
    pub fn say(&mut self, text: &str) {
        self.flush();
        if self.pending.len() < MOST_PENDING {
            let is_shown = self.is_shown();
            let frame = if is_shown { ["\r", CLEAR_BELOW, text, &self.frame].concat() } else { text.to_owned() };
            self.pending.extend(frame.as_bytes());
            self.flush();
        }
    }

    /// Hides the display, until [`Self::restore`].
    pub fn hide(&mut self) {
        if self.is_shown() {
            self.pending.extend(["\r", CLEAR_BELOW].concat().as_bytes());
        }
        self.is_hidden = true;
        self.flush();
    }

    /// Shows the hidden display again.
    pub fn restore(&mut self) {
        self.is_hidden = false;
        if self.flush() && self.is_shown() {
            self.pending.extend(self.frame.as_bytes());
            self.flush();
        }
    }

    fn is_shown(&mut self) -> bool {
        self.is_in_foreground() && !self.frame.is_empty() && !self.is_hidden
    }

    /// Whether the terminal may be written to: a background job would overwrite the shell's line.
    ///
    /// In the background the frame is forgotten: it is gone from the screen when the job returns to the foreground.
    fn is_in_foreground(&mut self) -> bool {
        let may_write = match tcgetpgrp(&self.terminal) {
            Ok(foreground) => foreground == getpgrp(),
            // It is not the controlling terminal of this session, so no shell uses it.
            Err(error) => error == Errno::NOTTY,
        };
        if !may_write {
            self.frame.clear();
        }
        may_write
    }

    /// Writes what the terminal takes at once; returns whether that is all.
    fn flush(&mut self) -> bool {
        while !self.pending.is_empty() {
            match rustix::io::write(&self.terminal, &self.pending) {
                Ok(count) => drop(self.pending.drain(..count)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return false,
                // The terminal was hung up.
                Err(_) => self.pending.clear(),
            }
        }
        true
    }
}

impl Drop for LiveLines {
    fn drop(&mut self) {
        self.hide();
    }
}

/// The bytes that draw the lines over the last ones and move the cursor back to their beginning.
fn frame(lines: &[String]) -> String {
    let mut frame = format!("\r{CLEAR_LINE}");
    for line in lines {
        let _ = write!(frame, "\r\n{line}{CLEAR_LINE}");
    }
    frame += CLEAR_BELOW;
    if !lines.is_empty() {
        let _ = write!(frame, "\x1b[{}A\r", lines.len());
    }
    frame
}
