//! Counts and shares as people read them.

/// A count and its noun: `1 chunk`, `2 chunks`.
pub fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// How often: `once`, `2 times`.
pub fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// A share in whole per cent: 100 only when all is done, and for an empty total.
pub fn per_cent(done: u64, total: u64) -> u128 {
    (u128::from(done) * 100).checked_div(total.into()).unwrap_or(100).min(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "chunk")), ["0 chunks", "1 chunk", "2 chunks"]);
        assert_eq!([0, 1, 2].map(times), ["0 times", "once", "2 times"]);
    }

    #[test]
    fn a_share_is_rounded_down() {
        assert_eq!(
            [(29, 100), (999, 1000), (0, 7), (3, 2), (0, 0)].map(|(done, total)| per_cent(done, total)),
            [29, 99, 0, 100, 100]
        );
    }
}
