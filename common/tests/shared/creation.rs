//! Who may attach to what, what is there from the first moment, and what is left.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use common::{
    AttachError, Condition, CreateError, Mode, RemoveError, Segment, SegmentInfo, SegmentName, SharedArray,
    SharedValue, Terms, ValueType, list, remove, remove_creation_debris, unlink,
};

use crate::processes::{Child, Name, PATIENCE, until};

#[test]
fn nobody_sees_an_array_before_its_first_numbers() {
    let name = Name::new();
    // So many that they would be seen arriving.
    let numbers = vec![-1_i64; 1 << 18];
    let first_look = || {
        let began = Instant::now();
        loop {
            match SharedArray::<i64>::attach(&name) {
                Ok(array) => return array.get(numbers.len() - 1),
                Err(AttachError::NoSegment { .. }) => assert!(began.elapsed() < PATIENCE, "it does not come"),
                Err(error) => panic!("it is there or not: {error}"),
            }
        }
    };
    for _ in 0..10 {
        thread::scope(|scope| {
            let attacher = scope.spawn(first_look);
            let array = SharedArray::create(&name, &numbers).expect("the name is free");
            assert_eq!(attacher.join().expect("no panic"), Some(-1));
            drop(array);
        });
    }
}

/// Each start of a run removes what dead creators left: this one is alive, however long the allocation takes.
#[test]
fn a_large_array_is_created_while_others_look_for_what_dead_creators_left() {
    let numbers = vec![-1_i64; 1 << 18];
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let remover = scope.spawn(|| {
            while !is_over.load(Relaxed) {
                remove_creation_debris().expect("the folder can be read");
                sleep(Duration::from_micros(200));
            }
        });
        let created = (0..10).try_for_each(|_| SharedArray::create(&Name::new(), &numbers).map(drop));
        is_over.store(true, Relaxed);
        remover.join().expect("no panic");
        created.expect("the names are free");
    });
}

#[test]
fn another_type_or_shape_is_refused_by_name() {
    let name = Name::new();
    let array = SharedArray::create(&name, &[1, 2, 3]).expect("the name is free");
    let errors = [
        SharedArray::<i64>::attach(&name).map(drop),
        SharedArray::<f64>::attach(&name).map(drop),
        SharedValue::<i32>::attach(&name).map(drop),
        SharedValue::<u64>::attach(&name).map(drop),
    ];
    let wanted = ["an array of type i64", "an array of type f64", "a value of type i32", "a value of type u64"];
    for (error, wanted) in errors.into_iter().zip(wanted) {
        let error = error.expect_err("it is another type or shape");
        let message = format!("segment \"{}\" holds an array of 3 cells of type i32, not {wanted}", *name);
        assert_eq!(error.to_string(), message);
    }
    drop(array);
    assert!(matches!(SharedArray::<i32>::attach(&name), Err(AttachError::NoSegment { .. })));
}

#[test]
fn the_value_of_a_run_is_not_to_be_had() {
    let name = Name::new();
    for mode in [Mode::Repeat, Mode::Independent, Mode::Split] {
        let run = Segment::create(&name, &Terms { mode, ..Terms::by_hand("none", 1) }).expect("the name is free");
        let error = SharedValue::<i32>::attach(&name).expect_err("it is a run's");
        assert!(matches!(&error, AttachError::OtherType { found, .. } if found.contains(mode.name())), "{error}");
        assert!(matches!(SharedArray::<i32>::attach(&name), Err(AttachError::OtherType { .. })));
        unlink(&run).expect("it is there");
    }
}

#[test]
fn a_name_is_given_to_one_creator_and_free_again_when_that_one_is_gone() {
    let name = Name::new();
    let first = SharedValue::create(&name, 1).expect("the name is free");
    assert!(matches!(SharedValue::create(&name, 2), Err(CreateError::Exists { .. })));
    let attached = SharedValue::<i32>::attach(&name).expect("it is there");
    drop(attached);
    assert!(name.is_taken(), "who attaches takes no name away");
    let attached = SharedValue::<i32>::attach(&name).expect("it is there");
    drop(first);
    assert!(!name.is_taken(), "who creates does");
    assert_eq!(attached.add(1).expect("who is attached goes on"), 2);
    let second = SharedValue::create(&name, 7).expect("the name is free again");
    assert_eq!((attached.get(), second.get()), (2, 7));
}

#[test]
fn a_creator_takes_the_name_away_from_no_other_segment() {
    let name = Name::new();
    let first = SharedValue::create(&name, 1).expect("the name is free");
    remove(&name, Condition::Always).expect("it is there");
    let second = SharedValue::create(&name, 2).expect("the name is free again");
    drop(first);
    assert_eq!(SharedValue::<i32>::attach(&name).expect("it is there").get(), 2);
    drop(second);
}

#[test]
fn a_panic_of_the_creator_takes_the_name_away() {
    let name = Name::new();
    let creator = || {
        let _value = SharedValue::create(&name, 1).expect("the name is free");
        panic!("with the segment there");
    };
    thread::scope(|scope| scope.spawn(creator).join().expect_err("it panics"));
    assert!(!name.is_taken());
}

#[test]
fn what_is_kept_stays_with_its_value_until_it_is_removed() {
    let name = Name::new();
    SharedValue::create(&name, 1_i64).expect("the name is free").keep();
    let value = SharedValue::<i64>::attach(&name).expect("it is there");
    assert_eq!(value.add(1).expect("the lock is sound"), 2);
    assert!(matches!(remove(&name, Condition::Unattached), Err(RemoveError::InUse { .. })));
    value.keep();
    assert_eq!(SharedValue::<i64>::attach(&name).expect("it is there").get(), 2);
    let found: Vec<SegmentInfo> =
        list().expect("it can be listed").into_iter().filter(|one| one.name == *name).collect();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].terms.mode, found[0].terms.value_type), (Mode::Shared, ValueType::I64));
    remove_when_nobody_is_attached(&name);
    assert!(!name.is_taken());
}

#[test]
fn what_a_creator_that_was_killed_leaves_is_whole_and_can_be_removed() {
    let name = Name::new();
    let child = Child::start("create", &name, &[]);
    until("the segment to be there", || name.is_taken());
    let array = SharedArray::<i32>::attach(&name).expect("it is there");
    child.kill();
    assert_eq!(array.lock().expect("nobody held it").to_vec(), [4, 5, 6]);
    drop(array);
    remove_when_nobody_is_attached(&name);
}

/// Not at once: what other tests start has this process's descriptors until it is another program.
fn remove_when_nobody_is_attached(name: &SegmentName) {
    until("nobody to be attached", || remove(name, Condition::Unattached).is_ok());
}

/// Fault 63: the creator was killed, and nobody can create the value again.
#[test]
fn a_value_is_opened_or_created_by_any_number_of_processes_and_outlives_them_all() {
    let name = Name::new();
    for round in 1..=3 {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let value = SharedValue::open_or_create(&name, 100_u32).expect("it is there or not");
                    value.add(1).expect("the lock is sound");
                });
            }
        });
        assert_eq!(SharedValue::<u32>::attach(&name).expect("it outlives them").get(), 100 + 4 * round);
    }
    let killed = Child::start("open-or-create", &name, &[]);
    until("the child to have added", || SharedValue::<u32>::attach(&name).expect("it is there").get() > 1000);
    killed.kill();
    assert_eq!(SharedValue::open_or_create(&name, 0_u32).expect("it is there").get(), 1112);
    let error = SharedValue::open_or_create(&name, 0_i64).expect_err("it is of another type");
    assert!(error.to_string().contains("holds a value of type u32, not a value of type i64"), "{error}");
    remove(&name, Condition::Unattached).expect("nobody is attached");

    let array = SharedArray::open_or_create(&name, &[1, 2]).expect("the name is free");
    assert_eq!(SharedArray::open_or_create(&name, &[3, 4]).expect("it is there").get(1), Some(2));
    let error = SharedArray::open_or_create(&name, &[3, 4, 5]).expect_err("it has another length");
    assert!(error.to_string().contains("not an array of 3 cells of type i32"), "{error}");
    drop(array);
    remove(&name, Condition::Unattached).expect("nobody is attached");
}

/// Opens the value, adds a thousand, and keeps the lock.
pub fn open_or_create(name: &SegmentName) {
    let value = SharedValue::open_or_create(name, 0_u32).expect("it is there");
    let mut guard = value.lock().expect("the lock is sound");
    guard.add(1000).expect("the record is sound");
    sleep(PATIENCE);
}
