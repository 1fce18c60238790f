//! Values and arrays for Rust programs of one's own, like Python's `multiprocessing.Value` and `Array`: no coordinator, no
//! workers, no tickets.
//!
//! | operation | lock | killed in the middle |
//! |---|---|---|
//! | `get` of a value or an array | not needed: one load | |
//! | `get` and `set` of a guard | held | each `set` is done or not, by itself |
//! | `update`, `add` | held, or acquired for the call | all cells are changed or none |
//!
//! All threads of a process may share a handle. A guard stays with its thread.
//!
//! If another program truncates the segment's file, what touches a lost page fails: with `LockError::Damaged`, or with a panic
//! where there is no error to return, rather than with a number that nobody stored.
//!
//! Invariants, whichever process is killed at whichever instruction, once the lock has been acquired again: a cell holds the
//! value of one `set`, `update` or `add`; and an `update` or `add` has changed all cells or none.

mod array;
mod scalar;
mod value;

use std::marker::PhantomData;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

pub use array::{ArrayGuard, SharedArray};
pub use scalar::Scalar;
pub use value::{SharedValue, ValueGuard};

use crate::lock::{Guard, LockError};
use crate::name::SegmentName;
use crate::redo::{self, ClaimState, Record};
use crate::removal;
use crate::segment::{AttachError, CreateError, Segment};
use crate::terms::{Mode, Terms};
use crate::value::{Number, shape};

/// The common part of a value and an array: a segment whose cells are of one type.
struct SharedCells<T> {
    segment: Segment,
    /// Whether dropping it unlinks the name.
    unlinks: bool,
    kind: PhantomData<T>,
}

impl<T> Drop for SharedCells<T> {
    fn drop(&mut self) {
        if self.unlinks {
            // If the system refuses, the segment stays, as after a crash.
            let _ = removal::unlink(&self.segment);
        }
    }
}

impl<T: Scalar> SharedCells<T> {
    /// Creates that many cells. The first ones hold `initial` before anybody can see them, the others zero.
    fn create(name: &SegmentName, cells: usize, initial: &[T]) -> Result<Self, CreateError> {
        // A number beyond `u32` is too large anyway and is refused as such.
        let cells = u32::try_from(cells).unwrap_or(u32::MAX);
        let terms = Terms { mode: Mode::Shared, value_type: T::VALUE_TYPE, cells, ..Terms::by_hand("", 1) };
        let segment = Segment::create_with(name, &terms, |view| {
            for (cell, value) in view.cells().iter().zip(initial) {
                // Published by the Release of `ready`.
                cell.store(value.bits(), Relaxed);
            }
        })?;
        Ok(Self { segment, unlinks: true, kind: PhantomData })
    }

    /// Attaches, if the segment has cells of this type and `fits` accepts their number.
    fn attach(name: &SegmentName, fits: impl Fn(u32) -> bool, wanted: String) -> Result<Self, AttachError> {
        let segment = Segment::attach(name)?;
        let terms = segment.terms();
        let found = match terms.mode {
            Mode::Shared if terms.value_type == T::VALUE_TYPE && fits(terms.cells) => {
                return Ok(Self { segment, unlinks: false, kind: PhantomData });
            }
            Mode::Shared => shape(terms.cells, terms.value_type.name()),
            mode => format!("the value of a run (mode {})", mode.name()),
        };
        Err(AttachError::OtherType { name: name.clone(), found, wanted })
    }

    fn lock(&self) -> Result<Guard<'_>, LockError> {
        Guard::acquire(&self.segment, |_, _| {})
    }

    fn lock_within(&self, patience: Duration) -> Result<Guard<'_>, LockError> {
        Guard::acquire_within(&self.segment, patience)
    }

    fn try_lock(&self) -> Result<Option<Guard<'_>>, LockError> {
        match self.lock_within(Duration::ZERO) {
            Err(LockError::Busy { .. } | LockError::Deadlock { .. }) => Ok(None),
            outcome => outcome.map(Some),
        }
    }

    /// Loads a cell; nothing if there is no such cell. A panic is better than a number that nobody stored.
    #[track_caller]
    fn get(&self, index: usize) -> Option<T> {
        let value = load(self.cell(index)?);
        self.segment.assert_whole();
        Some(value)
    }

    /// Stores into a cell. The caller holds the lock. Returns whether there is such a cell.
    #[track_caller]
    fn set(&self, index: usize, value: T) -> bool {
        let Some(cell) = self.cell(index) else { return false };
        store(cell, value);
        self.segment.assert_whole();
        true
    }

    /// One of the cells.
    fn cell(&self, index: usize) -> Option<&AtomicU64> {
        let view = self.segment.view();
        match index.checked_sub(1) {
            None => Some(&view.header.core.value),
            Some(further) => view.further_cells.get(further),
        }
    }
}

/// Loads a cell.
fn load<T: Scalar>(cell: &AtomicU64) -> T {
    // Acquire: whoever sees a value without the lock also sees what its writer wrote before it. Pairs with the Release in
    // `store` and with the fence in `redo::publish`.
    T::from_bits(cell.load(Acquire))
}

/// Stores into a cell. The caller holds the lock.
fn store<T: Scalar>(cell: &AtomicU64, value: T) {
    // Release: pairs with the Acquire in `load`.
    cell.store(value.bits(), Release);
}

/// Replaces the values of all cells in one commit. `values` has one for each cell.
fn replace_all<T: Scalar>(guard: &mut Guard<'_>, values: impl Iterator<Item = T>) -> Result<(), LockError> {
    let view = guard.segment().view();
    redo::begin();
    for (entry, value) in view.redo_entries().iter().zip(values) {
        redo::write_cell(entry, T::VALUE_TYPE.value(value.bits()), Number::Integer(0));
    }
    Ok(guard.commit(&Record { ticket: 0, claim: ClaimState::Free, done: 0, chunk: None })?)
}
