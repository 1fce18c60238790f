//! Round numbers for axes.

/// A unit of time: its name, and its nanoseconds.
pub type Unit = (&'static str, f64);

/// The units, and up to how many nanoseconds a picture is told in each.
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
    // In seconds from one on, where an axis is told in milliseconds up to two.
    let (unit, size) = unit(nanoseconds * 2.0);
    format!("{:.2} {unit}", nanoseconds / size)
}

/// The unit in which a picture of so many nanoseconds is told.
pub fn unit(length: f64) -> Unit {
    UNITS.into_iter().find(|(most, _)| length <= *most).map_or(("s", 1e9), |(_, unit)| unit)
}

/// 1, 2 or 5 times a power of ten, so that there are at most `most` steps from `low` to `high`.
pub fn step(low: f64, high: f64, most: f64) -> f64 {
    let least = ((high - low) / most).max(f64::MIN_POSITIVE);
    let power: f64 = format!("1e{}", magnitude(least)).parse().unwrap_or(f64::INFINITY);
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= least).unwrap_or(10.0 * power)
}

/// The multiples of `step` from `low` to `high`.
pub fn ticks(low: f64, high: f64, step: f64) -> impl Iterator<Item = f64> {
    let first = (low / step - 1e-9).ceil();
    // Counted, not added up; and never without end, whatever the numbers are.
    (0..100_u32).map(move |index| (first + f64::from(index)) * step).take_while(move |tick| *tick <= high + step * 1e-9)
}

/// A tick's label: plain on an axis up to a million, with a power of ten on a longer one, and with no more digits than the
/// steps need.
pub fn label(tick: f64, step: f64, largest: f64) -> String {
    // No minus before a zero, and none of the noise of a difference.
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

/// The power of ten that a number begins with.
///
/// As it is written, which is exact, unlike its logarithm.
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
    fn numbers_that_are_none_make_no_ticks_without_end() {
        for (low, high) in [(0.0, 0.0), (0.0, f64::INFINITY), (-f64::MAX, f64::MAX)] {
            assert!(ticks(low, high, step(low, high, 5.0)).count() <= 100);
        }
    }
}
