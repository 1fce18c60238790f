//! The name that was meant by a misspelt one.

/// How similar, by Jaro and Winkler, a name must be to be suggested: a transposition or two, or a letter too few.
const SIMILAR: f64 = 0.8;

/// The one of the names that is nearest to what was written, if any is near.
#[must_use]
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likenesses = names.into_iter().map(|name| (strsim::jaro_winkler(written, name), name));
    let near = likenesses.filter(|(likeness, _)| *likeness > SIMILAR);
    near.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let names = ["sum-of-squares", "prime-count", "prime-digits", "exec"];
        assert_eq!(nearest("prime-cuont", names), Some("prime-count"));
        assert_eq!(nearest("primes-digit", names), Some("prime-digits"));
        assert_eq!(nearest("xyz", names), None);
        assert_eq!(nearest("", names), None);
    }
}
