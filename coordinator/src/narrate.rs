//! What the coordinator says on stderr while it works.

use std::cell::Cell;
use std::fmt::Display;

use common::cli::{one_line, step};
use common::{Instant, Segment, say_if_read};

use crate::args::OutputArgs;

/// Says notes and, if asked to, each step.
pub struct Narrator {
    since: Cell<Instant>,
    quiet: bool,
    verbose: bool,
}

impl Narrator {
    /// A narrator for a command that begins now.
    pub fn new(args: &OutputArgs) -> Self {
        Self { since: Cell::new(Instant::now()), quiet: args.quiet, verbose: args.verbose }
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
            say_if_read(&format!("note: {}\n", one_line(&what.to_string())));
        }
    }

    /// Says a step, if each is to be explained.
    pub fn step(&self, what: impl Display) {
        if self.verbose {
            step(self.since.get(), &what.to_string());
        }
    }

    /// Whether each step is explained.
    pub fn is_verbose(&self) -> bool {
        self.verbose
    }
}
