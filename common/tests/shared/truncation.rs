//! A third party truncates the segment under its users.

use std::fmt::Debug;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use common::{Error, LockError, LockOutcome, SegmentName, SharedArray, SharedValue};

use crate::processes::{Child, Name};

const PAGE: u64 = 4096;

fn cut(name: &SegmentName, length: u64) {
    let file = File::options().write(true).open(name.path()).expect("it is there");
    file.set_len(length).expect("it can be cut");
}

#[track_caller]
fn is_truncated<T: Debug>(outcome: Result<T, impl Into<Error>>) {
    let error: Error = outcome.expect_err("it is truncated").into();
    assert!(error.to_string().contains("truncated by another program"), "{error}");
    assert!(matches!(error, Error::Lock(LockError::Damaged(_))), "{error:?}");
}

#[track_caller]
fn panics_for_truncation<T>(load: impl FnOnce() -> T) {
    // Expected, so nothing is printed; no other test runs in the child.
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(AssertUnwindSafe(load));
    set_hook(hook);
    let Err(panic) = outcome else { panic!("a value that nobody stored") };
    let text = panic.downcast::<String>().expect("a message");
    assert!(text.contains("truncated by another program"), "{text}");
}

/// Runs `action` in a child whose segment it cuts itself, as a third party would through another file.
fn in_child(action: &str) {
    let name = Name::new();
    Child::start(action, &name, &[]).finish();
}

/// Fault 64.
#[test]
fn a_value_whose_segment_is_truncated_is_an_error_or_a_panic_and_no_death() {
    in_child("cut-value");
}

pub fn value(name: &SegmentName) {
    let value = SharedValue::create(name, 5).expect("the name is free");
    let other = SharedValue::<i32>::attach(name).expect("it is there");
    cut(name, 0);
    panics_for_truncation(|| value.get());
    is_truncated(value.add(1));
    is_truncated(value.lock().map(drop));
    is_truncated(value.try_lock().map(drop));
    assert!(format!("{value:?}").contains("truncated"), "{value:?}");
    // Another mapping of the same file, which meets the loss in the lock call.
    is_truncated(other.lock().map(drop));
    panics_for_truncation(|| other.get());
    drop((value, other));
    std::fs::remove_file(name.path()).unwrap_or_default();
    survives();
}

/// Fault 64: without a signal, because the first page is there again.
#[test]
fn a_value_whose_page_is_overwritten_with_zeros_is_an_error_or_a_panic() {
    in_child("cut-within");
}

pub fn within(name: &SegmentName) {
    let value = SharedValue::create(name, 5).expect("the name is free");
    let file = File::create(name.path()).expect("it is there");
    file.set_len(2 * PAGE).expect("it can grow");
    panics_for_truncation(|| value.get());
    is_truncated(value.add(1));
    is_truncated(value.lock().map(drop));
    drop(value);
    std::fs::remove_file(name.path()).unwrap_or_default();
    survives();
}

/// Fault 64.
#[test]
fn an_array_that_loses_its_further_cells_is_an_error_or_a_panic() {
    in_child("cut-array");
}

pub fn array(name: &SegmentName) {
    let array = SharedArray::<u64>::zeroed(name, 4000).expect("the name is free");
    cut(name, PAGE);
    panics_for_truncation(|| array.get(3000));
    // The mark stands for the whole segment, although its first page is there.
    panics_for_truncation(|| array.get(0));
    is_truncated(array.update(|_| unreachable!("it sees cells that nobody stored")));
    is_truncated(array.lock().map(drop));
    drop(array);
    std::fs::remove_file(name.path()).unwrap_or_default();
    survives();
}

/// Fault 64: the thread's robust list points into the page that is lost.
#[test]
fn a_lock_whose_page_is_lost_while_it_is_held_does_no_harm_to_other_locks() {
    in_child("cut-held");
}

pub fn held(name: &SegmentName) {
    let names = [Name::new(), Name::new()];
    let others = names.each_ref().map(|name| SharedValue::create(name, 0).expect("the name is free"));
    let value = SharedValue::create(name, 5).expect("the name is free");
    let mut guard = value.lock().expect("nobody holds it");
    let inner = others[0].lock().expect("nobody holds it");
    cut(name, 0);
    is_truncated(guard.set(6));
    panics_for_truncation(|| guard.get());
    is_truncated(guard.update(|_| unreachable!("it sees a value that nobody stored")));
    drop(inner);
    drop(guard);
    is_truncated(value.lock().map(drop));
    drop(value);
    for other in &others {
        for _ in 0..100 {
            other.add(1).expect("the lock is sound");
        }
    }
    std::fs::remove_file(name.path()).unwrap_or_default();
    survives();
}

/// Fault 64: the page goes between the lock and the unlock, and nothing else touches it.
#[test]
fn an_unlock_that_meets_the_loss_is_no_death() {
    in_child("cut-unlock");
}

pub fn unlock(name: &SegmentName) {
    let value = SharedValue::create(name, 5).expect("the name is free");
    let guard = value.lock().expect("nobody holds it");
    cut(name, 0);
    drop(guard);
    is_truncated(value.add(1));
    drop(value);
    std::fs::remove_file(name.path()).unwrap_or_default();
    survives();
}

/// Fault 64: one thread meets the loss; no other sees the zeros that are there then.
#[test]
fn threads_that_share_a_truncated_value_see_the_value_or_the_error() {
    in_child("cut-threads");
}

pub fn threads(name: &SegmentName) {
    let value = Arc::new(SharedValue::create(name, 5_u64).expect("the name is free"));
    let looks = Arc::new(AtomicU64::new(0));
    let look = |value: Arc<SharedValue<u64>>, looks: Arc<AtomicU64>| {
        loop {
            let text = format!("{value:?}");
            if text.contains("truncated") {
                break;
            }
            assert!(text.contains("value: 5"), "{text}");
            looks.fetch_add(1, Relaxed);
        }
        is_truncated(value.add(1));
    };
    let threads = [(); 4].map(|()| {
        let (value, looks) = (Arc::clone(&value), Arc::clone(&looks));
        thread::spawn(move || look(value, looks))
    });
    crate::processes::until("some looks", || looks.load(Relaxed) > 1000);
    cut(name, 0);
    for thread in threads {
        thread.join().expect("an error and no death");
    }
    drop(value);
    std::fs::remove_file(name.path()).unwrap_or_default();
    survives();
}

/// After all that, the process shares values as before, also in addresses that were used already.
fn survives() {
    for _ in 0..3 {
        let name = Name::new();
        let value = SharedValue::create(&name, 1).expect("the name is free");
        assert_eq!(value.add(1).expect("the lock is sound"), 2);
        assert_eq!(value.lock().expect("the lock is sound").outcome(), LockOutcome::Released);
    }
}
