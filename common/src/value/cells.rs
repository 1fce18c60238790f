//! One item for each cell: one for a value, several for an array.

use std::fmt;

/// One or several items, in the order of the cells; never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cells<T> {
    /// For a value.
    One(T),
    /// For an array.
    Many(Vec<T>),
}

impl<T> Cells<T> {
    /// All items.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::One(cell) => std::slice::from_ref(cell),
            Self::Many(cells) => cells,
        }
    }

    /// Maps each item.
    #[must_use]
    pub fn map<U>(&self, change: impl FnMut(&T) -> U) -> Cells<U> {
        self.as_slice().iter().map(change).collect()
    }
}

impl<T> FromIterator<T> for Cells<T> {
    fn from_iter<I: IntoIterator<Item = T>>(cells: I) -> Self {
        let mut cells = cells.into_iter();
        match (cells.next(), cells.next()) {
            (Some(one), None) => Self::One(one),
            (first, second) => Self::Many(first.into_iter().chain(second).chain(cells).collect()),
        }
    }
}

impl<T> From<Vec<T>> for Cells<T> {
    fn from(cells: Vec<T>) -> Self {
        cells.into_iter().collect()
    }
}

/// One item as it is, several as Python prints a list.
impl<T: fmt::Display> fmt::Display for Cells<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Many(cells) = self else { return self.as_slice()[0].fmt(formatter) };
        formatter.write_str("[")?;
        for (index, cell) in cells.iter().enumerate() {
            write!(formatter, "{}{cell}", if index == 0 { "" } else { ", " })?;
        }
        formatter.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_written_as_it_is_and_several_as_a_list() {
        assert_eq!(Cells::from(vec![5]).to_string(), "5");
        assert_eq!(Cells::from(vec![5, -6, 7]).to_string(), "[5, -6, 7]");
    }
}
