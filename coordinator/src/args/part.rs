//! `--range` and `--shard`: which part of 0..n a run computes.

use std::ops::Range;
use std::str::FromStr;

use common::{Shard, parse_count};

/// A range of iterations, `A..B`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeArg(pub Range<u64>);

impl FromStr for RangeArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (start, end) = text.split_once("..").ok_or("a range is A..B, such as 0..1e6")?;
        let count = |text: &str| parse_count(text).map_err(|error| error.to_string());
        let range = count(start)?..count(end)?;
        if range.is_empty() {
            return Err("a range A..B has at least one iteration: A is below B".to_owned());
        }
        Ok(Self(range))
    }
}

/// What `--shard` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardArg {
    /// One of a number of shards.
    Given(Shard),
    /// The place from the environment of the engine that started this process, and the number of shards if it is given.
    Auto(Option<u64>),
}

impl FromStr for ShardArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto(None));
        }
        let (index, of) = text.split_once('/').ok_or("a shard is I/N, such as 3/10 or 0/10, or auto, or auto/N")?;
        let count = |text: &str| {
            parse_count(text).map_err(|error| format!("{error}; a shard is I/N, such as 3/10, or auto, or auto/N"))
        };
        let of = count(of)?;
        if of == 0 {
            return Err("there is at least one shard".to_owned());
        }
        if index == "auto" {
            return Ok(Self::Auto(Some(of)));
        }
        let shard = Shard::new(count(index)?, of);
        shard
            .map(Self::Given)
            .ok_or_else(|| format!("of {of} shards the first is 0/{of} and the last is {}/{of}", of - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_in_all_forms_of_a_count_and_has_an_iteration() {
        let range = |text: &str| text.parse().map(|RangeArg(range)| range).ok();
        assert_eq!(range("0..10"), Some(0..10));
        assert_eq!(range("1e13..10_000_000_001_000"), Some(10_000_000_000_000..10_000_000_001_000));
        for wrong in ["", "5", "..", "3..", "..3", "3..3", "4..3", "-1..3", "0..1..2", "0...3"] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_shard_is_counted_from_zero() {
        let shard = |index, of| Ok(ShardArg::Given(Shard::new(index, of).unwrap()));
        for (text, expected) in [
            ("0/1", shard(0, 1)),
            ("999/1e3", shard(999, 1000)),
            ("auto", Ok(ShardArg::Auto(None))),
            ("auto/24", Ok(ShardArg::Auto(Some(24)))),
        ] {
            assert_eq!(text.parse(), expected, "{text}");
        }
        for wrong in ["", "3", "1/1", "3/", "/3", "0/0", "auto/0", "auto/", "-1/3", "1/2/3", "Auto/3"] {
            assert!(wrong.parse::<ShardArg>().is_err(), "{wrong}");
        }
    }
}
