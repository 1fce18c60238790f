//! Values and arrays for Rust programs of one's own, as `multiprocessing.Value` and `Array` are for Python's: no
//! coordinator, no workers, no tickets.
//!
//! | operation | lock | of a process that is killed in it |
//! |---|---|---|
//! | `get` of a value or an array | not needed: one load | |
//! | `get` and `set` of a guard | held | each `set` is in place or not, by itself |
//! | `update`, `add` | held, or taken for the call | all cells are changed or none |
//!
//! Invariants, whichever process is killed at whichever instruction, once the lock has been taken again: a cell holds
//! what one `set`, `update` or `add` gave it, and an `update` or `add` has changed all cells or none.

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

use crate::error::{Error, Result, shape};
use crate::lock::Guard;
use crate::name::SegmentName;
use crate::segment::Segment;
use crate::terms::{Mode, Terms};

/// What a value and an array have in common: a segment whose cells are of one type.
struct Cells<T> {
    segment: Segment,
    /// Whether dropping it takes the name away.
    unlinks: bool,
    kind: PhantomData<T>,
}

impl<T> Drop for Cells<T> {
    fn drop(&mut self) {
        if self.unlinks {
            // Where the system refuses, the segment stays, as after a crash.
            let _ = self.segment.unlink();
        }
    }
}

impl<T: Scalar> Cells<T> {
    /// Creates that many cells, of which the first ones hold `initial` before anybody can see them, and the others zero.
    fn create(name: &SegmentName, cells: usize, initial: &[T]) -> Result<Self> {
        // More than a `u32` can tell are refused with the rest that are too many.
        let cells = u32::try_from(cells).unwrap_or(u32::MAX);
        let terms = Terms { mode: Mode::Shared, value_type: T::VALUE_TYPE, cells, ..Terms::by_hand("", 1) };
        let segment = Segment::create_with(name, &terms, |view| {
            for (cell, value) in view.cells().iter().zip(initial) {
                // The Release of `ready` publishes it.
                cell.store(value.bits(), Relaxed);
            }
        })?;
        Ok(Self { segment, unlinks: true, kind: PhantomData })
    }

    /// Attaches, if there are cells of that type, and as many as `fits` accepts.
    fn attach(name: &SegmentName, fits: impl Fn(u32) -> bool, wanted: String) -> Result<Self> {
        let segment = Segment::attach(name)?;
        let terms = segment.terms();
        let found = match terms.mode {
            Mode::Shared if terms.value_type == T::VALUE_TYPE && fits(terms.cells) => {
                return Ok(Self { segment, unlinks: false, kind: PhantomData });
            }
            Mode::Shared => shape(terms.cells, terms.value_type.name()),
            mode => format!("the value of a run (mode {})", mode.name()),
        };
        Err(Error::OtherType { name: name.clone(), found, wanted })
    }

    fn lock(&self) -> Result<Guard<'_>> {
        self.segment.lock(|_, _| {})
    }

    fn try_lock(&self) -> Result<Option<Guard<'_>>> {
        match self.segment.lock_within(Duration::ZERO) {
            Err(Error::Busy { .. } | Error::Deadlock { .. }) => Ok(None),
            outcome => outcome.map(Some),
        }
    }
}

/// What the cell holds, in one load.
fn load<T: Scalar>(cell: &AtomicU64) -> T {
    // Acquire pairs with the Release in `store`, and with the fence in `publish`: who sees a value without the lock sees
    // also what its writer wrote before it.
    T::from_bits(cell.load(Acquire))
}

/// Stores into the cell. Only for the holder of the lock.
fn store<T: Scalar>(cell: &AtomicU64, value: T) {
    // Release pairs with the Acquire in `load`.
    cell.store(value.bits(), Release);
}

/// Gives all cells their values: all or none. There must be one for each cell.
fn exchange<T: Scalar>(guard: &mut Guard<'_>, values: impl Iterator<Item = T>) -> Result<()> {
    guard.exchange(values.map(|value| T::VALUE_TYPE.value(value.bits())))
}
