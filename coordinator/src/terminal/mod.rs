//! Terminals: their size, lines that fit them, and lines that change in place.

mod live_lines;
mod wrap;

use std::os::fd::AsFd;

use common::cli::one_line;
use rustix::termios::{isatty, tcgetwinsize};

pub use live_lines::LiveLines;
pub use wrap::wrap;

/// Clears from the cursor to the end of the line.
pub const CLEAR_LINE: &str = "\x1b[K";

/// Clears from the cursor to the end of the screen.
pub const CLEAR_BELOW: &str = "\x1b[J";

/// The size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalSize {
    /// How many lines.
    pub rows: usize,
    /// How many characters each.
    pub columns: usize,
}

impl TerminalSize {
    /// The size of the terminal, if it is one; 80 × 24 where it does not say.
    pub fn of(descriptor: impl AsFd) -> Option<Self> {
        if !isatty(&descriptor) {
            return None;
        }
        let size = tcgetwinsize(&descriptor).ok();
        let or = |reported: Option<u16>, usual| reported.filter(|size| *size > 0).unwrap_or(usual).into();
        Some(Self { rows: or(size.map(|size| size.ws_row), 24), columns: or(size.map(|size| size.ws_col), 80) })
    }

    /// How many columns a text may have: as many as it likes without a terminal.
    pub fn columns(descriptor: impl AsFd) -> usize {
        Self::of(descriptor).map_or(usize::MAX, |size| size.columns)
    }

    /// The area for a text: the terminal's without the cursor's row and column; 40 × 200 without a terminal.
    pub fn usable(descriptor: impl AsFd) -> Self {
        let size = Self::of(descriptor).unwrap_or(Self { rows: 41, columns: 201 });
        Self { rows: (size.rows - 1).max(1), columns: (size.columns - 1).max(1) }
    }

    /// Cuts the text to this size and spells out its control characters.
    pub fn fit(self, text: &str) -> String {
        let cut = |line: &str| -> String { one_line(line).chars().take(self.columns).collect() };
        text.lines().take(self.rows).map(cut).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_off_and_control_characters_do_nothing() {
        let size = TerminalSize { rows: 2, columns: 8 };
        assert_eq!(size.fit("0123456789\na\u{1b}b\nmore"), "01234567\na\\u{1b}b");
    }
}
