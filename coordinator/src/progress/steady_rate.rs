//! Whether a run proceeds at a steady rate, and at which.

use std::time::Duration;

/// A sample is kept once this part of the time has passed since the last one: a few hundred samples, however long the run.
const SPARSENESS: u32 = 16;

/// How much of a run was done at a time since its beginning.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub at: Duration,
    pub part: f64,
}

/// The progress so far.
pub struct Samples(Vec<Sample>);

impl Samples {
    /// A run of which that part is done at the beginning.
    pub fn from(part: f64) -> Self {
        Self(vec![Sample { at: Duration::ZERO, part }])
    }

    /// Adds a sample, unless the last one is close.
    pub fn add(&mut self, sample: Sample) {
        let is_close = |last: &Sample| sample.at.saturating_sub(last.at) < sample.at / SPARSENESS;
        if !self.0.last().is_some_and(is_close) {
            self.0.push(sample);
        }
    }

    /// The part per second over the later half of the time; nothing while that is more than twice the rate before.
    pub fn steady_rate(&self, now: Sample) -> Option<f64> {
        let half = self.before(now.at / 2)?;
        let quarter = self.before(half.at / 2)?;
        let (early, late) = (rate(quarter, half), rate(half, now));
        (late > 0.0 && late <= 2.0 * early).then_some(late)
    }

    /// The last sample until then.
    fn before(&self, at: Duration) -> Option<Sample> {
        self.0.iter().rfind(|sample| sample.at <= at).copied()
    }
}

/// The part per second between two samples; 0 between a sample and itself.
fn rate(from: Sample, to: Sample) -> f64 {
    let seconds = to.at.saturating_sub(from.at).as_secs_f64();
    if seconds > 0.0 { (to.part - from.part) / seconds } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rate shown after that many tenths of a second of a run whose progress is a function of the seconds.
    fn rate_after(tenths: u32, part: impl Fn(f64) -> f64) -> Option<f64> {
        let sample = |tenths: u32| {
            let at = Duration::from_millis(u64::from(tenths) * 100);
            Sample { at, part: part(at.as_secs_f64()) }
        };
        let mut samples = Samples::from(part(0.0));
        for tenths in 1..=tenths {
            samples.add(sample(tenths));
        }
        samples.steady_rate(sample(tenths)).map(|rate| (rate * 1e4).round() / 1e4)
    }

    #[test]
    fn there_is_a_rate_once_it_no_longer_grows_fast() {
        let steady = |seconds: f64| 0.1 + seconds / 100.0;
        // Eight times as much each second for four seconds, as chunks grow; then a hundredth each second.
        let growing = |seconds: f64| {
            if seconds < 4.0 { 8_f64.powf(seconds) / 1e6 } else { 0.004_096 + (seconds - 4.0) / 100.0 }
        };
        let slowing = |seconds: f64| seconds.sqrt() / 100.0;
        let still = |_: f64| 0.5;
        for (name, rates, expected) in [
            ("steady", [1, 10, 1000].map(|tenths| rate_after(tenths, steady)), [None, Some(0.01), Some(0.01)]),
            ("growing", [10, 40, 200].map(|tenths| rate_after(tenths, growing)), [None, None, Some(0.01)]),
            ("slowing", [1, 40, 400].map(|tenths| rate_after(tenths, slowing)), [None, Some(0.0029), Some(0.0009)]),
            ("still", [1, 40, 400].map(|tenths| rate_after(tenths, still)), [None, None, None]),
        ] {
            assert_eq!(rates, expected, "{name}");
        }
    }

    #[test]
    fn a_day_of_samples_takes_little_room() {
        let mut samples = Samples::from(0.0);
        for tenths in 1..864_000 {
            samples.add(Sample { at: Duration::from_millis(tenths * 100), part: 0.0 });
        }
        assert!(samples.0.len() < 300, "{}", samples.0.len());
    }
}
