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
mod array_guard;
mod scalar;
mod value;

use std::marker::PhantomData;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

pub use array::SharedArray;
pub use array_guard::ArrayGuard;
pub use scalar::{Addend, Scalar};
pub use value::{SharedValue, ValueGuard};

use scalar::SEAL;

use crate::error::Result;
use crate::lock::{Guard, LockError, LockOutcome};
use crate::name::SegmentName;
use crate::redo::{self, ClaimState, Record};
use crate::removal;
use crate::segment::{AttachError, CreateError, Segment};
use crate::terms::{Mode, Terms};
use crate::value::{Number, ValueType, shape};

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
            // In a forked child it is refused: the name is the parent's. If the system refuses, the segment stays, as after a
            // crash.
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
            for (index, value) in initial.iter().enumerate() {
                // Published by the rename that gives the segment its name. There are as many cells as values, or more.
                let _ = view.cells.store(index, value.to_cell(SEAL), Relaxed);
            }
        })?;
        Ok(Self { segment, unlinks: true, kind: PhantomData })
    }

    /// Attaches, or creates the cells if nothing has the name.
    ///
    /// Nobody's drop unlinks the name: whoever comes later is to find it.
    fn open_or_create(
        create: impl Fn() -> Result<Self, CreateError>,
        attach: impl Fn() -> Result<Self, AttachError>,
    ) -> Result<Self> {
        loop {
            match attach() {
                Err(AttachError::NoSegment { .. }) => {}
                attached => return Ok(attached?),
            }
            match create() {
                // Somebody else was faster.
                Err(CreateError::Exists { .. }) => {}
                created => {
                    let mut cells = created?;
                    cells.unlinks = false;
                    return Ok(cells);
                }
            }
        }
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
        acquire(&self.segment)
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

    /// The number of cells.
    fn len(&self) -> usize {
        self.segment.view().cells.len()
    }

    /// Loads the only cell.
    fn load_only(&self) -> T {
        // Acquire: as in `load`.
        T::from_cell(self.segment.view().header.core.value.load(Acquire), SEAL)
    }

    /// Loads a cell; nothing if there is no such cell. Ask afterwards whether the segment is whole.
    fn load(&self, index: usize) -> Option<T> {
        // Acquire: whoever sees a value without the lock also sees what its writer wrote before it. Pairs with the Release in
        // `set` and with the fence in `redo::publish`.
        self.segment.view().cells.load(index, Acquire).map(|bits| T::from_cell(bits, SEAL))
    }

    /// Loads the only cell. A panic is better than a number that nobody stored.
    #[track_caller]
    fn get_only(&self) -> T {
        let value = self.load_only();
        self.segment.assert_whole();
        value
    }

    /// Loads a cell; nothing if there is no such cell.
    #[track_caller]
    fn get(&self, index: usize) -> Option<T> {
        let value = self.load(index)?;
        self.segment.assert_whole();
        Some(value)
    }

    /// Stores into the only cell. The caller holds the lock.
    #[track_caller]
    fn set_only(&self, value: T) {
        // Release: pairs with the Acquire in `load_only`.
        self.segment.view().header.core.value.store(value.to_cell(SEAL), Release);
        self.segment.assert_whole();
    }

    /// Stores into a cell. The caller holds the lock. Returns whether there is such a cell.
    #[track_caller]
    fn set(&self, index: usize, value: T) -> bool {
        // Release: pairs with the Acquire in `load`.
        let is_there = self.segment.view().cells.store(index, value.to_cell(SEAL), Release).is_some();
        self.segment.assert_whole();
        is_there
    }
}

/// Changes the only cell in one commit.
#[inline]
fn commit_only(guard: &mut Guard<'_>, kind: ValueType, bits: u64) -> Result<(), LockError> {
    guard.must_be_own()?;
    let view = guard.segment().view();
    redo::begin();
    redo::write_cell(&view.header.redo.entry, kind.value(bits), Number::Integer(0));
    Ok(guard.commit(&CELLS_ALONE)?)
}

/// Changes these cells in one commit: their indices, and the bits that they will hold.
///
/// Not inlined, so that the tests kill what is shipped.
fn commit(guard: &mut Guard<'_>, kind: ValueType, changes: &[(u32, u64)]) -> Result<(), LockError> {
    guard.must_be_own()?;
    let view = guard.segment().view();
    let Some((_, last)) = changes.last() else { return Ok(()) };
    if view.is_single {
        return commit_only(guard, kind, *last);
    }
    redo::changes::write(view, changes);
    Ok(guard.commit(&CELLS_ALONE)?)
}

/// The record of a commit without a ticket, except for its cells.
const CELLS_ALONE: Record = Record { ticket: 0, claim: ClaimState::Free, done: 0, chunk: None };

/// Acquires the lock of a segment, however long it takes.
#[inline]
fn acquire(segment: &Segment) -> Result<Guard<'_>, LockError> {
    Guard::acquire(segment, |_, _| {})
}

/// How the lock was acquired, or that an owner's death is not cleared yet.
fn outcome(guard: &Guard<'_>) -> LockOutcome {
    let header = guard.segment().view().header;
    let is_cleared = header.redo.recoveries.load(Relaxed) == header.live.cleared_deaths.load(Relaxed);
    if is_cleared { LockOutcome::Released } else { LockOutcome::OwnerDied }
}

/// Makes [`outcome`] forget the owners that died so far.
fn clear_owner_died(guard: &mut Guard<'_>) {
    // In a forked child the guard is the parent's, and what it is to clear, too.
    if !guard.is_own() {
        return;
    }
    let header = guard.segment().view().header;
    header.live.cleared_deaths.store(header.redo.recoveries.load(Relaxed), Relaxed);
}
