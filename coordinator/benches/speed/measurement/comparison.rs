//! How a row is compared with its reference row, and whether it meets its target.

use super::statistics::Summary;

/// What a median must keep to.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    AtMost(f64),
    AtLeast(f64),
    Unbounded,
}

/// What is compared with the target.
#[derive(Clone, Copy, Debug)]
pub enum Comparison {
    NotCompared,
    /// The row's own median.
    Absolute(Target),
    /// The reference's samples over this row's: how much longer the reference takes.
    ReferenceOverThis(Target),
    /// This row's samples over the reference's: how much faster the reference is.
    ThisOverReference(Target),
}

/// The outcome of a comparison.
pub struct Verdict {
    pub summary: Summary,
    pub target: Target,
    /// Which row is divided by which; absent for an absolute comparison.
    pub ratio: Option<String>,
}

impl Verdict {
    /// Whether the median meets the target, if there is a target.
    pub fn is_met(&self) -> Option<bool> {
        match self.target {
            Target::AtMost(most) => Some(self.summary.median <= most),
            Target::AtLeast(least) => Some(self.summary.median >= least),
            Target::Unbounded => None,
        }
    }
}
