//! What victims write down outside of the segment.
//!
//! Invariant: a line is whole or absent, at whichever instruction its writer is killed.

use std::fs::File;
use std::io::Write;

/// Appends a line with one `write`.
///
/// Each has 64 bytes, so that none lies on two pages, between which the kernel looks for a kill.
pub fn append(record: &mut File, line: &str) {
    assert_eq!(line.len(), 64, "{line}");
    record.write_all(line.as_bytes()).expect("the record can be written");
}
