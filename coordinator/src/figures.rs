//! Numbers, counts and shares as people read them.

use std::ops::Range;

pub use common::counted;
use common::{Number, Terms};

/// How often: `once`, `2 times`.
pub fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// The texts of the first `most` of `all`, and how many of `count` are not among them: `and 2 more`.
pub fn first_few<T>(all: &[T], count: usize, most: usize, text: impl FnMut(&T) -> String) -> Vec<String> {
    let mut named: Vec<String> = all.iter().take(most).map(text).collect();
    let more = count - named.len();
    named.extend((more > 0).then(|| format!("and {more} more")));
    named
}

/// The iterations of a run, and where they lie in a larger range.
pub fn iterations_of(terms: &Terms) -> String {
    let n = terms.iterations;
    let Some(part) = &terms.part else { return counted(n, "iteration") };
    let Range { start, end } = part.range();
    let shard = part.shard().map(|shard| format!(", shard {} of {}", shard.index(), shard.of()));
    format!("iterations {start}..{end} of {n}{}", shard.unwrap_or_default())
}

/// A share in whole per cent: 100 only when all is done, and for an empty total.
pub fn per_cent(done: u64, total: u64) -> u128 {
    (u128::from(done) * 100).checked_div(total.into()).unwrap_or(100).min(100)
}

/// The text with a comma before each three digits of its numbers; digits behind a decimal point stay as they are.
pub fn grouped(text: &str) -> String {
    let mut grouped = String::with_capacity(text.len() * 4 / 3);
    for run in text.as_bytes().chunk_by(|one, next| one.is_ascii_digit() == next.is_ascii_digit()) {
        let run = str::from_utf8(run).unwrap_or_default();
        let is_fraction =
            grouped.strip_suffix('.').is_some_and(|before| before.ends_with(|c: char| c.is_ascii_digit()));
        let is_number = run.starts_with(|c: char| c.is_ascii_digit()) && !is_fraction;
        for (index, c) in run.char_indices() {
            if is_number && index > 0 && (run.len() - index).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(c);
        }
    }
    grouped
}

/// A number: integers in groups of digits, fractions with at most ten digits that count.
pub fn number(number: Number) -> String {
    let Number::Float(float) = number else { return grouped(&number.to_string()) };
    let rounded = format!("{float:.9e}").parse().unwrap_or(float);
    let is_short = float == 0.0 || !float.is_finite() || (1e-6..1e15).contains(&float.abs());
    if is_short { grouped(&rounded.to_string()) } else { format!("{rounded:e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        assert_eq!([0, 1, 2].map(times), ["0 times", "once", "2 times"]);
    }

    #[test]
    fn of_many_the_first_few_are_named_and_the_others_counted() {
        let named = |all: &[u8], count| first_few(all, count, 3, ToString::to_string).join(", ");
        assert_eq!([named(&[], 0), named(&[1, 2, 3], 3)], ["", "1, 2, 3"]);
        assert_eq!([named(&[1, 2, 3, 4], 4), named(&[1], 1200)], ["1, 2, 3, and 1 more", "1, and 1199 more"]);
    }

    #[test]
    fn a_share_is_rounded_down() {
        assert_eq!(
            [(29, 100), (999, 1000), (0, 7), (3, 2), (0, 0)].map(|(done, total)| per_cent(done, total)),
            [29, 99, 0, 100, 100]
        );
    }

    #[test]
    fn numbers_are_written_in_groups_of_three_digits() {
        for (text, expected) in [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("-1958387328", "-1,958,387,328"),
            ("333333283333335000000", "333,333,283,333,335,000,000"),
            ("iterations 1000..20000 of 30000, shard 1 of 4", "iterations 1,000..20,000 of 30,000, shard 1 of 4"),
            ("31415.92653589", "31,415.92653589"),
            ("ü 1234 µs", "ü 1,234 µs"),
            ("inf", "inf"),
        ] {
            assert_eq!(grouped(text), expected);
        }
    }

    #[test]
    fn fractions_have_no_more_digits_than_people_read() {
        let fractions = [0.0, 0.746_082_560_000_000_1, -31_415.926_535_8, 2.5e300, 1e-9, f64::NAN, f64::INFINITY];
        let expected = ["0", "0.74608256", "-31,415.92654", "2.5e300", "1e-9", "NaN", "inf"];
        assert_eq!(fractions.map(|float| number(Number::Float(float))), expected);
        assert_eq!(number(Number::Integer(-1234)), "-1,234");
    }
}
