//! The victims' record outside the segment.
//!
//! Invariant: a line is complete or absent, whenever its writer is killed.

use std::fs::File;
use std::io::Write;

/// Appends a line with one `write`.
///
/// Each line has 64 bytes, so none spans two pages: the kernel checks for a kill between pages.
pub fn append(record: &mut File, line: &str) {
    assert_eq!(line.len(), 64, "{line}");
    record.write_all(line.as_bytes()).expect("the record can be written");
}
