//! What `wait` says when nobody is at work on what it waits for.

use std::time::{Duration, Instant};

use common::{Observer, Snapshot, WorkerSnapshot, WorkerState, cli};

use crate::advice;
use crate::error::Result;
use crate::figures::first_few;
use crate::report::missing;

/// How long nobody may be at work before it is said, and how often to look.
const INTERVAL: Duration = Duration::from_secs(1);

/// How many workers a line names.
const MOST_NAMED: usize = 5;

/// Looks now and then whether anybody is at work.
#[derive(Default)]
pub struct IdleWatch {
    looked: Option<Instant>,
    since: Option<Instant>,
    /// Somebody was at work if their number has changed.
    notices: Option<u32>,
    said: String,
}

impl IdleWatch {
    /// Says once that nobody is at work, who died and what is missing, when that has been so for a second.
    pub fn look(&mut self, segment: &Observer, wanted: u64) -> Result<()> {
        if self.looked.is_some_and(|looked| looked.elapsed() < INTERVAL) {
            return Ok(());
        }
        let (now, notices) = (Instant::now(), segment.notices());
        self.looked = Some(now);
        // Cheaper than a snapshot, which asks about each worker.
        let is_busy = self.notices.replace(notices).is_some_and(|seen| seen != notices);
        if is_busy || segment.has_coordinator()? {
            self.since = None;
            return Ok(());
        }
        let snapshot = Snapshot::of(segment)?;
        if !snapshot.is_consistent || snapshot.workers.iter().any(|worker| worker.alive) {
            self.since = None;
            return Ok(());
        }
        let note = note(&snapshot, wanted);
        if self.since.get_or_insert(now).elapsed() >= INTERVAL && note != self.said {
            cli::note(&note);
            self.said = note;
        }
        Ok(())
    }
}

/// The note about a segment on which nobody is at work.
fn note(snapshot: &Snapshot, wanted: u64) -> String {
    let name = &snapshot.name;
    let gone = snapshot.workers.iter().filter(|worker| matches!(worker.state, WorkerState::Died | WorkerState::Failed));
    let gone: Vec<&WorkerSnapshot> = gone.collect();
    let gone = first_few(&gone, gone.len(), MOST_NAMED, |worker| {
        format!("Process-{} (pid {}) {}", worker.ticket, worker.pid, worker.state.name())
    });
    let who = if gone.is_empty() { String::new() } else { format!(": {}", gone.join(", ")) };
    let missing = missing::line(&snapshot.missing()).unwrap_or_else(|| {
        format!("missing: {} of {wanted} contributions", wanted.saturating_sub(snapshot.done() as u64))
    });
    let next = if snapshot.is_here {
        format!("start a worker: {} --name {name}", advice::worker_command(&snapshot.terms))
    } else {
        "its workers can only be started in its own PID namespace (container)".to_owned()
    };
    format!("nobody is at work in segment {name}{who}; {missing}; {next}")
}
