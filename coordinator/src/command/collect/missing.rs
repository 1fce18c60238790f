//! What is missing of a job: shards, or for parts of any length iterations.

use std::ops::{Range, RangeInclusive};

use common::Shard;

use super::capped::first_ten;
use super::tiling::Tiling;

/// What is missing, in order.
#[derive(Debug, PartialEq, Eq)]
pub enum Missing {
    /// Shards: first and last index of neighbours.
    Shards {
        /// How many shards the job has.
        of: u64,
        /// The job's iterations.
        n: u64,
        /// The missing ones.
        runs: Vec<RangeInclusive<u64>>,
    },
    /// Iterations.
    Iterations {
        /// The job's iterations.
        n: u64,
        /// The missing ones.
        gaps: Vec<Range<u64>>,
    },
}

impl Missing {
    /// What is missing of 0..n. Of a number of shards, each one without a part that is exactly it; unless all is there in other
    /// parts.
    pub fn of(n: u64, shards: Option<u64>, parts: &[Range<u64>], tiling: &Tiling) -> Self {
        let Some(of) = shards else { return Self::Iterations { n, gaps: tiling.gaps.clone() } };
        let (mut runs, mut next) = (Vec::new(), 0);
        let there = parts.iter().filter_map(|part| Shard::of_range(part, of, n)).map(Shard::index);
        for index in there.filter(|_| !tiling.is_complete()) {
            runs.extend((next < index).then(|| next..=index - 1));
            next = index + 1;
        }
        runs.extend((next < of && !tiling.is_complete()).then(|| next..=of - 1));
        Self::Shards { of, n, runs }
    }

    /// Whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Shards { runs, .. } => runs.is_empty(),
            Self::Iterations { gaps, .. } => gaps.is_empty(),
        }
    }

    /// How much is there: `996 of 1000 shards`.
    pub fn progress(&self) -> String {
        let (missing, all, noun): (u64, u64, _) = match self {
            Self::Shards { of, runs, .. } => (runs.iter().map(|run| run.end() - run.start() + 1).sum(), *of, "shards"),
            Self::Iterations { n, gaps } => (gaps.iter().map(|gap| gap.end - gap.start).sum(), *n, "iterations"),
        };
        format!("{} of {all} {noun}", all - missing)
    }

    /// For a program: the indices in one line, as `sbatch --array=` takes them, or a line for each range.
    pub fn list(&self) -> String {
        match self {
            Self::Shards { runs, .. } => runs.iter().map(indices).collect::<Vec<_>>().join(","),
            Self::Iterations { gaps, .. } => gaps.iter().map(iterations).collect::<Vec<_>>().join("\n"),
        }
    }

    /// For people: ten at most.
    pub fn line(&self) -> String {
        let named = match self {
            Self::Shards { runs, .. } => first_ten(runs, runs.len(), indices),
            Self::Iterations { gaps, .. } => first_ten(gaps, gaps.len(), iterations),
        };
        format!("missing: {}", named.join(", "))
    }

    /// The iterations of each entry of the list, and the shards in it if the job has a number of them.
    pub fn entries(&self) -> Vec<(Range<u64>, Option<RangeInclusive<u64>>)> {
        match self {
            Self::Shards { of, n, runs } => {
                let bounds = |index| Shard::new(index, *of).map_or(0..0, |shard| shard.range(*n));
                let iterations = |run: &RangeInclusive<u64>| bounds(*run.start()).start..bounds(*run.end()).end;
                runs.iter().map(|run| (iterations(run), Some(run.clone()))).collect()
            }
            Self::Iterations { gaps, .. } => gaps.iter().map(|gap| (gap.clone(), None)).collect(),
        }
    }
}

fn indices(run: &RangeInclusive<u64>) -> String {
    let (first, last) = (run.start(), run.end());
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

fn iterations(gap: &Range<u64>) -> String {
    format!("{}..{}", gap.start, gap.end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn missing(n: u64, shards: Option<u64>, parts: &[Range<u64>]) -> Missing {
        Missing::of(n, shards, parts, &Tiling::of(n, parts))
    }

    #[test]
    fn shards_are_listed_by_index_and_iterations_as_ranges() {
        let nine = [0..1, 1..2, 2..3, 4..5, 5..6, 6..7];
        let shards = missing(10, Some(10), &nine);
        assert_eq!((shards.list().as_str(), shards.progress().as_str()), ("3,7-9", "6 of 10 shards"));
        assert_eq!(shards.line(), "missing: 3, 7-9");
        assert_eq!(shards.entries(), [(3..4, Some(3..=3)), (7..10, Some(7..=9))]);
        let ranges = missing(10, None, &nine);
        assert_eq!((ranges.list().as_str(), ranges.progress().as_str()), ("3..4\n7..10", "6 of 10 iterations"));
        assert_eq!(ranges.line(), "missing: 3..4, 7..10");
        assert_eq!(ranges.entries(), [(3..4, None), (7..10, None)]);
    }

    #[test]
    fn any_number_of_shards_costs_no_more_than_the_parts_that_are_there() {
        let (n, of) = (u64::MAX, 1 << 40);
        let parts = [0, 7].map(|index| Shard::new(index, of).unwrap().range(n));
        assert_eq!(missing(n, Some(of), &parts).list(), "1-6,8-1099511627775");
        let all = missing(n, Some(n), &[]);
        assert_eq!((all.list().as_str(), all.progress().split(' ').next()), ("0-18446744073709551614", Some("0")));
    }

    #[test]
    fn a_part_that_is_no_shard_counts_only_where_all_is_there() {
        assert_eq!(missing(20, Some(2), &[0..10, 10..15]).list(), "1");
        assert_eq!(missing(20, Some(2), &[0..15, 10..20]).list(), "0");
        assert!(missing(20, Some(2), &[0..5, 5..20]).is_empty());
        assert!(missing(20, Some(2), &[0..10, 5..10, 10..20]).is_empty());
    }

    proptest! {
        #[test]
        fn the_list_has_each_shard_that_is_not_there(of in 1_u64..60, there in prop::collection::btree_set(0_u64..60, 0..60)) {
            let (n, there): (_, Vec<u64>) = (of * 3 + 1, there.into_iter().filter(|index| *index < of).collect());
            let parts: Vec<_> = there.iter().map(|index| Shard::new(*index, of).unwrap().range(n)).collect();
            let Missing::Shards { runs, .. } = missing(n, Some(of), &parts) else { unreachable!() };
            let listed: Vec<u64> = runs.into_iter().flatten().collect();
            prop_assert_eq!(listed, (0..of).filter(|index| !there.contains(index)).collect::<Vec<_>>());
        }
    }
}
