//! Whether parts are together 0..n, each iteration in one of them.

use std::ops::Range;

/// Where parts do not tile 0..n.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tiling {
    /// Iterations in no part, in order.
    pub gaps: Vec<Range<u64>>,
    /// Two parts with iterations in common, for each part that begins before an earlier one ends.
    pub overlaps: Vec<[Range<u64>; 2]>,
}

impl Tiling {
    /// Lays parts, in order of their first and then of their last iteration, on 0..n.
    pub fn of(n: u64, parts: &[Range<u64>]) -> Self {
        let (mut tiling, mut furthest) = (Self::default(), 0..0);
        for part in parts {
            if part.start > furthest.end {
                tiling.gaps.push(furthest.end..part.start);
            } else if part.start < furthest.end {
                tiling.overlaps.push([furthest.clone(), part.clone()]);
            }
            if part.end > furthest.end {
                furthest = part.clone();
            }
        }
        tiling.gaps.extend((furthest.end < n).then_some(furthest.end..n));
        tiling
    }

    /// Whether each iteration is in exactly one part.
    pub fn is_complete(&self) -> bool {
        self.gaps.is_empty() && self.overlaps.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    #[expect(clippy::single_range_in_vec_init, reason = "a list of one part is meant")]
    fn gaps_and_overlaps_are_found_at_both_ends_and_between() {
        type Case<'a> = (&'a [Range<u64>], &'a [Range<u64>], &'a [[Range<u64>; 2]]);
        let cases: [Case; 8] = [
            (&[0..10], &[], &[]),
            (&[0..3, 3..4, 4..10], &[], &[]),
            (&[], &[0..10], &[]),
            (&[2..4, 5..9], &[0..2, 4..5, 9..10], &[]),
            (&[0..6, 5..10], &[], &[[0..6, 5..10]]),
            (&[0..5, 0..10, 5..10], &[], &[[0..5, 0..10], [0..10, 5..10]]),
            (&[0..8, 1..2, 3..4, 9..10], &[8..9], &[[0..8, 1..2], [0..8, 3..4]]),
            (&[1..9, 2..3, 8..10], &[0..1], &[[1..9, 2..3], [1..9, 8..10]]),
        ];
        for (parts, gaps, overlaps) in cases {
            let expected = Tiling { gaps: gaps.to_vec(), overlaps: overlaps.to_vec() };
            assert_eq!(Tiling::of(10, parts), expected, "{parts:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_counting_each_iteration_finds(
            n in 1_u64..40,
            parts in prop::collection::vec((0_u64..40, 1_u64..12), 0..10),
        ) {
            let mut parts: Vec<_> = parts.into_iter().map(|(start, length)| start..(start + length)).collect();
            parts.retain(|part| part.end <= n);
            parts.sort_by_key(|part| (part.start, part.end));
            let tiling = Tiling::of(n, &parts);
            let times = |iteration: u64| parts.iter().filter(|part| part.contains(&iteration)).count();
            for iteration in 0..n {
                let is_in_a_gap = tiling.gaps.iter().any(|gap| gap.contains(&iteration));
                prop_assert_eq!(is_in_a_gap, times(iteration) == 0);
            }
            let is_doubled = (0..n).any(|iteration| times(iteration) > 1);
            prop_assert_eq!(!tiling.overlaps.is_empty(), is_doubled);
            for [one, other] in &tiling.overlaps {
                prop_assert!(one != other || parts.iter().filter(|part| *part == one).count() > 1);
                prop_assert!(one.start < other.end && other.start < one.end);
            }
        }
    }
}
