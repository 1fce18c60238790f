//! `coordinator status`: shows one segment without taking its lock or changing it.

use rustix::stdio::stdout;

use crate::args::{Format, StatusArgs};
use crate::error::Result;
use crate::report::status_view::StatusView;
use crate::report::{json, status};
use crate::terminal::TerminalSize;

/// Prints the segment's state; a ledger that contradicts itself is an error.
pub fn status(args: &StatusArgs) -> Result<u8> {
    if args.watch {
        return super::watch::watch(args);
    }
    let view = StatusView::of(&args.name)?;
    match args.format {
        Format::Text => super::print(&status::status(&view, TerminalSize::columns(stdout()))),
        Format::Json => super::print(&json::of_status(&view)),
    }
}
