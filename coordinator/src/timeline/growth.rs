//! How the shared value grew: from the commits in the workers' spans, and from the ledger for workers without spans.

use std::collections::HashSet;

use common::span::Span;
use common::{BootTime, Snapshot, nanoseconds};

use super::recording::Recording;

/// The shared value, or the first cell of an array, from each of these instants on; empty without a shared value.
pub fn instants<'a>(
    recording: &Recording,
    snapshot: &Snapshot,
    created: BootTime,
    spans: impl Iterator<Item = &'a Span>,
) -> Vec<(u64, f64)> {
    if !snapshot.terms.mode.has_total() {
        return Vec::new();
    }
    let (began, value) = recording.began;
    let mut points = vec![(created.0, 0.0), (began.0, value)];
    let mut with_spans = HashSet::new();
    for span in spans {
        if let Some(value) = span.value {
            with_spans.insert(span.ticket);
            points.push((span.end.0, value));
        }
    }
    // Workers without spans were started by hand, or launched by a coordinator that died.
    let others = snapshot.workers.iter().filter(|worker| !with_spans.contains(&worker.ticket));
    points.extend(others.filter_map(|worker| {
        let value = worker.value_after.as_ref()?.as_slice().first()?;
        Some((created.0.saturating_add(nanoseconds(worker.committed?)), value.number().to_f64()))
    }));
    points.sort_by_key(|(at, _)| *at);
    let last =
        points.last().map_or(began.0, |(at, _)| *at).max(created.0.saturating_add(nanoseconds(snapshot.elapsed)));
    points.dedup_by(|later, earlier| later.1.to_bits() == earlier.1.to_bits());
    points.extend(snapshot.value.as_slice().first().map(|value| (last, value.number().to_f64())));
    points.retain(|(_, value)| value.is_finite());
    points
}
