//! What `wait` says when nobody is at work on what it waits for.

use std::iter;
use std::ops::Range;
use std::time::{Duration, Instant};

use common::{Mode, Segment, Snapshot, WorkerState, say};

use crate::error::Result;
use crate::report::table;

/// How long nobody may be at work before it is said, and how often to look.
const INTERVAL: Duration = Duration::from_secs(1);

/// How many workers and ranges a line names.
const MOST_NAMED: usize = 5;

/// Looks now and then whether anybody is at work.
#[derive(Default)]
pub struct IdleWatch {
    looked: Option<Instant>,
    since: Option<Instant>,
    said: String,
}

impl IdleWatch {
    /// Says once that nobody is at work, who died and what is missing, when that has been so for a second.
    pub fn look(&mut self, segment: &Segment, wanted: u64) -> Result<()> {
        if self.looked.is_some_and(|looked| looked.elapsed() < INTERVAL) {
            return Ok(());
        }
        let now = Instant::now();
        self.looked = Some(now);
        let snapshot = Snapshot::of(segment)?;
        if snapshot.has_coordinator || !snapshot.is_consistent || snapshot.workers.iter().any(|worker| worker.alive) {
            self.since = None;
            return Ok(());
        }
        let note = note(&snapshot, wanted);
        if self.since.get_or_insert(now).elapsed() >= INTERVAL && note != self.said {
            say(&note);
            self.said = note;
        }
        Ok(())
    }
}

/// The note about a segment on which nobody is at work.
fn note(snapshot: &Snapshot, wanted: u64) -> String {
    let name = &snapshot.name;
    let gone = snapshot.workers.iter().filter(|worker| matches!(worker.state, WorkerState::Died | WorkerState::Failed));
    let gone = gone.map(|worker| format!("Process-{} (pid {}) {}", worker.ticket, worker.pid, worker.state.name()));
    let gone: Vec<String> = gone.collect();
    let who = if gone.is_empty() { String::new() } else { format!(": {}", some(&gone)) };
    let missing = match snapshot.terms.mode {
        Mode::Split => {
            let held = snapshot.workers.iter().map(|worker| worker.chunk.clone());
            let open = held.chain(iter::once(snapshot.given_out..snapshot.terms.iterations));
            let ranges = joined(open.filter(|range| !range.is_empty()).collect());
            let ranges: Vec<String> = ranges.iter().map(|range| format!("{}..{}", range.start, range.end)).collect();
            let (done, all) = (snapshot.iterations_done(), snapshot.terms.iterations);
            format!("{} ({} of {all} iterations)", some(&ranges), all.saturating_sub(done))
        }
        _ => format!("{} of {wanted} contributions", wanted.saturating_sub(snapshot.done() as u64)),
    };
    let worker = table::worker(&snapshot.terms);
    format!(
        "note: nobody is at work in segment {name}{who}; missing: {missing}; start a worker: {worker} --name {name}\n"
    )
}

/// The first few of them.
fn some(all: &[String]) -> String {
    let (named, rest) = all.split_at(all.len().min(MOST_NAMED));
    let rest = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    format!("{}{rest}", named.join(", "))
}

/// The ranges in order, neighbours as one.
fn joined(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_ranges_are_one() {
        assert_eq!(joined(vec![7..9, 0..2, 2..3, 9..20, 5..6]), [0..3, 5..6, 7..20]);
        assert_eq!(joined(Vec::new()), []);
    }

    #[test]
    fn of_many_the_first_few_are_named() {
        let all: Vec<String> = (1..=7).map(|number| number.to_string()).collect();
        assert_eq!((some(&all[..2]), some(&all)), ("1, 2".to_owned(), "1, 2, 3, 4, 5 and 2 more".to_owned()));
    }
}
