//! One number.

use std::fmt::Debug;
use std::str::FromStr;

use common::{Scalar, SegmentName, SharedValue};

use crate::processes::{Child, Name};

/// Gives the value of type `words[0]` the number `words[1]`.
pub fn set(name: &SegmentName, words: &[String]) {
    match words[0].as_str() {
        "i32" => set_to::<i32>(name, &words[1]),
        "i64" => set_to::<i64>(name, &words[1]),
        "u64" => set_to::<u64>(name, &words[1]),
        _ => set_to::<f64>(name, &words[1]),
    }
}

fn set_to<T: Scalar + FromStr<Err: Debug>>(name: &SegmentName, number: &str) {
    let value = SharedValue::<T>::attach(name).expect("it is there");
    value.lock().expect("the lock is sound").set(number.parse().expect("it is a number")).expect("it is its own");
}

/// Adds `words[0]` times the number `words[1]`.
pub fn add(name: &SegmentName, words: &[String]) {
    let [times, number] = [0, 1].map(|index: usize| words[index].parse::<i32>().expect("it is a number"));
    let value = SharedValue::<i32>::attach(name).expect("it is there");
    for _ in 0..times {
        value.add(number).expect("the lock is sound");
    }
}

/// Checks that a value created with the first number is seen with each of the others after a child has set it.
fn is_seen<T: Scalar>(numbers: &[T]) {
    let name = Name::new();
    let value = SharedValue::create(&name, numbers[0]).expect("the name is free");
    assert_eq!(value.get(), numbers[0]);
    for number in numbers {
        Child::start("set", &name, &[T::VALUE_TYPE.name(), &number.to_string()]).finish();
        assert_eq!(value.get(), *number);
        assert_eq!(value.lock().expect("the lock is sound").get(), *number);
    }
}

/// Python's `test_value` and `test_rawvalue`, with its numbers and the ends of each type.
#[test]
fn what_a_child_sets_is_seen_by_its_parent_for_every_type() {
    is_seen(&[4343, 24234, i32::MIN, i32::MAX, -1]);
    is_seen(&[1_i64 << 33, 1 << 34, i64::MIN, i64::MAX, -1]);
    is_seen(&[0, u64::MAX, 1 << 63]);
    is_seen(&[3.625, -4.25, f64::MIN, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY]);
}

/// Python's `test_getobj_getlock`: the number with its lock and without.
#[test]
fn a_value_is_read_without_its_lock_while_another_one_holds_it_and_writes() {
    let name = Name::new();
    let value = SharedValue::create(&name, 5).expect("the name is free");
    let attached = SharedValue::<i32>::attach(&name).expect("it is there");
    assert_eq!((value.name(), attached.name()), (&*name, &*name));
    let mut guard = value.lock().expect("nobody holds it");
    assert_eq!(guard.get(), 5);
    guard.set(6).expect("it is its own");
    assert_eq!((attached.get(), value.get(), guard.get()), (6, 6, 6));
    assert_eq!(guard.update(|number| number * 7).expect("the lock is sound"), 42);
    assert_eq!((attached.get(), value.get(), guard.get()), (42, 42, 42));
    assert!(format!("{attached:?}").ends_with("value: 42 }"), "{attached:?}");
}

#[test]
fn every_addition_of_several_processes_counts() {
    let name = Name::new();
    let value = SharedValue::create(&name, 0).expect("the name is free");
    let children = [1, 2, 3, 4].map(|number: i32| Child::start("add", &name, &["5000", &number.to_string()]));
    children.into_iter().for_each(Child::finish);
    assert_eq!(value.get(), 5000 * (1 + 2 + 3 + 4));
}

#[test]
fn integers_wrap_around_at_their_ends_and_fractions_do_not() {
    let names = [(); 4].map(|()| Name::new());
    let small = SharedValue::create(&names[0], i32::MAX).expect("the name is free");
    assert_eq!(small.add(1).expect("the lock is sound"), i32::MIN);
    let wide = SharedValue::create(&names[1], i64::MIN).expect("the name is free");
    assert_eq!(wide.add(-1).expect("the lock is sound"), i64::MAX);
    let unsigned = SharedValue::create(&names[2], u64::MAX).expect("the name is free");
    assert_eq!(unsigned.add(2).expect("the lock is sound"), 1);
    let fraction = SharedValue::create(&names[3], f64::MAX).expect("the name is free");
    let sum = fraction.add(f64::MAX).expect("the lock is sound");
    assert!(sum.is_infinite() && fraction.get().is_infinite());
}
