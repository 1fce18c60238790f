//! The median and the spread of a few samples.

#[derive(Clone, Copy, Debug)]
pub struct Summary {
    pub median: f64,
    /// The lower quartile; of fewer than five samples, the least.
    pub low: f64,
    /// The upper quartile; of fewer than five samples, the greatest.
    pub high: f64,
}

impl Summary {
    pub fn of(samples: impl Iterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = samples.collect();
        sorted.sort_by(f64::total_cmp);
        let tail = if sorted.len() < 5 { 0.0 } else { 0.25 };
        Some(Self {
            median: quantile(&sorted, 0.5)?,
            low: quantile(&sorted, tail)?,
            high: quantile(&sorted, 1.0 - tail)?,
        })
    }
}

/// Interpolates linearly between the two nearest samples.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index into a few samples"
)]
fn quantile(sorted: &[f64], fraction: f64) -> Option<f64> {
    let position = sorted.len().checked_sub(1)? as f64 * fraction;
    let (below, above) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
    Some(below + (above - below) * position.fract())
}
