//! What can be done to cells under their lock.

use std::sync::atomic::Ordering::{Relaxed, Release};

use super::SharedCells;
use crate::lock::{Acquisition, LockError};
use crate::redo::{self, ClaimState, Record};
use crate::segment::Segment;
use crate::value::Number;

/// Cells whose lock this thread holds.
///
/// In a forked child of the process that acquired the lock every change fails with [`LockError::Forked`]: the lock is the
/// parent's.
pub struct LockedCells<'a> {
    pub(super) cells: &'a SharedCells,
    pub(super) acquisition: &'a Acquisition,
}

impl LockedCells<'_> {
    /// The bits of a cell; nothing if there is no such cell.
    ///
    /// # Errors
    /// [`LockError::Damaged`] if another program truncated the segment.
    #[inline]
    pub fn get(&self, index: usize) -> Result<Option<u64>, LockError> {
        self.cells.get(index)
    }

    /// Stores bits into a cell at once. They stay, whatever happens to this process.
    ///
    /// # Errors
    /// [`LockError::Forked`]; nothing is changed then. [`LockError::Damaged`] if another program truncated the segment.
    ///
    /// # Panics
    /// If there is no such cell.
    #[inline]
    #[track_caller]
    pub fn set(&mut self, index: usize, bits: u64) -> Result<(), LockError> {
        self.acquisition.must_be_own(self.segment())?;
        // Release: pairs with the Acquire in `SharedCells::load`.
        let is_there = self.segment().view().cells.store(index, bits, Release).is_some();
        assert!(is_there, "no cell {index} in an array of {}", self.cells.len());
        self.cells.must_be_whole()
    }

    /// Stores these bits, each into the cell of its index; the last ones count if an index comes twice.
    ///
    /// A process killed in the middle has stored all of them or none.
    ///
    /// # Errors
    /// [`LockError::Forked`]; nothing is changed then. [`LockError::Damaged`] if another process damaged or truncated the segment.
    ///
    /// # Panics
    /// If there is no such cell, before anything is stored.
    #[track_caller]
    pub fn replace(&mut self, values: &[(usize, u64)]) -> Result<(), LockError> {
        let changes: Vec<(u32, u64)> = values.iter().map(|(index, bits)| (self.index(*index), *bits)).collect();
        self.commit(&changes)
    }

    /// Adds to one cell as [`replace`](Self::replace) does, and returns the sum's bits. Integers wrap around.
    ///
    /// # Errors
    /// As [`Self::replace`].
    ///
    /// # Panics
    /// If there is no such cell.
    #[inline]
    #[track_caller]
    pub fn add_at(&mut self, index: usize, bits: u64) -> Result<u64, LockError> {
        let place = self.index(index);
        let before = self.cells.load(index);
        self.cells.must_be_whole()?;
        let sum = self.cells.value_type().plus(before.unwrap_or(0), bits);
        if self.cells.is_single() {
            self.commit_only(sum)?;
        } else {
            self.commit(&[(place, sum)])?;
        }
        Ok(sum)
    }

    /// Makes [`SharedCells::outcome`] forget the owners that died so far. Does nothing in a forked child.
    pub fn clear_owner_died(&mut self) {
        if self.acquisition.is_own() {
            let header = self.segment().view().header;
            header.live.cleared_deaths.store(header.redo.recoveries.load(Relaxed), Relaxed);
        }
    }

    /// The index as the record holds it.
    #[inline]
    #[track_caller]
    pub(super) fn index(&self, index: usize) -> u32 {
        assert!(index < self.cells.len(), "no cell {index} in an array of {}", self.cells.len());
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    /// Changes the only cell in one commit.
    #[inline]
    pub(super) fn commit_only(&mut self, bits: u64) -> Result<(), LockError> {
        self.acquisition.must_be_own(self.segment())?;
        redo::begin();
        let value = self.cells.value_type().value(bits);
        redo::write_cell(&self.segment().view().header.redo.entry, value, Number::Integer(0));
        self.finish()
    }

    /// Changes these cells in one commit: their indices, and the bits that they will hold.
    ///
    /// Not inlined, so that the tests kill what is shipped.
    pub(super) fn commit(&mut self, changes: &[(u32, u64)]) -> Result<(), LockError> {
        self.acquisition.must_be_own(self.segment())?;
        let Some((_, last)) = changes.last() else { return Ok(()) };
        if self.cells.is_single() {
            return self.commit_only(*last);
        }
        redo::changes::write(self.segment().view(), changes);
        self.finish()
    }

    #[inline]
    fn finish(&mut self) -> Result<(), LockError> {
        redo::commit(self.segment().view(), &CELLS_ALONE)?;
        self.cells.must_be_whole()
    }

    #[inline]
    fn segment(&self) -> &Segment {
        self.cells.as_ref()
    }
}

/// The record of a commit without a ticket, except for its cells.
const CELLS_ALONE: Record = Record { ticket: 0, claim: ClaimState::Free, done: 0, chunk: None };
