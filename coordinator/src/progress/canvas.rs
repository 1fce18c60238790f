//! A terminal in memory, which keeps what is written to it and nothing else.
//!
//! indicatif writes to its terminal until all is written, and one that was stopped (Ctrl-S) would stop the coordinator.

use std::io::Result;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::TermLike;

/// What was written, and how wide the terminal claims to be.
#[derive(Debug, Default)]
struct Page {
    text: String,
    width: u16,
}

/// A page that a bar is drawn on; clones are the same page.
#[derive(Clone, Debug, Default)]
pub struct Canvas(Arc<Mutex<Page>>);

impl Canvas {
    /// Begins an empty page.
    pub fn begin(&self, width: usize) {
        *self.page() = Page { text: String::new(), width: u16::try_from(width).unwrap_or(u16::MAX) };
    }

    /// What was written, without the blanks at its end.
    pub fn text(&self) -> String {
        self.page().text.trim_end().to_owned()
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TermLike for Canvas {
    fn width(&self) -> u16 {
        self.page().width
    }

    fn write_str(&self, text: &str) -> Result<()> {
        self.page().text.push_str(text);
        Ok(())
    }

    fn write_line(&self, text: &str) -> Result<()> {
        self.write_str(text)
    }

    fn move_cursor_up(&self, _: usize) -> Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> Result<()> {
        Ok(())
    }

    fn clear_line(&self) -> Result<()> {
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        Ok(())
    }
}
