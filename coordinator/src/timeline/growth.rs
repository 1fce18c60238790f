//! How the exact total grew: from the commits in the workers' spans, and from the ledger for what they do not show.

use std::collections::HashMap;

use common::span::Span;
use common::{BootTime, Number, Snapshot, ValueType, nanoseconds};

use super::model::Point;
use super::recording::Recording;

/// The exact total, or that of an array's first cell, from each of these instants on; empty without a shared value.
pub fn points<'a>(
    recording: &Recording,
    snapshot: &Snapshot,
    created: BootTime,
    spans: impl Iterator<Item = &'a Span>,
) -> Vec<Point> {
    if !snapshot.terms.mode.has_total() {
        return Vec::new();
    }
    let (began, before) = (recording.began.0, &recording.before);
    let mut sums: Vec<Sum> =
        before.iter().map(|(ticket, sum)| Sum { at: began, ticket: *ticket, added: *sum }).collect();
    sums.extend(spans.filter_map(|span| Some(Sum { at: span.end.0, ticket: span.ticket, added: span.sum? })));
    sums.sort_by_key(|sum| sum.at);
    let recorded: HashMap<u32, Number> = sums.iter().map(|sum| (sum.ticket, sum.added)).collect();
    // Started by hand, launched by a coordinator that died, or killed between a commit and its record.
    sums.extend(snapshot.workers.iter().filter_map(|worker| {
        let (ticket, at) = (worker.ticket, created.0.saturating_add(nanoseconds(worker.committed?)));
        let added = *worker.contribution.as_ref()?.as_slice().first()?;
        (recorded.get(&ticket) != Some(&added)).then_some(Sum { at, ticket, added })
    }));
    sums.sort_by_key(|sum| sum.at);
    let end = created.0.saturating_add(nanoseconds(snapshot.elapsed));
    let last = sums.last().map_or(began, |sum| sum.at).max(began).max(end);
    let float = || snapshot.value.as_slice().first().map(|value| value.number());
    let total = snapshot.exact_total().and_then(|total| total.as_slice().first().copied());
    let total = total.map(Number::Integer).or_else(float);
    totals(snapshot.terms.value_type, created.0, &sums, total.map(|total| (last, total)))
}

/// The sum of a ticket's contributions from an instant on.
struct Sum {
    at: u64,
    ticket: u32,
    added: Number,
}

/// The totals after each of the sums, which are in order, and the known total at the end.
fn totals(kind: ValueType, created: u64, sums: &[Sum], end: Option<(u64, Number)>) -> Vec<Point> {
    let none = if kind.is_float() { Number::Float(0.0) } else { Number::Integer(0) };
    let mut of_tickets: HashMap<u32, Number> = HashMap::new();
    let mut points = vec![Point { at: created, total: none, wraps: false }];
    let mut total = none;
    for Sum { at, ticket, added } in sums {
        let before = total;
        total = exchanged(total, of_tickets.insert(*ticket, *added).unwrap_or(none), *added);
        if total != before {
            points.push(Point { at: *at, total, wraps: wraps(kind, before, total) });
        }
    }
    points.extend(end.map(|(at, last)| Point { at, total: last, wraps: wraps(kind, total, last) }));
    points.retain(|point| point.total.to_f64().is_finite());
    points
}

/// The total with `new` in place of `old`; beyond 128 bits the nearest fraction.
fn exchanged(total: Number, old: Number, new: Number) -> Number {
    let exact = || total.integer()?.checked_sub(old.integer()?)?.checked_add(new.integer()?);
    exact().map_or_else(|| Number::Float(total.to_f64() - old.to_f64() + new.to_f64()), Number::Integer)
}

/// Whether a value of that type wraps around between the two totals.
fn wraps(kind: ValueType, before: Number, after: Number) -> bool {
    let Some((least, most)) = kind.range() else { return false };
    let turns = |total: Number| Some(total.integer()?.checked_sub(least)?.div_euclid(most - least + 1));
    before != after && (turns(before) != turns(after) || turns(before).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Time, total and whether it wrapped, of commits by ticket and sum.
    fn grown(kind: ValueType, sums: &[(u32, i128)], last: i128) -> Vec<(u64, i128, bool)> {
        let sums: Vec<Sum> = (1..)
            .zip(sums)
            .map(|(at, (ticket, sum))| Sum { at, ticket: *ticket, added: Number::Integer(*sum) })
            .collect();
        let points = totals(kind, 0, &sums, Some((9, Number::Integer(last))));
        points.iter().map(|point| (point.at, point.total.integer().unwrap(), point.wraps)).collect()
    }

    #[test]
    fn the_exact_total_grows_where_the_value_wraps() {
        const LARGE: i128 = 1 << 30;
        assert_eq!(
            grown(ValueType::I32, &[(1, LARGE), (2, LARGE), (1, 3 * LARGE), (2, LARGE)], 4 * LARGE),
            [(0, 0, false), (1, LARGE, false), (2, 2 * LARGE, true), (3, 4 * LARGE, false), (9, 4 * LARGE, false)],
            "a ticket's sum takes the place of its last one"
        );
        assert_eq!(
            grown(ValueType::I32, &[(1, 333_332_833_333_500_000)], 333_332_833_333_500_000)[1..],
            [(1, 333_332_833_333_500_000, true), (9, 333_332_833_333_500_000, false)]
        );
        assert_eq!(grown(ValueType::I64, &[(1, 4 * LARGE)], 4 * LARGE)[1], (1, 4 * LARGE, false));
        assert_eq!(grown(ValueType::U64, &[(1, -1)], -1)[1], (1, -1, true));
    }

    #[test]
    fn what_no_span_shows_is_there_at_the_end() {
        assert_eq!(grown(ValueType::I32, &[(1, 5)], 12), [(0, 0, false), (1, 5, false), (9, 12, false)]);
    }

    #[test]
    fn a_total_beyond_128_bits_is_the_nearest_fraction() {
        let (total, new) = (Number::Integer(i128::MAX), Number::Integer(i128::MAX));
        assert_eq!(exchanged(total, Number::Integer(0), new), Number::Float(2_f64.powi(128)));
    }
}
