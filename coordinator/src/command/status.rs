//! `coordinator status`: one segment, without its lock and without a change.

use crate::args::{Format, StatusArgs};
use crate::error::Result;
use crate::report::json;
use crate::report::sight::Sight;
use crate::report::status;

/// Prints the segment's state; a ledger that contradicts itself is an error.
pub fn status(args: &StatusArgs) -> Result<u8> {
    if args.watch {
        return super::watch::watch(args);
    }
    let sight = Sight::of(&args.name)?;
    match args.format {
        Format::Text => super::print(&status::status(&sight, None)),
        Format::Json => super::print(&json::of_sight(&sight)),
    }
}
