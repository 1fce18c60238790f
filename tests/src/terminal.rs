//! A pseudo-terminal for commands to write to, with a screen behind it that interprets what they write.

use std::fs::File;
use std::io::Read;
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Action, Winsize, tcflow, tcgetwinsize, tcsetwinsize};

use crate::test_env::until;

/// Lines of scrollback.
const SCROLLBACK: usize = 10_000;

/// A terminal; a thread reads what is written to it.
pub struct Terminal {
    // Keeps the terminal alive between the commands that write to it.
    line: OwnedFd,
    master: OwnedFd,
    shown: Arc<Mutex<Shown>>,
    reader: JoinHandle<()>,
}

/// The screen, and all that was written to it.
struct Shown {
    parser: vt100::Parser,
    bytes: Vec<u8>,
}

impl Terminal {
    /// A terminal of that size.
    #[must_use]
    pub fn new(rows: u16, columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        grantpt(&master).expect("it is ours");
        unlockpt(&master).expect("it can be opened");
        let name = ptsname(&master, Vec::new()).expect("it has a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let line = open(name, flags, Mode::empty()).expect("its other end can be opened");
        let parser = vt100::Parser::new(some(rows), some(columns), SCROLLBACK);
        let shown = Arc::new(Mutex::new(Shown { parser, bytes: Vec::new() }));
        let mut source = File::from(master.try_clone().expect("it can be opened twice"));
        let sink = Arc::clone(&shown);
        // Reading fails (EIO) once nobody has the other end any more.
        let reader = thread::spawn(move || {
            let mut buffer = [0; 1 << 12];
            while let Ok(count @ 1..) = source.read(&mut buffer) {
                let mut shown = sink.lock().expect("no reader panics");
                shown.bytes.extend(&buffer[..count]);
                shown.parser.process(&buffer[..count]);
            }
        });
        let terminal = Self { line, master, shown, reader };
        terminal.tell_size(rows, columns);
        terminal
    }

    /// Its other end, for a command to write to.
    #[must_use]
    pub fn line(&self) -> Stdio {
        self.line.try_clone().expect("it can be opened twice").into()
    }

    /// Changes the size that commands see; the screen grows to it and does not shrink yet.
    ///
    /// Output for the old size may still be on its way, and would wrap on a narrower screen.
    pub fn resize(&self, rows: u16, columns: u16) {
        let mut shown = self.shown();
        let (old_rows, old_columns) = shown.parser.screen().size();
        shown.parser.screen_mut().set_size(some(rows).max(old_rows), some(columns).max(old_columns));
        self.tell_size(rows, columns);
    }

    /// Shrinks the screen to the size that commands see, once they have drawn for it.
    pub fn settle(&self) {
        let size = tcgetwinsize(&self.master).expect("it is a terminal");
        self.shown().parser.screen_mut().set_size(some(size.ws_row), some(size.ws_col));
    }

    /// Stops its output as Ctrl-S does, or continues it.
    pub fn stop(&self, is_stopped: bool) {
        tcflow(&self.line, if is_stopped { Action::OOff } else { Action::OOn }).expect("it is a terminal");
    }

    /// The lines of the screen, without blanks at their ends and without empty lines at its end.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let contents = self.shown().parser.screen().contents();
        contents.lines().map(|line| line.trim_end().to_owned()).collect()
    }

    /// How many lines have scrolled off the top.
    #[must_use]
    pub fn scrolled(&self) -> usize {
        let mut shown = self.shown();
        let screen = shown.parser.screen_mut();
        screen.set_scrollback(usize::MAX);
        let scrolled = screen.scrollback();
        screen.set_scrollback(0);
        scrolled
    }

    /// All that was written to it.
    #[must_use]
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.shown().bytes).into_owned()
    }

    /// Waits until no process has the other end; returns all that was written.
    pub fn finish(self) -> String {
        let Self { line, shown, reader, .. } = self;
        drop(line);
        reader.join().expect("no reader panics");
        let bytes = std::mem::take(&mut shown.lock().expect("no reader panics").bytes);
        String::from_utf8(bytes).expect("it is text")
    }

    /// Waits until the screen's lines meet the condition; returns them.
    pub fn until(&self, what: &str, mut condition: impl FnMut(&[String]) -> bool) -> Vec<String> {
        let mut lines = Vec::new();
        until(what, || {
            lines = self.lines();
            condition(&lines)
        });
        lines
    }

    fn tell_size(&self, rows: u16, columns: u16) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.master, size).expect("it is a terminal");
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().expect("no reader panics")
    }
}

fn some(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("a terminal has rows and columns")
}
