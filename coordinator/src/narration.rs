//! What the coordinator says on stderr during a run.
//!
//! Invariant: lines that stay and the display that changes in place never mix.

use std::cell::{Cell, RefCell};
use std::fmt::Display;

use common::cli::{one_line, step};
use common::{BootTime, Segment, say_if_read};

use crate::args::OutputArgs;
use crate::terminal::{LiveLines, TerminalSize};

/// Writes notes and, with `--verbose`, each step; shows the progress display below them.
pub struct Narrator {
    since: Cell<BootTime>,
    quiet: bool,
    verbose: bool,
    is_silent: Cell<bool>,
    display: RefCell<Option<LiveLines>>,
}

impl Narrator {
    /// A narrator for a command that begins now.
    pub fn new(args: &OutputArgs) -> Self {
        let since = Cell::new(BootTime::now());
        let (is_silent, display) = (Cell::new(false), RefCell::new(None));
        Self { since, quiet: args.quiet, verbose: args.verbose, is_silent, display }
    }

    /// Counts times from the segment's creation, as the workers do.
    pub fn count_from_creation(&self, segment: &Segment) {
        self.since.set(segment.created());
    }

    /// Writes nothing from now on: nobody is left who would read it.
    pub fn fall_silent(&self) {
        self.is_silent.set(true);
        self.close_display();
    }

    /// Writes what the user should know, unless `--quiet` is given.
    pub fn note(&self, what: impl Display) {
        if self.verbose {
            self.step(format_args!("note: {what}"));
        } else if !self.quiet {
            self.say(&format!("note: {}\n", one_line(&what.to_string())));
        }
    }

    /// Writes how a worker failed, also with `--quiet`, and the next step if there is one.
    pub fn failure(&self, label: &str, what: &str, hint: Option<&str>) {
        let hint = hint.map(|hint| format!("hint: {}\n", one_line(hint))).unwrap_or_default();
        self.say(&format!("{label}: {}\n{hint}", one_line(what)));
    }

    /// Writes a step, with `--verbose`.
    pub fn step(&self, what: impl Display) {
        if self.verbose {
            self.say(&step(self.since.get(), &what.to_string()));
        }
    }

    /// Writes the status that SIGUSR1 asked for, also with `--quiet`.
    pub fn status(&self, table: &str) {
        self.say(&format!("{table}\n"));
    }

    /// Writes a next step, also with `--quiet`.
    pub fn hint(&self, what: &str) {
        self.say(&format!("hint: {}\n", one_line(what)));
    }

    /// Writes a line of progress.
    pub fn progress(&self, what: impl Display) {
        self.say(&format!("progress: {what}\n"));
    }

    /// Whether `--verbose` is given.
    pub fn is_verbose(&self) -> bool {
        self.verbose
    }

    fn say(&self, text: &str) {
        match self.display.borrow_mut().as_mut() {
            _ if self.is_silent.get() => {}
            Some(display) => display.say(text),
            None => say_if_read(text),
        }
    }
}

/// The display.
impl Narrator {
    /// Shows a display from now on.
    pub fn open_display(&self, display: LiveLines) {
        *self.display.borrow_mut() = Some(display);
    }

    /// The size of the display's terminal; `None` without a display.
    pub fn display_size(&self) -> Option<TerminalSize> {
        self.display.borrow().as_ref().and_then(LiveLines::size)
    }

    /// Replaces the lines of the display.
    pub fn show(&self, lines: &[String]) {
        if let Some(display) = self.display.borrow_mut().as_mut() {
            display.show(lines);
        }
    }

    /// Hides the display while stdout is written to, which may be the same terminal.
    pub fn with_display_hidden(&self, write: impl FnOnce()) {
        if !rustix::termios::isatty(rustix::stdio::stdout()) {
            return write();
        }
        self.display.borrow_mut().as_mut().map(LiveLines::hide);
        write();
        self.display.borrow_mut().as_mut().map(LiveLines::restore);
    }

    /// Removes the display.
    pub fn close_display(&self) {
        *self.display.borrow_mut() = None;
    }
}
