//! The name that a misspelt one may mean.

/// A suggested name is at least this similar (Jaro–Winkler): a transposition or two, or a missing letter.
const SIMILAR: f64 = 0.8;

/// The name most similar to the written one, if any is similar.
#[must_use]
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likenesses = names.into_iter().map(|name| (strsim::jaro_winkler(written, name), name));
    let near = likenesses.filter(|(likeness, _)| *likeness > SIMILAR);
    near.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, name)| name)
}

/// The start of a hint: a question about the similar name.
#[must_use]
pub fn question(near: Option<&str>) -> String {
    near.map(|near| format!("did you mean {near}? ")).unwrap_or_default()
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
