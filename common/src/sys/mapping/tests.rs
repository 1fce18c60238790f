//! The core of a mapping over memory from the heap: no system call, so Miri can run it.
//!
//! `cargo +nightly miri test -p common over_the_heap` checks the views, the commits and the drop under Stacked Borrows, and
//! with `MIRIFLAGS=-Zmiri-tree-borrows` under Tree Borrows.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::mpsc;
use std::thread;

use super::{Mapping, Memory};
use crate::layout::{Geometry, Kind, PAGE, View};
use crate::redo::{self, ChunkRecord, ClaimState, Record, SetAsideChange, load_range, recovery};
use crate::value::{Number, ValueType};

/// A zeroed segment on the heap.
struct Heap {
    base: *mut u8,
    layout: Layout,
}

// SAFETY: as for `SharedBytes`: memory from the heap is tied to no thread.
unsafe impl Send for Heap {}

// SAFETY: the fields never change.
unsafe impl Sync for Heap {}

impl Heap {
    fn new(geometry: Geometry) -> Self {
        let layout = Layout::from_size_align(geometry.size(), PAGE).expect("it is small");
        // SAFETY: the size is not zero.
        let base = unsafe { alloc_zeroed(layout) };
        if base.is_null() {
            handle_alloc_error(layout);
        }
        Self { base, layout }
    }
}

// SAFETY: the allocator aligned it to a page, and it is freed in the drop. The tests reach it through views alone.
unsafe impl Memory for Heap {
    fn base(&self) -> *mut u8 {
        self.base
    }

    fn len(&self) -> usize {
        self.layout.size()
    }

    fn has_lost(&self, _offset: usize) -> bool {
        false
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout, and given away by nobody.
        unsafe { dealloc(self.base, self.layout) }
    }
}

fn mapping(cells: u32, kind: Kind) -> Mapping<Heap> {
    let geometry = Geometry { slots: 2, cells, width: 8, kind }.checked().expect("it is small");
    Mapping::new(Heap::new(geometry), geometry).expect("raw_sync only stores the pointer")
}

/// Writes the cells of a record, as `LockedLedger` does.
fn write_cells(view: &View<'_>, numbers: &[i128]) {
    redo::begin();
    let entries = if view.is_single { std::slice::from_ref(&view.header.redo.entry) } else { view.redo_entries() };
    for (entry, number) in entries.iter().zip(numbers) {
        let number = Number::Integer(*number);
        let value = ValueType::I64.value(0).add(number, crate::value::Overflow::Wrap).expect("it wraps");
        redo::write_cell(entry, value, number);
    }
}

fn values(view: &View<'_>) -> Vec<u64> {
    view.cells.iter(Relaxed).collect()
}

const FINISHED: Record = Record { ticket: 2, claim: ClaimState::Done { epoch: 1 }, done: 1, chunk: None };

#[test]
fn a_commit_over_the_heap_changes_all_cells_and_ends_with_its_memory() {
    let mapping = mapping(3, Kind::Tickets);
    write_cells(mapping.view(), &[1, -2, 3]);
    redo::commit(mapping.view(), &FINISHED).expect("the record fits");
    assert_eq!(values(mapping.view()), [1, 2_u64.wrapping_neg(), 3]);
    assert_eq!(mapping.view().log[0].load(Relaxed), 2);
    // By value: whoever takes references by value, also in a field, asserts that they stay valid until it returns.
    drop(mapping);
}

#[test]
fn a_chunk_that_is_set_aside_over_the_heap_reaches_the_last_part_of_the_segment() {
    let mapping = mapping(1, Kind::Chunks);
    let view = mapping.view();
    let change = SetAsideChange { place: 4096, range: 5..7, cause: 1, count: 2, chunks: 1 };
    redo::write_set_aside(view, &change);
    write_cells(view, &[0]);
    let (first_epoch, stolen_from, chunks, iterations) = (1, 1, 0, 0);
    let chunk =
        ChunkRecord { chunk: 7..9, first_epoch, stolen_from, chunks, iterations, cursor: 9, set_aside: change.place };
    let record = Record { ticket: 2, claim: ClaimState::Taken { epoch: 1 }, done: 0, chunk: Some(chunk) };
    redo::commit(view, &record).expect("the record fits");
    assert_eq!(load_range(&view.set_aside[4095].range), 5..7);
    assert_eq!(load_range(&view.slots[1].chunk), 7..9);
}

#[test]
fn a_recovery_over_the_heap_applies_what_was_published() {
    let mapping = mapping(2, Kind::Tickets);
    write_cells(mapping.view(), &[4, 5]);
    redo::commit(mapping.view(), &FINISHED).expect("the record fits");
    // As a death right after the commit point would leave it.
    mapping.view().header.core.applied.store(0, Relaxed);
    for cell in 0..2 {
        mapping.view().cells.store(cell, 0, Relaxed).expect("there is such a cell");
    }
    assert!(recovery::is_needed(mapping.view()));
    recovery::recover(mapping.view(), true).expect("a crash leaves such a state");
    assert_eq!(values(mapping.view()), [4, 5]);
    assert_eq!(mapping.view().header.redo.recoveries.load(Relaxed), 1);
}

#[test]
fn threads_share_a_mapping_over_the_heap() {
    let mapping = mapping(2, Kind::Tickets);
    // A token instead of the mutex, which is a system call.
    let (give, take) = mpsc::channel();
    thread::scope(|scope| {
        let view = mapping.view();
        scope.spawn(move || {
            write_cells(view, &[1, 1]);
            redo::commit(view, &FINISHED).expect("the record fits");
            give.send(()).expect("the other thread waits");
        });
        scope.spawn(|| {
            // A reader without the lock: of either commit, or between them.
            while view.header.core.applied.load(Acquire) == 0 {
                thread::yield_now();
            }
            assert!(values(view).iter().all(|value| (1..=2).contains(value)));
        });
        take.recv().expect("the other thread commits");
        write_cells(view, &[2, 2]);
        redo::commit(view, &Record { ticket: 0, claim: ClaimState::Free, done: 1, chunk: None }).expect("it fits");
    });
    assert_eq!(values(mapping.view()), [2, 2]);
}

#[test]
fn a_leaked_lock_over_the_heap_leaks_the_bytes() {
    let mapping = mapping(1, Kind::Tickets);
    mapping.lock().assume_held();
    let (base, layout) = (mapping.bytes.base, mapping.bytes.layout);
    drop(mapping);
    // SAFETY: the drop has left the bytes to us; otherwise this is a second free, which Miri and the allocator see.
    unsafe { dealloc(base, layout) }
}

/// With every width of a cell, and with changes that fit into the record one by one and that do not.
#[test]
fn changes_of_a_shared_array_over_the_heap_are_applied_and_recovered() {
    for width in [1, 4, 8] {
        for changes in [vec![(10, 1)], (0..9).map(|index| (index, 1)).collect()] {
            let geometry = Geometry { slots: 1, cells: 11, width, kind: Kind::Shared }.checked().expect("it is small");
            let mapping = Mapping::new(Heap::new(geometry), geometry).expect("raw_sync only stores the pointer");
            let view = mapping.view();
            redo::changes::write(view, &changes);
            redo::commit(view, &Record { ticket: 0, claim: ClaimState::Free, done: 0, chunk: None }).expect("it fits");
            let expected: Vec<u64> =
                (0..11).map(|cell| changes.iter().any(|(index, _)| *index == cell).into()).collect();
            assert_eq!(values(view), expected);
            view.header.core.applied.store(0, Relaxed);
            for cell in 0..11 {
                view.cells.store(cell, 0, Relaxed).expect("there is such a cell");
            }
            recovery::recover(view, true).expect("a crash leaves such a state");
            assert_eq!(values(view), expected);
        }
    }
}
