//! Several numbers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use common::{CommitError, CreateError, Error, MOST_CELLS, SegmentName, SharedArray, SharedValue};

use crate::processes::{Child, Name};

/// Python's `f(seq)`: each cell becomes the sum of all up to it.
pub fn running_sum(name: &SegmentName) {
    let array = SharedArray::<i32>::attach(name).expect("it is there");
    let mut guard = array.lock().expect("the lock is sound");
    for index in 1..guard.len() {
        let [before, this] = [index - 1, index].map(|index| guard.get(index).expect("there is such a cell"));
        guard.set(index, this + before).expect("it is its own");
    }
}

/// Python's `test_array` and `test_rawarray`, with its numbers.
#[test]
fn what_a_child_makes_of_the_cells_is_seen_by_its_parent() {
    let name = Name::new();
    let mut numbers = [680, 626, 934, 821, 150, 233, 548, 982, 714, 831];
    let array = SharedArray::create(&name, &numbers).expect("the name is free");
    assert_eq!((array.len(), array.get(3)), (numbers.len(), Some(numbers[3])));
    assert_eq!(array.lock().expect("nobody holds it").to_vec()[2..7], numbers[2..7]);

    numbers[4..8].copy_from_slice(&[1, 2, 3, 4]);
    array.update(|cells| cells[4..8].copy_from_slice(&[1, 2, 3, 4])).expect("the lock is sound");
    assert_eq!(array.lock().expect("nobody holds it").to_vec(), numbers);

    for index in 1..numbers.len() {
        numbers[index] += numbers[index - 1];
    }
    Child::start("running-sum", &name, &[]).finish();
    assert_eq!(array.lock().expect("the child has released it").to_vec(), numbers);
}

/// Python's `test_array_from_size`: again and again, because memory that was used before is not zero by itself.
#[test]
fn an_array_made_by_its_length_is_zero_each_time() {
    let name = Name::new();
    for _ in 0..10 {
        let array = SharedArray::<f64>::zeroed(&name, 10).expect("the name is free");
        assert_eq!(array.len(), 10);
        let mut guard = array.lock().expect("nobody holds it");
        assert_eq!(guard.to_vec(), [0.0; 10]);
        for (index, number) in (0..10).map(f64::from).enumerate() {
            guard.set(index, number).expect("it is its own");
        }
        assert!(guard.iter().eq((0..10).map(f64::from)));
        drop(guard);
        array.update(|cells| cells.fill(-0.5)).expect("the lock is sound");
        assert_eq!(array.lock().expect("nobody holds it").to_vec(), [-0.5; 10]);
    }
}

#[test]
fn a_cell_that_there_is_not_reads_as_nothing_and_setting_it_is_a_mistake_of_the_caller() {
    let name = Name::new();
    let array = SharedArray::create(&name, &[1_u64, 2, 3]).expect("the name is free");
    for index in [3, usize::MAX] {
        let mut guard = array.lock().expect("the panic has released it");
        assert_eq!((guard.get(index), array.get(index)), (None, None));
        catch_unwind(AssertUnwindSafe(move || guard.set(index, 4))).expect_err("there is no such cell");
    }
    assert_eq!(array.lock().expect("the panic has released it").to_vec(), [1, 2, 3]);
}

#[test]
fn adding_takes_one_number_for_each_cell_or_changes_nothing() {
    let name = Name::new();
    let array = SharedArray::create(&name, &[i64::MAX, 0, -1]).expect("the name is free");
    array.add(&[1, 2, 3]).expect("there is one for each");
    let expected = [i64::MIN, 2, 2];
    assert_eq!(array.lock().expect("nobody holds it").to_vec(), expected);
    for numbers in [&[][..], &[1, 2], &[1, 2, 3, 4]] {
        let error = array.add(numbers).expect_err("they are too few or too many");
        assert!(matches!(error, Error::Commit(CommitError::Unfit { cells: 3, .. })), "{error}");
    }
    assert_eq!(array.lock().expect("nobody holds it").to_vec(), expected);
}

#[test]
fn a_change_that_panics_changes_nothing_and_releases_the_lock() {
    let name = Name::new();
    let array = SharedArray::create(&name, &[1, 2]).expect("the name is free");
    let change = |cells: &mut [i32]| {
        cells[0] = 7;
        panic!("in the middle of it");
    };
    catch_unwind(AssertUnwindSafe(|| array.update(change))).expect_err("it panics");
    assert_eq!(array.lock().expect("the panic has released it").to_vec(), [1, 2]);
}

#[test]
fn arrays_of_one_cell_and_of_as_many_as_there_may_be_work_and_others_are_refused() {
    let name = Name::new();
    for len in [0, MOST_CELLS as usize + 1, 1 << 32, usize::MAX] {
        let error = SharedArray::<i32>::zeroed(&name, len).expect_err("there cannot be so many");
        assert!(matches!(error, CreateError::Terms { .. }), "{len}: {error}");
    }
    let most = SharedArray::zeroed(&name, MOST_CELLS as usize).expect("the name is free");
    most.update(|cells| cells.fill(9)).expect("the lock is sound");
    assert_eq!((most.get(0), most.get(MOST_CELLS as usize - 1)), (Some(9), Some(9)));
    drop(most);
    let one = SharedArray::create(&name, &[5_u64]).expect("the name is free again");
    assert_eq!(SharedValue::<u64>::attach(&name).expect("it is a value too").add(2).expect("the lock is sound"), 7);
    assert_eq!(one.get(0), Some(7));
}
