//! How much a terminal shows.

use std::os::fd::AsFd;

use common::cli::one_line;
use rustix::termios::{isatty, tcgetwinsize};

/// Rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// How many lines.
    pub rows: usize,
    /// How many characters each.
    pub columns: usize,
}

impl Room {
    /// What is said to who asked for a glance, where there is no terminal.
    pub const GLANCE: Self = Self { rows: 40, columns: 200 };

    /// That of the terminal, if it is one, but for the line and the column where the cursor waits.
    pub fn of(descriptor: impl AsFd) -> Option<Self> {
        if !isatty(&descriptor) {
            return None;
        }
        let size = tcgetwinsize(&descriptor).ok();
        // A terminal that does not know its size is taken for the smallest usual one.
        let or = |told: Option<u16>, usual| told.filter(|told| *told > 0).unwrap_or(usual).into();
        let rows: usize = or(size.map(|size| size.ws_row), 24);
        let columns: usize = or(size.map(|size| size.ws_col), 80);
        Some(Self { rows: rows.saturating_sub(1).max(1), columns: columns.saturating_sub(1).max(1) })
    }

    /// The lines that fit, as far as they fit, without control characters.
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
        let room = Room { rows: 2, columns: 8 };
        assert_eq!(room.fit("0123456789\na\u{1b}b\nmore"), "01234567\na\\u{1b}b");
    }
}
