//! The part of its range that a split run computes, where other runs, perhaps on other machines, compute the rest.

use std::ops::Range;

/// One of `of` equal parts of 0..n, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    of: u64,
}

impl Shard {
    /// The shard with that index; nothing unless the index is below `of`.
    #[must_use]
    pub fn new(index: u64, of: u64) -> Option<Self> {
        (index < of).then_some(Self { index, of })
    }

    /// Its index, from 0.
    #[must_use]
    pub fn index(self) -> u64 {
        self.index
    }

    /// The number of shards.
    #[must_use]
    pub fn of(self) -> u64 {
        self.of
    }

    /// Its iterations: ⌊n·index/of⌋ to ⌊n·(index + 1)/of⌋. All shards together are 0..n, and their lengths differ by 1 at most.
    ///
    /// ```
    /// use common::Shard;
    /// let shards = [0, 1, 2].map(|index| Shard::new(index, 3).unwrap().range(10));
    /// assert_eq!(shards, [0..3, 3..6, 6..10]);
    /// ```
    #[must_use]
    pub fn range(self, n: u64) -> Range<u64> {
        let bound = |index: u64| {
            let bound = u128::from(n) * u128::from(index) / u128::from(self.of);
            // An index is `of` at most, so a bound is n at most.
            u64::try_from(bound).unwrap_or(n)
        };
        bound(self.index)..bound(self.index + 1)
    }

    /// The shard of 0..n with exactly those iterations, if there is one; for n of at least `of`.
    #[must_use]
    pub fn of_range(range: &Range<u64>, of: u64, n: u64) -> Option<Self> {
        // The smallest index whose bound is not below the start.
        let index = (u128::from(range.start) * u128::from(of)).checked_div(n.into())?;
        let index = u64::try_from(index).ok()?;
        let candidates = [index, index.saturating_add(1)];
        candidates.into_iter().filter_map(|index| Self::new(index, of)).find(|shard| shard.range(n) == *range)
    }
}

/// A part of 0..n.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    range: Range<u64>,
    shard: Option<Shard>,
}

impl Part {
    /// The iterations of a range.
    #[must_use]
    pub fn of_range(range: Range<u64>) -> Self {
        Self { range, shard: None }
    }

    /// One of a number of equal parts of 0..n.
    #[must_use]
    pub fn of_shard(shard: Shard, n: u64) -> Self {
        Self { range: shard.range(n), shard: Some(shard) }
    }

    /// Its iterations.
    #[must_use]
    #[inline]
    pub fn range(&self) -> &Range<u64> {
        &self.range
    }

    /// Which of how many equal parts it is, if it was made as one.
    #[must_use]
    pub fn shard(&self) -> Option<Shard> {
        self.shard
    }

    /// Whether it is a part of 0..n.
    pub(super) fn is_part_of(&self, n: u64) -> bool {
        let is_within = self.range.start <= self.range.end && self.range.end <= n;
        is_within && self.shard.is_none_or(|shard| shard.of <= n && self.range == shard.range(n))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bounds_are_exact_where_a_product_has_more_than_64_bits() {
        let last = Shard::new(u64::MAX - 1, u64::MAX).unwrap();
        assert_eq!(last.range(u64::MAX), u64::MAX - 1..u64::MAX);
        assert_eq!(Shard::new(1, 2).unwrap().range(u64::MAX), u64::MAX / 2..u64::MAX);
        assert_eq!(Shard::new(3, 3), None);
    }

    proptest! {
        #[test]
        fn the_shards_tile_the_range_evenly_and_each_is_found_by_its_iterations(n in 1_u64.., of in 1_u64..200) {
            prop_assume!(of <= n);
            let mut end = 0;
            for index in 0..of {
                let shard = Shard::new(index, of).unwrap();
                let range = shard.range(n);
                prop_assert_eq!(range.start, end);
                prop_assert!((n / of..=n / of + 1).contains(&(range.end - range.start)));
                prop_assert_eq!(Shard::of_range(&range, of, n), Some(shard));
                prop_assert_eq!(Shard::of_range(&(range.start..range.end - 1), of, n), None);
                end = range.end;
            }
            prop_assert_eq!(end, n);
        }
    }
}
