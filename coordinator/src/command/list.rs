//! `coordinator list`: existing segments.

use common::say;
use serde_json::json;

use crate::args::{Format, ListArgs};
use crate::error::Result;
use crate::report::json::SCHEMA;
use crate::report::table;

/// Prints a line for each segment.
pub fn list(args: &ListArgs) -> Result<u8> {
    let segments = common::list()?;
    match args.format {
        Format::Text if segments.is_empty() => {
            say("no segments\n");
            Ok(common::cli::exit_code::COMPLETE)
        }
        Format::Text => super::print(&table::list(&segments)),
        Format::Json => {
            let segments: Vec<_> = segments
                .iter()
                .map(|segment| {
                    json!({
                        "name": segment.name.as_str(),
                        "state": segment.state.name(),
                        "kernel": segment.terms.kernel,
                        "mode": segment.terms.mode.name(),
                        "contributions": { "done": segment.done, "total": segment.total() },
                        "coordinator": segment.coordinator,
                    })
                })
                .collect();
            super::print(&json!({ "schema": SCHEMA, "segments": segments }).to_string())
        }
    }
}
