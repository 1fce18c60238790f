//! Things of a kind, of which strangers may make any number: the first of them, and how many there are.

use crate::figures::first_few;

/// How many are kept.
const MOST_KEPT: usize = 1000;

/// How many are named on stderr.
const MOST_NAMED: usize = 10;

/// The first thousand of a kind, and how many there are.
pub struct Capped<T> {
    kept: Vec<T>,
    count: usize,
}

impl<T> Default for Capped<T> {
    fn default() -> Self {
        Self { kept: Vec::new(), count: 0 }
    }
}

impl<T> Capped<T> {
    /// Counts one more, and keeps it if it is among the first.
    pub fn push(&mut self, one: T) {
        self.count += 1;
        if self.kept.len() < MOST_KEPT {
            self.kept.push(one);
        }
    }

    /// Those that are kept.
    pub fn kept(&self) -> &[T] {
        &self.kept
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }
}

impl<T: Ord> Capped<T> {
    /// Brings those that are kept into order.
    pub fn sort(&mut self) {
        self.kept.sort();
    }
}

/// The texts of the first ten of `all`, and how many of `count` are not among them.
pub fn first_ten<T>(all: &[T], count: usize, text: impl FnMut(&T) -> String) -> Vec<String> {
    first_few(all, count, MOST_NAMED, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_a_thousand_kept_and_ten_named() {
        let mut numbers = Capped::default();
        for number in (0..1200).rev() {
            numbers.push(number);
        }
        numbers.sort();
        assert_eq!((numbers.count(), numbers.kept().len(), numbers.kept()[0]), (1200, 1000, 200));
        let named = first_ten(numbers.kept(), numbers.count(), ToString::to_string).join(", ");
        assert_eq!(named, "200, 201, 202, 203, 204, 205, 206, 207, 208, 209, and 1190 more");
    }
}
