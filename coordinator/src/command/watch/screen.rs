//! Where a watch shows what it sees: in place on a terminal, one after the other elsewhere.

use std::io::{self, ErrorKind, Write};

use crate::args::Format;
use crate::error::{Error, Result};
use crate::report::json;
use crate::report::room::Room;
use crate::report::sight::Sight;
use crate::report::status;

/// To the upper left corner.
const HOME: &str = "\x1b[H";

/// Clears what an earlier text left behind in a line, and below the last one.
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// What has been shown.
pub struct Screen {
    format: Format,
    is_terminal: bool,
    last: Option<Sight>,
}

impl Screen {
    /// An empty one.
    pub fn new(format: Format) -> Self {
        let knows_sequences = std::env::var_os("TERM").is_some_and(|term| term != "dumb");
        let is_terminal = format == Format::Text && knows_sequences && Room::of(io::stdout()).is_some();
        Self { format, is_terminal, last: None }
    }

    /// Shows what is to be seen now; says whether anyone still reads it.
    pub fn show(&mut self, sight: &Sight) -> Result<bool> {
        let is_new = self.last.as_ref().is_none_or(|last| !last.shows_the_same(sight));
        let text = match self.format {
            Format::Text if self.is_terminal => self.frame(sight),
            _ if !is_new => return Ok(true),
            Format::Json => format!("{}\n", json::of_sight(sight)),
            Format::Text => {
                let line_between = if self.last.is_some() { "\n" } else { "" };
                format!("{line_between}{}\n", status::status(sight, None))
            }
        };
        self.last = Some(sight.clone());
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            Err(source) => Err(Error::System { doing: "write to stdout", source }),
        }
    }

    /// The whole screen, written over the last one: nothing is blank in between, so nothing flickers.
    fn frame(&self, sight: &Sight) -> String {
        let room = Room::of(io::stdout()).unwrap_or(Room::GLANCE);
        // What was there before the first one scrolls up and is not lost.
        let mut frame = if self.last.is_none() { "\n".repeat(room.rows) } else { String::new() };
        frame.push_str(HOME);
        for line in status::status(sight, Some(room)).lines() {
            frame.push_str(line);
            frame.push_str(CLEAR_LINE);
            frame.push('\n');
        }
        frame.push_str(CLEAR_BELOW);
        frame
    }
}
