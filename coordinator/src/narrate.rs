//! What the coordinator says on stderr while it works: the only module that writes there before the end.
//!
//! Invariant: lines that stay and the display that changes in place never mix.

use std::cell::{Cell, RefCell};
use std::fmt::Display;

use common::cli::{one_line, step};
use common::{Instant, Segment, say_if_read};

use crate::args::OutputArgs;
use crate::output::Output;
use crate::progress::{Screen, Size};

/// Says notes and, if asked to, each step; shows a display below them, if there is one.
pub struct Narrator {
    since: Cell<Instant>,
    quiet: bool,
    verbose: bool,
    screen: RefCell<Option<Screen>>,
}

impl Narrator {
    /// A narrator for a command that begins now.
    pub fn new(args: &OutputArgs) -> Self {
        let since = Cell::new(Instant::now());
        Self { since, quiet: args.quiet, verbose: args.verbose, screen: RefCell::new(None) }
    }

    /// From now on times count from the segment's creation, as those that its workers tell.
    pub fn keep_time_of(&self, segment: &Segment) {
        self.since.set(segment.created());
    }

    /// Says what the user should know, unless nothing is to be said.
    pub fn note(&self, what: impl Display) {
        if self.verbose {
            self.step(format_args!("note: {what}"));
        } else if !self.quiet {
            self.say(&format!("note: {}\n", one_line(&what.to_string())));
        }
    }

    /// Says a step, if each is to be explained.
    pub fn step(&self, what: impl Display) {
        if self.verbose {
            self.say(&step(self.since.get(), &what.to_string()));
        }
    }

    /// Shows a table that was asked for, whatever else is to be said.
    pub fn show_status(&self, table: &str) {
        self.say(&format!("{table}\n"));
    }

    /// Says how far the run has got.
    pub fn progress(&self, what: impl Display) {
        self.say(&format!("progress: {what}\n"));
    }

    /// Whether each step is explained.
    pub fn is_verbose(&self) -> bool {
        self.verbose
    }

    fn say(&self, text: &str) {
        match self.screen.borrow_mut().as_mut() {
            Some(screen) => screen.say(text),
            None => say_if_read(text),
        }
    }
}

/// The display.
impl Narrator {
    /// Keeps a display on that terminal from now on.
    pub fn open_display(&self, screen: Screen) {
        *self.screen.borrow_mut() = Some(screen);
    }

    /// How large the display's terminal is; nothing if there is none.
    pub fn display_size(&self) -> Option<Size> {
        self.screen.borrow().as_ref().map(Screen::size)
    }

    /// Shows these lines instead of the last ones.
    pub fn show(&self, lines: &[String]) {
        if let Some(screen) = self.screen.borrow_mut().as_mut() {
            screen.show(lines);
        }
    }

    /// Takes the display out of the way while stdout, which may be the same terminal, is written to.
    pub fn step_aside(&self, write: impl FnOnce()) {
        if !rustix::termios::isatty(Output::descriptor()) {
            return write();
        }
        self.screen.borrow_mut().as_mut().map(Screen::hide);
        write();
        self.screen.borrow_mut().as_mut().map(Screen::restore);
    }

    /// Ends the display and leaves nothing of it.
    pub fn close_display(&self) {
        *self.screen.borrow_mut() = None;
    }
}
