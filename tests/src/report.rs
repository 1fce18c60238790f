//! Output past the test runner's capture: `cargo test` shows it also for tests that pass.

use std::io::{Write, stderr};

/// Writes a line to stderr.
pub fn report(text: &str) {
    // Nothing depends on whether anyone reads it.
    let _ = stderr().write_all(format!("{text}\n").as_bytes());
}

/// Reports that a test, or a part of it, cannot run here.
pub fn skip(test: &str, why: &str) {
    report(&format!("SKIPPED {test}: {why}"));
}
