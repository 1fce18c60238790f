//! Several numbers.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use common::{
    CommitError, CreateError, Error, MOST_SHARED_CELLS, Scalar, SegmentName, SharedArray, SharedValue, inspect,
};

use crate::processes::{Child, Name};

/// More cells than a run's array can have.
const LONG: usize = 1 << 21;

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
fn arrays_of_one_cell_and_of_millions_work_and_no_or_too_many_cells_are_refused() {
    let name = Name::new();
    for len in [0, MOST_SHARED_CELLS as usize + 1, 1 << 32, usize::MAX] {
        let error = SharedArray::<i32>::zeroed(&name, len).expect_err("there cannot be so many");
        assert!(matches!(error, CreateError::Terms { .. }), "{len}: {error}");
    }
    // The most would take a gigabyte.
    let many = SharedArray::zeroed(&name, LONG).expect("the name is free");
    many.update(|cells| cells.fill(9)).expect("the lock is sound");
    assert_eq!((many.get(0), many.get(LONG - 1)), (Some(9), Some(9)));
    drop(many);
    let one = SharedArray::create(&name, &[5_u64]).expect("the name is free again");
    assert_eq!(SharedValue::<u64>::attach(&name).expect("it is a value too").add(2).expect("the lock is sound"), 7);
    assert_eq!(one.get(0), Some(7));
}

/// Fault 63: a commit changes what it is told, whether its changes fit into the record one by one or not.
#[test]
fn a_commit_changes_just_the_cells_that_it_is_told_for_every_type_and_any_number_of_them() {
    fn check<T: Scalar + Copy>(zero: T, one: T) {
        for len in [2, 3, 7, 8, 9, 16, 61] {
            let name = Name::new();
            let array = SharedArray::create(&name, &vec![zero; len]).expect("the name is free");
            let mut expected = vec![zero; len];
            for size in 1..=len {
                let value = if size % 2 == 0 { zero } else { one };
                // The last one counts.
                let mut changes = vec![(size * 3 % len, if size % 2 == 0 { one } else { zero })];
                changes.extend((0..size).map(|offset| ((size * 3 + offset) % len, value)));
                array.lock().expect("the lock is sound").replace(&changes).expect("the record is sound");
                for (index, value) in changes {
                    expected[index] = value;
                }
                assert_eq!(array.lock().expect("the lock is sound").to_vec(), expected, "{len} cells, {size} changes");
            }
        }
    }
    check(0_i32, i32::MIN);
    check(0_i64, i64::MIN);
    check(0_u32, u32::MAX);
    check(0_u64, u64::MAX);
    check(0.0_f32, f32::MIN_POSITIVE);
    check(0.0_f64, -0.1);
    check(false, true);
}

#[test]
fn a_commit_without_a_change_changes_nothing_and_one_beyond_the_end_panics_before_it_does() {
    let name = Name::new();
    let array = SharedArray::create(&name, &[1, 2, 3]).expect("the name is free");
    array.lock().expect("the lock is sound").replace(&[]).expect("there is nothing to do");
    array.update(|_| {}).expect("there is nothing to do");
    let beyond = || array.lock().expect("the lock is sound").replace(&[(0, 9), (3, 9)]);
    catch_unwind(AssertUnwindSafe(beyond)).expect_err("there is no cell 3");
    assert_eq!(array.lock().expect("the lock is sound").to_vec(), [1, 2, 3]);
    assert_eq!(
        array.lock().expect("the lock is sound").add_at(1, i32::MAX).expect("the record is sound"),
        i32::MIN + 1
    );
}

/// For programs in C: an array's cells lie from there on (`common/src/layout/mod.rs`).
#[test]
fn the_cells_lie_one_behind_the_other_as_c_lays_them_out() {
    const CELLS_AT: u64 = 4288;
    let name = Name::new();
    let numbers = [1.5_f32, -2.0, 3.25];
    let _array = SharedArray::create(&name, &numbers).expect("the name is free");
    let mut bytes = [0; 12];
    File::open(name.path()).expect("it is there").read_exact_at(&mut bytes, CELLS_AT).expect("they are there");
    assert_eq!(bytes.as_chunks::<4>().0.iter().map(|cell| f32::from_ne_bytes(*cell)).collect::<Vec<_>>(), numbers);
}

/// Fault 63: `status` and `list` look at the first cells of a long array.
#[test]
fn a_snapshot_of_a_long_array_has_its_first_cells_alone() {
    let name = Name::new();
    let array = SharedArray::zeroed(&name, LONG).expect("the name is free");
    array.lock().expect("the lock is sound").replace(&[(0, 7), (15, -8), (16, 9), (LONG - 1, 9)]).expect("it is sound");
    let (snapshot, _) = inspect(&name).expect("it is there");
    let shown: Vec<String> = snapshot.value.as_slice().iter().map(ToString::to_string).collect();
    assert!(snapshot.is_consistent);
    assert_eq!((shown.len(), shown[0].as_str(), shown[15].as_str()), (16, "7", "-8"));
    assert_eq!(snapshot.terms.cells as usize, LONG);
}
