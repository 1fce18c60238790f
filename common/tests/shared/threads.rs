//! One handle, many threads.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use common::{LockError, LockOutcome, Segment, SharedArray, SharedValue};

use crate::processes::{Child, Name};

#[test]
fn handles_may_be_sent_and_shared() {
    fn is_shareable<T: Send + Sync>() {}
    is_shareable::<Segment>();
    is_shareable::<common::Observer>();
    is_shareable::<SharedValue<i32>>();
    is_shareable::<SharedArray<f64>>();
}

#[test]
fn threads_that_share_a_value_lose_no_addition() {
    let name = Name::new();
    let value = Arc::new(SharedValue::create(&name, 0_u64).expect("the name is free"));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let value = Arc::clone(&value);
            thread::spawn(move || {
                for _ in 0..2000 {
                    value.add(1).expect("the lock is sound");
                    let mut guard = value.lock().expect("the lock is sound");
                    let before = guard.get();
                    guard.set(before + 1).expect("it is its own guard");
                }
            })
        })
        .collect();
    let attached = SharedValue::<u64>::attach(&name).expect("it is there");
    for _ in 0..2000 {
        attached.add(1).expect("the lock is sound");
    }
    for thread in threads {
        thread.join().expect("it only adds");
    }
    assert_eq!(value.get(), 4 * 4000 + 2000);
}

#[test]
fn a_held_lock_is_a_deadlock_for_its_thread_and_busy_for_others() {
    let name = Name::new();
    let value = SharedValue::create(&name, 0).expect("the name is free");
    let guard = value.lock().expect("nobody holds it");
    assert!(matches!(value.lock_within(Duration::ZERO).map(drop), Err(LockError::Deadlock { .. })));
    thread::scope(|scope| {
        let other = scope.spawn(|| value.lock_within(Duration::from_millis(20)).map(drop));
        let outcome = other.join().expect("it only tries");
        assert!(matches!(outcome, Err(LockError::Busy { owner: Some(_) })), "{outcome:?}");
        assert!(scope.spawn(|| value.try_lock().expect("the lock is sound").is_none()).join().expect("it only tries"));
    });
    drop(guard);
    thread::scope(|scope| scope.spawn(|| value.add(1).expect("it is released")).join().expect("it only adds"));
}

/// A guard may be forgotten. The kernel releases its lock when its thread ends (`set_robust_list(2)`).
#[test]
fn a_thread_that_ends_with_the_lock_is_a_dead_owner_to_the_others() {
    let name = Name::new();
    let value = SharedValue::create(&name, 0).expect("the name is free");
    for round in 1..=3 {
        thread::scope(|scope| {
            let forgets = || {
                let mut guard = value.lock().expect("it is free");
                guard.set(round).expect("it is its own guard");
                std::mem::forget(guard);
            };
            // Joined, so that the kernel has done its part; a scope alone may end before the thread has.
            scope.spawn(forgets).join().expect("it only sets");
        });
        let mut guard = value.lock().expect("its owner is dead");
        assert_eq!((guard.outcome(), guard.get()), (LockOutcome::OwnerDied, round));
        guard.clear_owner_died();
        drop(guard);
        assert_eq!(value.lock().expect("it is free").outcome(), LockOutcome::Released);
    }
}

/// The mapping must stay as long as the thread's robust list points into it.
#[test]
fn a_handle_dropped_while_another_thread_forgot_its_guard_keeps_the_memory() {
    let name = Name::new();
    let value = Arc::new(SharedValue::create(&name, 7).expect("the name is free"));
    let shared = Arc::clone(&value);
    let (forgot, is_forgotten) = mpsc::channel();
    let (go_on, goes_on) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        let name = Name::new();
        let other = SharedValue::create(&name, 0).expect("the name is free");
        std::mem::forget(shared.lock().expect("nobody holds it"));
        drop(shared);
        forgot.send(()).expect("the test waits");
        goes_on.recv().expect("the test goes on");
        // Each of these goes through the robust list.
        for _ in 0..100 {
            other.add(1).expect("the lock is sound");
        }
    });
    is_forgotten.recv().expect("the thread forgets");
    let attached = SharedValue::<i32>::attach(&name).expect("it is there");
    drop(value);
    go_on.send(()).expect("the thread waits");
    thread.join().expect("the memory is still there");
    assert_eq!(attached.lock().expect("its owner is dead").outcome(), LockOutcome::OwnerDied);
    assert_eq!(attached.get(), 7);
}

#[test]
fn a_process_that_ends_with_a_guard_in_a_thread_is_a_dead_owner() {
    let name = Name::new();
    let value = SharedValue::create(&name, 0).expect("the name is free");
    Child::start("hold-in-a-thread", &name, &[]).finish();
    assert_eq!(value.lock().expect("its owner is dead").outcome(), LockOutcome::OwnerDied);
}

/// The child's part: another thread holds the lock when the process ends.
pub fn hold(name: &common::SegmentName) {
    let value = Arc::new(SharedValue::<i32>::attach(name).expect("it is there"));
    let (holds, is_held) = mpsc::channel();
    thread::spawn(move || {
        let guard = value.lock().expect("nobody holds it");
        holds.send(()).expect("the main thread waits");
        thread::sleep(crate::processes::PATIENCE);
        drop(guard);
    });
    is_held.recv().expect("the thread holds it");
}
