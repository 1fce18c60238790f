//! Types, wrapping and addition.

use proptest::prelude::*;

use super::*;

const INTEGERS: [ValueType; 3] = [ValueType::I32, ValueType::I64, ValueType::U64];

#[test]
fn the_values_of_program_b_appear_one_after_the_other() {
    let result = 333_332_833_333_500_000_i128;
    let mut value = ValueType::I32.wrap(0);
    for expected in [584_144_992, 1_168_289_984, 1_752_434_976, -1_958_387_328] {
        value = value.add(result, Overflow::Wrap).unwrap();
        assert_eq!(value.number(), Number::Integer(expected));
    }
}

#[test]
fn an_integer_is_refused_one_past_its_ends_and_accepted_at_them() {
    for kind in INTEGERS {
        let (min, max) = kind.range().unwrap();
        let zero = kind.wrap(0);
        assert_eq!(zero.add(max, Overflow::Error).unwrap().number(), max.into());
        assert_eq!(zero.add(min, Overflow::Error).unwrap().number(), min.into());
        assert_eq!(zero.add(max + 1, Overflow::Error), None);
        assert_eq!(zero.add(min - 1, Overflow::Error), None);
        assert_eq!(zero.add(max + 1, Overflow::Wrap).unwrap().number(), min.into());
        assert_eq!(zero.add(min - 1, Overflow::Wrap).unwrap().number(), max.into());
    }
}

#[test]
fn fractions_go_into_an_f64_alone_and_beyond_its_end_they_are_refused() {
    let zero = ValueType::F64.wrap(0);
    assert_eq!(zero.add(0.25, Overflow::Error).unwrap().to_string(), "0.25");
    assert_eq!(zero.add(3, Overflow::Error).unwrap().to_string(), "3.0");
    let largest = zero.add(f64::MAX, Overflow::Error).unwrap();
    assert_eq!(largest.add(f64::MAX, Overflow::Error), None);
    assert_eq!(largest.add(f64::MAX, Overflow::Wrap).unwrap().to_string(), "inf");
    for kind in INTEGERS {
        assert_eq!(kind.wrap(0).add(0.5, Overflow::Wrap), None);
    }
}

proptest! {
    #[test]
    fn wrapping_in_any_steps_is_wrapping_the_total(parts in prop::collection::vec(any::<i64>(), 0..20)) {
        for kind in INTEGERS {
            let add = |value: Value, part: &i64| value.add(i128::from(*part), Overflow::Wrap).unwrap();
            let stepwise = parts.iter().fold(kind.wrap(0), add);
            prop_assert_eq!(stepwise, kind.wrap(parts.iter().map(|part| i128::from(*part)).sum()));
        }
    }

    #[test]
    fn a_number_comes_back_from_its_words(integer: i128, float in prop::num::f64::NORMAL) {
        for number in [Number::Integer(integer), Number::Float(float)] {
            prop_assert_eq!(Number::from_words(number.words(), number.integer().is_none()), number);
        }
    }
}
