//! Counts as people write them, `1000000`, `1_000_000`, `10k`, `1e6`; and as they read them, `1 chunk`, `2 chunks`.

use crate::system_error::debug_as_display;

/// The syntax of counts, for messages.
pub const RULE: &str =
    "a count is a whole number from 0 to 18446744073709551615, also as 1_000_000, 10k, 3M, 2G or 1e6";

/// A text that is not a count.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a count: {RULE}")]
pub struct InvalidCount {
    text: String,
}

debug_as_display!(InvalidCount);

/// Parses a count.
///
/// Underscores may stand between digits; `k`, `M`, `G` and `T` (either case) multiply by 10^3, 10^6, 10^9 and 10^12;
/// `e` gives a power of ten.
///
/// # Errors
/// [`InvalidCount`] if it has another form or is larger than 2^64 - 1.
///
/// ```
/// use common::parse_count;
/// assert_eq!(parse_count("1_000_000"), parse_count("1e6"));
/// assert_eq!(parse_count("10k"), Ok(10_000));
/// assert!(parse_count("-1").is_err());
/// ```
pub fn parse_count(text: &str) -> Result<u64, InvalidCount> {
    count(text).ok_or_else(|| InvalidCount { text: text.to_owned() })
}

/// A count and its noun: `1 chunk`, `2 chunks`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn count(text: &str) -> Option<u64> {
    let (mantissa, exponent) = if let Some((mantissa, exponent)) = text.split_once(['e', 'E']) {
        (mantissa, digits(exponent)?.try_into().ok()?)
    } else if let Some(last) = text.chars().last().filter(char::is_ascii_alphabetic) {
        (&text[..text.len() - 1], suffix(last)?)
    } else {
        (text, 0)
    };
    digits(mantissa)?.checked_mul(10_u64.checked_pow(exponent)?)
}

fn suffix(letter: char) -> Option<u32> {
    match letter.to_ascii_lowercase() {
        'k' => Some(3),
        'm' => Some(6),
        'g' => Some(9),
        't' => Some(12),
        _ => None,
    }
}

/// Digits with single underscores between them.
fn digits(text: &str) -> Option<u64> {
    let groups_are_full = text.split('_').all(|group| !group.is_empty());
    let only_digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    if groups_are_full && only_digits { text.replace('_', "").parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_spelling_of_a_million_is_a_million() {
        for text in ["1000000", "1_000_000", "1000k", "1000K", "1M", "1m", "1e6", "1E6", "10e5", "1_0e5"] {
            assert_eq!(parse_count(text), Ok(1_000_000), "{text}");
        }
    }

    #[test]
    fn one_is_singular() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "chunk")), ["0 chunks", "1 chunk", "2 chunks"]);
    }

    #[test]
    fn what_is_no_count_is_refused_with_the_rule() {
        for text in [
            "",
            "-1",
            "+1",
            "abc",
            "1.5",
            "1e",
            "e6",
            "k",
            "_1",
            "1_",
            "1__0",
            "0x10",
            "1e99",
            " 1",
            "1 ",
            "1é",
            "18446744073709551616",
            "18446744073709551615k",
        ] {
            let error = parse_count(text).expect_err(text);
            assert!(error.to_string().contains("whole number"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn plain_digits_mean_themselves(number: u64) {
            prop_assert_eq!(parse_count(&number.to_string()), Ok(number));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = parse_count(&text);
        }
    }
}
