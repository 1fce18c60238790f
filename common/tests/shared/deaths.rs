//! Processes that are killed with the lock held.

use std::thread::sleep;
use std::time::Duration;

use common::{LockOutcome, SegmentName, SharedArray};
use rand::RngExt;

use crate::processes::{Child, Name, PATIENCE, until};

/// How many cells the arrays have.
const CELLS: usize = 100;

/// Sets the first half of the cells one by one, and never gets to the other half.
pub fn set_half(name: &SegmentName) {
    let array = SharedArray::<u64>::attach(name).expect("it is there");
    let mut guard = array.lock().expect("the lock is sound");
    for index in 0..guard.len() / 2 {
        guard.set(index, 1).expect("it is its own");
    }
    sleep(PATIENCE);
}

/// Adds one to all cells.
pub fn update(name: &SegmentName) {
    let array = SharedArray::<u64>::attach(name).expect("it is there");
    array.update(|cells| cells.iter_mut().for_each(|cell| *cell += 1)).expect("the lock is sound");
}

/// Adds one to all cells again and again, each time as one update.
pub fn update_for_ever(name: &SegmentName) {
    let array = SharedArray::<u64>::attach(name).expect("it is there");
    // Others are fast enough to end it before.
    for _ in 0..100_000_000 {
        array.add(&[1; CELLS]).expect("the lock is sound");
    }
}

/// Creates an array and keeps it for itself.
pub fn create(name: &SegmentName) {
    let _array = SharedArray::create(name, &[4, 5, 6]).expect("the name is free");
    sleep(PATIENCE);
}

#[test]
fn of_a_holder_that_is_killed_the_plain_writes_are_there_in_part_and_the_next_one_is_told() {
    let name = Name::new();
    let array = SharedArray::<u64>::zeroed(&name, CELLS).expect("the name is free");
    let child = Child::start("set-half", &name, &[]);
    until("the child to have set its half", || array.get(CELLS / 2 - 1) == Some(1));
    assert!(array.try_lock().expect("the lock is sound").is_none());
    child.kill();

    let guard = array.lock().expect("it is had from the dead");
    assert_eq!(guard.outcome(), LockOutcome::OwnerDied);
    let (first, second) = (vec![1; CELLS / 2], vec![0; CELLS / 2]);
    assert_eq!(guard.to_vec(), [first, second].concat());
    drop(guard);

    let mut guard = array.lock().expect("nobody holds it");
    assert_eq!(guard.outcome(), LockOutcome::OwnerDied, "the death is not cleared");
    guard.update(|cells| cells.fill(1)).expect("it can be mended");
    guard.clear_owner_died();
    assert_eq!(guard.outcome(), LockOutcome::Released);
    drop(guard);

    let guard = array.lock().expect("nobody holds it");
    assert_eq!(guard.outcome(), LockOutcome::Released);
    assert_eq!(guard.to_vec(), [1; CELLS]);
}

#[test]
fn an_update_has_changed_all_cells_or_none_wherever_its_process_is_killed() {
    let name = Name::new();
    let array = SharedArray::<u64>::zeroed(&name, CELLS).expect("the name is free");
    let (mut deaths, mut dice) = (0, rand::rng());
    for _ in 0..60 {
        let before = array.get(0);
        let child = Child::start("update-for-ever", &name, &[]);
        until("the child to be at it", || array.get(0) != before);
        sleep(Duration::from_micros(dice.random_range(0..300)));
        child.kill();
        let mut guard = array.lock().expect("the lock is sound");
        deaths += u32::from(guard.outcome() == LockOutcome::OwnerDied);
        guard.clear_owner_died();
        assert!(guard.iter().all(|cell| Some(cell) == guard.get(0)), "{:?}", guard.to_vec());
    }
    assert!(deaths > 0, "none was killed with the lock held");
}

/// With the feature `failpoints`: killed at each point of an update.
#[cfg(feature = "failpoints")]
mod planted {
    use common::failpoint::Failpoint;

    use super::*;

    /// A child that adds one to all cells, and dies at that point.
    fn dies_at(point: Failpoint, name: &SegmentName) {
        let failpoint = format!("{point:?}=kill");
        Child::start_with([("KILLPROOF_FAILPOINT", &failpoint)], "update", name, &[]).dies();
    }

    #[test]
    fn an_update_that_was_not_published_has_not_happened_and_one_that_was_has() {
        for (point, expected) in [(Failpoint::Recorded, 5), (Failpoint::Published, 6)] {
            let name = Name::new();
            let array = SharedArray::create(&name, &[5_u64; CELLS]).expect("the name is free");
            dies_at(point, &name);
            assert_eq!(array.get(CELLS - 1), Some(5), "nothing is in place yet");
            let mut guard = array.lock().expect("it is had from the dead");
            assert_eq!((guard.outcome(), guard.to_vec()), (LockOutcome::OwnerDied, vec![expected; CELLS]), "{point:?}");
            guard.clear_owner_died();
            drop(guard);
            assert_eq!(array.lock().expect("nobody holds it").outcome(), LockOutcome::Released);
            array.add(&[1; CELLS]).expect("the lock is sound");
            assert_eq!(array.get(CELLS - 1), Some(expected + 1));
        }
    }

    #[test]
    fn a_recovery_that_is_killed_is_done_by_the_next_one() {
        let name = Name::new();
        let array = SharedArray::create(&name, &[5_u64; CELLS]).expect("the name is free");
        dies_at(Failpoint::Published, &name);
        dies_at(Failpoint::Recovering, &name);
        dies_at(Failpoint::Recovering, &name);
        let guard = array.lock().expect("it is had from the dead");
        assert_eq!((guard.outcome(), guard.to_vec()), (LockOutcome::OwnerDied, vec![6; CELLS]));
    }
}
