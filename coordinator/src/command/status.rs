//! `coordinator status`: one segment, without its lock and without a change.

use common::Snapshot;

use crate::args::{Format, StatusArgs};
use crate::error::{Error, Result};
use crate::report::{json, table};

/// Prints the segment's state; a ledger that contradicts itself is an error.
pub fn status(args: &StatusArgs) -> Result<u8> {
    let (snapshot, state) = Snapshot::of(&args.name)?;
    snapshot.check().map_err(|violation| Error::Violation { name: args.name.clone(), violation })?;
    match args.format {
        Format::Text => super::print(&table::status(&snapshot, state)),
        Format::Json => super::print(&json::object(&snapshot, None, Some(state))),
    }
}
