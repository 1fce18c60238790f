//! `coordinator list`: existing segments.

use common::{Attachments, SegmentInfo, SharedKind, say};
use rustix::stdio::stdout;
use serde_json::{Value as Json, json};

use crate::args::{Format, ListArgs};
use crate::error::Result;
use crate::report::json::SCHEMA;
use crate::report::table;
use crate::terminal::TerminalSize;

/// Prints a line for each segment: runs, then values that programs share.
pub fn list(args: &ListArgs) -> Result<u8> {
    let segments = common::list()?;
    if args.quiet {
        return print_names(&segments);
    }
    let values: Vec<&SegmentInfo> =
        segments.iter().filter(|segment| SharedKind::of(&segment.terms).is_some()).collect();
    let attachments = Attachments::to(&values);
    match args.format {
        Format::Text if segments.is_empty() => {
            say("no segments\n");
            Ok(common::cli::exit_code::COMPLETE)
        }
        Format::Text => {
            let columns = TerminalSize::columns(stdout());
            super::print(&table::list(&segments, &attachments, columns))
        }
        Format::Json => {
            let segments: Vec<Json> = segments.iter().map(|segment| object(segment, &attachments)).collect();
            super::print(&json!({ "schema": SCHEMA, "segments": segments }).to_string())
        }
    }
}

/// Prints the names alone, for other commands; nothing if there are none.
fn print_names(segments: &[SegmentInfo]) -> Result<u8> {
    let names: Vec<&str> = segments.iter().map(|segment| segment.name.as_str()).collect();
    if names.is_empty() { Ok(common::cli::exit_code::COMPLETE) } else { super::print(&names.join("\n")) }
}

/// A value has no kernel and no contributions; it has processes that are attached.
fn object(segment: &SegmentInfo, attachments: &Attachments) -> Json {
    let terms = &segment.terms;
    let kind = SharedKind::of(terms);
    let is_run = kind.is_none();
    let mut object = json!({
        "name": segment.name.as_str(),
        "state": segment.state.name(),
        "in_use": segment.is_in_use,
        "kernel": is_run.then_some(&terms.kernel),
        "mode": terms.mode.name(),
        "shared": kind.map(SharedKind::name),
        "type": terms.value_type.name(),
        "cells": terms.cells,
        "contributions": is_run.then(|| json!({ "done": segment.done, "total": segment.total })),
        "coordinator": segment.coordinator,
    });
    if !is_run {
        let attached = attachments.of(segment);
        object["attached_elsewhere"] = (segment.is_in_use && attached.is_empty()).into();
        object["attached"] = attached.into();
    }
    object
}
