//! Round numbers for axes.

/// A unit of time: its name, and its length in nanoseconds.
pub type Unit = (&'static str, f64);

/// The units, each with the longest picture (in nanoseconds) that uses it.
const UNITS: [(f64, Unit); 5] = [
    (2e6, ("µs", 1e3)),
    (2e9, ("ms", 1e6)),
    (6e11, ("s", 1e9)),
    (3.6e13, ("min", 6e10)),
    (f64::INFINITY, ("h", 3.6e12)),
];

/// A duration as people read it.
pub fn duration(nanoseconds: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "two digits behind the point are shown")]
    let nanoseconds = nanoseconds as f64;
    // Seconds from one second on, where an axis uses milliseconds up to two.
    let (unit, size) = unit(nanoseconds * 2.0);
    format!("{:.2} {unit}", nanoseconds / size)
}

/// The unit of a picture of that many nanoseconds.
pub fn unit(length: f64) -> Unit {
    UNITS.into_iter().find(|(most, _)| length <= *most).map_or(("s", 1e9), |(_, unit)| unit)
}

/// The least 1, 2 or 5 times a power of ten that makes at most `most` steps from `low` to `high`.
pub fn step(low: f64, high: f64, most: f64) -> f64 {
    let least = ((high - low) / most).max(f64::MIN_POSITIVE);
    let power: f64 = format!("1e{}", magnitude(least)).parse().unwrap_or(f64::INFINITY);
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= least).unwrap_or(10.0 * power)
}

/// The multiples of `step` from `low` to `high`.
pub fn ticks(low: f64, high: f64, step: f64) -> impl Iterator<Item = f64> {
    let first = (low / step - 1e-9).ceil();
    // Multiplied, because a sum would accumulate errors; bounded for any numbers.
    (0..100_u32).map(move |index| (first + f64::from(index)) * step).take_while(move |tick| *tick <= high + step * 1e-9)
}

/// A tick's label, with no more digits than the steps need: plain up to a million, beyond with a power of ten.
pub fn label(tick: f64, step: f64, largest: f64) -> String {
    // Zero, without a sign or rounding errors.
    if tick.abs() < step * 1e-6 {
        return "0".to_owned();
    }
    if (1e-3..1e6).contains(&largest) {
        return format!("{tick:.*}", digits(-magnitude(step)));
    }
    let text = format!("{tick:.*e}", digits(magnitude(tick) - magnitude(step)));
    match text.split_once('e') {
        Some((mantissa, power)) if mantissa.contains('.') => {
            format!("{}e{power}", mantissa.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text,
    }
}

/// A number's power of ten.
///
/// Taken from its text, which is exact, unlike its logarithm.
fn magnitude(number: f64) -> i32 {
    format!("{number:e}").split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0)
}

fn digits(wanted: i32) -> usize {
    usize::try_from(wanted.clamp(0, 9)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64, most: f64) -> Vec<String> {
        let step = step(low, high, most);
        ticks(low, high, step).map(|tick| label(tick, step, high.max(-low))).collect()
    }

    #[test]
    fn ticks_are_round_and_within_the_bounds() {
        assert_eq!(labels(0.0, 930.0, 10.0), ["0", "100", "200", "300", "400", "500", "600", "700", "800", "900"]);
        assert_eq!(labels(0.0, 1.1, 5.0), ["0", "0.5", "1.0"]);
        assert_eq!(labels(-2.0e9, 1.8e9, 4.0), ["-2e9", "-1e9", "0", "1e9"]);
        assert_eq!(labels(0.0, 2.5e9, 5.0), ["0", "5e8", "1e9", "1.5e9", "2e9", "2.5e9"]);
        assert_eq!(labels(0.0, 1.8e6, 4.0), ["0", "5e5", "1e6", "1.5e6"]);
        assert_eq!(labels(0.0, 0.25, 5.0), ["0", "0.05", "0.10", "0.15", "0.20", "0.25"]);
    }

    #[test]
    fn every_length_has_a_unit_in_which_it_is_short() {
        assert_eq!(unit(1e3).0, "µs");
        assert_eq!(unit(930e6).0, "ms");
        assert_eq!(unit(12e9).0, "s");
        assert_eq!(unit(3.6e12).0, "min");
        assert_eq!(unit(1e18).0, "h");
        assert_eq!([1_500, 999_000_000, 1_602_000_000].map(duration), ["1.50 µs", "999.00 ms", "1.60 s"]);
    }

    #[test]
    fn infinite_axes_have_a_bounded_number_of_ticks() {
        for (low, high) in [(0.0, 0.0), (0.0, f64::INFINITY), (-f64::MAX, f64::MAX)] {
            assert!(ticks(low, high, step(low, high, 5.0)).count() <= 100);
        }
    }
}
