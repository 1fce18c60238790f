//! What the coordinator says on stderr while it works.

use std::fmt::Display;
use std::time::Instant;

use common::cli::one_line;
use common::say_if_read;

use crate::args::OutputArgs;

/// Says notes and, if asked to, each step.
pub struct Narrator {
    began: Instant,
    quiet: bool,
    verbose: bool,
}

impl Narrator {
    /// A narrator for a command that begins now.
    pub fn new(args: &OutputArgs) -> Self {
        Self { began: Instant::now(), quiet: args.quiet, verbose: args.verbose }
    }

    /// Says what the user should know, unless nothing is to be said.
    pub fn note(&self, what: impl Display) {
        if !self.quiet {
            say_if_read(&format!("note: {}\n", one_line(&what.to_string())));
        }
    }

    /// Says a step, if each is to be explained.
    pub fn step(&self, what: impl Display) {
        if self.verbose {
            say_if_read(&format!("[{:8.3} s] {what}\n", self.began.elapsed().as_secs_f64()));
        }
    }

    /// Whether each step is explained.
    pub fn is_verbose(&self) -> bool {
        self.verbose
    }
}
