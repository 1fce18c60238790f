//! Round numbers for axes, and durations.

use crate::figures::grouped;

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

/// A duration as people write it, with three digits: `9.37 µs`, `631 ms`, `2 min 5 s`.
pub fn duration(nanoseconds: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let seconds = nanoseconds as f64 / 1e9;
    let whole = |seconds: f64| format!("{seconds:.0}").parse::<u64>().unwrap_or(u64::MAX);
    match seconds {
        // The bounds are those of the rounded numbers.
        ..999.5e-9 => format!("{nanoseconds} ns"),
        ..999.5e-6 => format!("{} µs", three_digits(seconds * 1e6)),
        ..999.5e-3 => format!("{} ms", three_digits(seconds * 1e3)),
        ..59.95 => format!("{} s", three_digits(seconds)),
        ..3599.5 => format!("{} min {} s", whole(seconds) / 60, whole(seconds) % 60),
        _ => format!("{} h {} min", grouped(&(whole(seconds) / 3600).to_string()), whole(seconds) / 60 % 60),
    }
}

/// A number from 0.1 to 999 with three digits.
fn three_digits(number: f64) -> String {
    match number {
        ..9.995 => format!("{number:.2}"),
        ..99.95 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
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

/// A tick's label, with no more digits than the steps need: in full as far as there is room, beyond with a power of ten.
pub fn label(tick: f64, step: f64, largest: f64) -> String {
    // Zero, without a sign or rounding errors.
    if tick.abs() < step * 1e-6 {
        return "0".to_owned();
    }
    if (1e-3..1e10).contains(&largest) {
        return grouped(&format!("{tick:.*}", digits(-magnitude(step))));
    }
    let text = format!("{tick:.*e}", digits(magnitude(tick) - magnitude(step)));
    let Some((mantissa, power)) = text.split_once('e') else { return text };
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    format!("{mantissa}×10{}", superscript(power))
}

/// An integer in raised characters.
fn superscript(integer: &str) -> String {
    let digits = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let raised = |c: char| c.to_digit(10).and_then(|digit| digits.get(digit as usize).copied()).unwrap_or('⁻');
    integer.chars().map(raised).collect()
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
        assert_eq!(labels(-2.0e9, 1.8e9, 4.0), ["-2,000,000,000", "-1,000,000,000", "0", "1,000,000,000"]);
        assert_eq!(labels(0.0, 1.3e18, 3.0), ["0", "5×10¹⁷", "1×10¹⁸"]);
        assert_eq!(labels(-2.5e10, 0.0, 5.0), ["-2.5×10¹⁰", "-2×10¹⁰", "-1.5×10¹⁰", "-1×10¹⁰", "-5×10⁹", "0"]);
        assert_eq!(labels(0.0, 2e-4, 2.0), ["0", "1×10⁻⁴", "2×10⁻⁴"]);
        assert_eq!(labels(0.0, 1.8e6, 4.0), ["0", "500,000", "1,000,000", "1,500,000"]);
        assert_eq!(labels(0.0, 0.25, 5.0), ["0", "0.05", "0.10", "0.15", "0.20", "0.25"]);
    }

    #[test]
    fn every_length_has_a_unit_in_which_it_is_short() {
        assert_eq!(unit(1e3).0, "µs");
        assert_eq!(unit(930e6).0, "ms");
        assert_eq!(unit(12e9).0, "s");
        assert_eq!(unit(3.6e12).0, "min");
        assert_eq!(unit(1e18).0, "h");
    }

    #[test]
    fn durations_are_written_as_people_write_them() {
        for (nanoseconds, expected) in [
            (0, "0 ns"),
            (60, "60 ns"),
            (1_500, "1.50 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (62_584_000, "62.6 ms"),
            (999_000_000, "999 ms"),
            (1_602_000_000, "1.60 s"),
            (59_949_000_000, "59.9 s"),
            (59_950_000_000, "1 min 0 s"),
            (125_000_000_000, "2 min 5 s"),
            (3_720_000_000_000, "1 h 2 min"),
            (7_200_000_000_000_000, "2,000 h 0 min"),
        ] {
            assert_eq!(duration(nanoseconds), expected);
        }
    }

    #[test]
    fn infinite_axes_have_a_bounded_number_of_ticks() {
        for (low, high) in [(0.0, 0.0), (0.0, f64::INFINITY), (-f64::MAX, f64::MAX)] {
            assert!(ticks(low, high, step(low, high, 5.0)).count() <= 100);
        }
    }
}
