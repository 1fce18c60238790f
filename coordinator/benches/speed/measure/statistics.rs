//! The middle and the spread of a few figures.

/// Where figures lie.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    pub median: f64,
    /// The lower quartile, or with fewer than five figures the least.
    pub low: f64,
    /// The upper quartile, or with fewer than five figures the greatest.
    pub high: f64,
}

impl Spread {
    /// Of the figures, if there are any.
    pub fn of(figures: impl Iterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = figures.collect();
        sorted.sort_by(f64::total_cmp);
        let edge = if sorted.len() < 5 { 0.0 } else { 0.25 };
        Some(Self {
            median: quantile(&sorted, 0.5)?,
            low: quantile(&sorted, edge)?,
            high: quantile(&sorted, 1.0 - edge)?,
        })
    }
}

/// Between the two nearest of the figures, in proportion.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index into a few figures"
)]
fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let at = sorted.len().checked_sub(1)? as f64 * part;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    Some(below + (above - below) * at.fract())
}
