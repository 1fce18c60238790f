//! The name that was meant by a misspelt one.

use crate::name::SegmentName;

/// How similar, by Jaro and Winkler, a name must be to be suggested: a transposition or two, or a letter too few.
const SIMILAR: f64 = 0.8;

/// The one of the names that is nearest to what was written, if any is near.
#[must_use]
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likenesses = names.into_iter().map(|name| (strsim::jaro_winkler(written, name), name));
    let near = likenesses.filter(|(likeness, _)| *likeness > SIMILAR);
    near.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, name)| name)
}

/// How a hint begins that knows what may have been meant.
pub fn question(near: Option<&str>) -> String {
    near.map(|near| format!("did you mean {near}? ")).unwrap_or_default()
}

/// The segments that there are, the one that may have been meant first.
pub fn what_there_is(name: &SegmentName, running: &[SegmentName]) -> String {
    let mut names: Vec<&str> = running.iter().map(SegmentName::as_str).collect();
    let near = nearest(name.as_str(), names.iter().copied());
    names.sort_by_key(|name| Some(*name) != near);
    format!("{}running now: {}; or create it: coordinator create {name}", question(near), names.join(", "))
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
