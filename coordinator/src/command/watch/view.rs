//! Showing a watched segment: in place on a terminal, elsewhere one text after the other.

use std::io::{self, ErrorKind, Write};

use crate::args::Format;
use crate::error::{Error, Result};
use crate::report::status_view::StatusView;
use crate::report::{json, status};
use crate::terminal::{CLEAR_BELOW, CLEAR_LINE, TerminalSize};

/// Moves the cursor to the upper left corner.
const HOME: &str = "\x1b[H";

/// Shows a watched segment on stdout.
pub struct WatchView {
    format: Format,
    is_terminal: bool,
    last: Option<StatusView>,
}

impl WatchView {
    /// A view that has shown nothing yet.
    pub fn new(format: Format) -> Self {
        let knows_sequences = std::env::var_os("TERM").is_some_and(|term| term != "dumb");
        let is_terminal = format == Format::Text && knows_sequences && TerminalSize::of(io::stdout()).is_some();
        Self { format, is_terminal, last: None }
    }

    /// Shows the segment if it has changed; returns whether there still is a reader.
    pub fn show(&mut self, status: &StatusView) -> Result<bool> {
        let is_new = self.last.as_ref().is_none_or(|last| !last.shows_the_same(status));
        let text = match self.format {
            Format::Text if self.is_terminal => self.frame(status),
            _ if !is_new => return Ok(true),
            Format::Json => format!("{}\n", json::of_status(status)),
            Format::Text => {
                let line_between = if self.last.is_some() { "\n" } else { "" };
                format!("{line_between}{}\n", status::status(status, TerminalSize::columns(io::stdout())))
            }
        };
        self.last = Some(status.clone());
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            Err(source) => Err(Error::System { doing: "write to stdout", source }),
        }
    }

    /// A whole screen, written over the last one without clearing it first, so that nothing flickers.
    fn frame(&self, status: &StatusView) -> String {
        let size = TerminalSize::usable(io::stdout());
        // The first frame scrolls up what the terminal showed before.
        let mut frame = if self.last.is_none() { "\n".repeat(size.rows) } else { String::new() };
        frame.push_str(HOME);
        for line in status::status_within(status, size).lines() {
            frame.extend([line, CLEAR_LINE, "\n"]);
        }
        frame.push_str(CLEAR_BELOW);
        frame
    }
}
