//! Waiting for an engine, which has a mind and timeouts of its own.

use std::thread;
use std::time::{Duration, Instant};

/// How long an engine may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// How often to look: looking often costs more than the shards.
const INTERVAL: Duration = Duration::from_millis(100);

/// Waits until the condition holds, which may cost a process to find out.
pub fn until_engine(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        thread::sleep(INTERVAL);
    }
}
