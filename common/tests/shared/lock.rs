//! The lock, and what is beyond it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use common::{Error, LockError, LockOutcome, SegmentName, SharedArray, SharedValue};

use crate::processes::{Child, Name};

/// Checks from another process whether the lock is free, as `words[0]` says.
pub fn attempt(name: &SegmentName, words: &[String]) {
    let value = SharedValue::<i32>::attach(name).expect("it is there");
    let guard = value.try_lock().expect("the lock is sound");
    assert_eq!(guard.is_some(), words[0] == "free");
    drop(guard);
    let patient = value.lock_within(Duration::from_millis(20));
    assert_eq!(patient.is_ok(), words[0] == "free");
    assert!(matches!(patient.map(drop), Ok(()) | Err(LockError::Busy { owner: Some(_) })));
}

/// Python's `test_lock`; that a guard cannot be released twice is checked by the compiler.
#[test]
fn a_lock_that_is_held_is_not_to_be_had_again_until_it_is_released() {
    let name = Name::new();
    let value = SharedValue::create(&name, 0).expect("the name is free");
    let other = SharedValue::<i32>::attach(&name).expect("it is there");
    for _ in 0..3 {
        let guard = value.lock().expect("nobody holds it");
        assert_eq!(guard.outcome(), LockOutcome::Released);
        assert!(value.try_lock().expect("the lock is sound").is_none());
        assert!(other.try_lock().expect("the lock is sound").is_none());
        Child::start("try-lock", &name, &["held"]).finish();
        drop(guard);
        Child::start("try-lock", &name, &["free"]).finish();
        assert!(value.try_lock().expect("the lock is sound").is_some());
    }
}

#[test]
fn a_thread_that_waits_for_itself_is_told_so() {
    let name = Name::new();
    let array = SharedArray::create(&name, &[1, 2]).expect("the name is free");
    let guard = array.lock().expect("nobody holds it");
    let errors = [
        Error::from(array.lock().map(drop).expect_err("it would wait for ever")),
        array.lock_within(Duration::MAX).map(drop).expect_err("it would wait for ever").into(),
        array.add(&[1, 1]).expect_err("it would wait for ever"),
    ];
    for error in errors {
        assert!(matches!(&error, Error::Lock(LockError::Deadlock { name: named }) if *named == *name), "{error}");
    }
    drop(guard);
    array.add(&[1, 1]).expect("it is released");
}

/// Python's `test_lock_context`.
#[test]
fn a_lock_is_released_at_the_end_of_its_scope_however_that_comes() {
    let name = Name::new();
    let value = SharedValue::create(&name, 1).expect("the name is free");
    {
        let _guard = value.lock().expect("nobody holds it");
    }
    Child::start("try-lock", &name, &["free"]).finish();
    let panics = || {
        let mut guard = value.lock().expect("nobody holds it");
        guard.set(2).expect("it is its own");
        panic!("with the lock held");
    };
    catch_unwind(AssertUnwindSafe(panics)).expect_err("it panics");
    Child::start("try-lock", &name, &["free"]).finish();
    let guard = value.lock().expect("nobody holds it");
    assert_eq!((guard.outcome(), guard.get()), (LockOutcome::Released, 2));
}

#[test]
fn threads_that_attach_by_themselves_exclude_each_other() {
    let name = Name::new();
    let array = SharedArray::<u64>::zeroed(&name, 3).expect("the name is free");
    let count = || {
        let array = SharedArray::<u64>::attach(&name).expect("it is there");
        for _ in 0..2000 {
            let mut guard = array.lock().expect("the lock is sound");
            assert!(guard.iter().all(|cell| Some(cell) == guard.get(0)));
            for index in 0..3 {
                let cell = guard.get(index).expect("there is such a cell");
                guard.set(index, cell + 1).expect("it is its own");
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(count);
        }
    });
    assert_eq!(array.lock().expect("nobody holds it").to_vec(), [8000; 3]);
}

/// The offsets are those of `common/src/layout/mod.rs`.
#[test]
fn damage_is_an_error_or_another_number_and_never_a_panic() {
    const PUBLISHED_AT: u64 = 360;
    const FIRST_CELL_AT: u64 = 376;
    const TERMS_AT: usize = 512;
    const SLOTS_AT: u64 = 4096;
    let name = Name::new();
    let array = SharedArray::create(&name, &[1, 2, 3]).expect("the name is free");
    let file = File::options().write(true).open(name.path()).expect("it is there");
    let size = file.metadata().expect("it has a size").len();
    let noise = vec![0xff; usize::try_from(size - SLOTS_AT).expect("it is small")];
    let redo = TERMS_AT - usize::try_from(FIRST_CELL_AT).expect("it is small");
    file.write_all_at(&noise[..redo], FIRST_CELL_AT).expect("it can be written");
    file.write_all_at(&noise, SLOTS_AT).expect("it can be written");
    assert_eq!(array.lock().expect("the lock is sound").to_vec(), [-1; 3]);
    array.add(&[1, 2, 3]).expect("nothing that it relies on is damaged");
    assert_eq!(array.lock().expect("the lock is sound").to_vec(), [0, 1, 2]);

    file.write_all_at(&noise[..8], PUBLISHED_AT).expect("it can be written");
    let error = array.add(&[1, 2, 3]).expect_err("no crash leaves such a number");
    assert!(matches!(error, Error::Lock(LockError::Damaged(_))), "{error}");
    assert!(array.try_lock().is_err() && array.lock().is_err());
    assert_eq!(array.get(2), Some(2));
}
