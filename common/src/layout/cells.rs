//! The cells of a shared value, as C lays them out.

use std::ffi::c_void;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

/// Cells, one behind the other, each as wide as its type.
#[derive(Clone, Copy)]
pub enum CellSlice<'a> {
    /// One byte each.
    Bytes(&'a [AtomicU8]),
    /// Four bytes each.
    Halves(&'a [AtomicU32]),
    /// Eight bytes each.
    Words(&'a [AtomicU64]),
}

impl CellSlice<'_> {
    /// The number of cells.
    #[inline]
    pub fn len(self) -> usize {
        match self {
            Self::Bytes(cells) => cells.len(),
            Self::Halves(cells) => cells.len(),
            Self::Words(cells) => cells.len(),
        }
    }

    /// Where the first cell is.
    pub fn as_ptr(self) -> *mut c_void {
        match self {
            Self::Bytes(cells) => cells.as_ptr().cast_mut().cast(),
            Self::Halves(cells) => cells.as_ptr().cast_mut().cast(),
            Self::Words(cells) => cells.as_ptr().cast_mut().cast(),
        }
    }

    /// The bytes of a cell.
    pub fn width(self) -> usize {
        match self {
            Self::Bytes(_) => 1,
            Self::Halves(_) => 4,
            Self::Words(_) => 8,
        }
    }

    /// Loads a cell; the bits beyond its width are zero. Nothing if there is no such cell.
    #[inline]
    pub fn load(self, index: usize, order: Ordering) -> Option<u64> {
        Some(match self {
            Self::Bytes(cells) => cells.get(index)?.load(order).into(),
            Self::Halves(cells) => cells.get(index)?.load(order).into(),
            Self::Words(cells) => cells.get(index)?.load(order),
        })
    }

    /// Stores the low bits into a cell. Nothing if there is no such cell.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the low bits are the cell's")]
    pub fn store(self, index: usize, bits: u64, order: Ordering) -> Option<()> {
        match self {
            Self::Bytes(cells) => cells.get(index)?.store(bits as u8, order),
            Self::Halves(cells) => cells.get(index)?.store(bits as u32, order),
            Self::Words(cells) => cells.get(index)?.store(bits, order),
        }
        Some(())
    }

    /// The bits of all cells, in order.
    pub fn iter(self, order: Ordering) -> impl Iterator<Item = u64> {
        (0..self.len()).filter_map(move |index| self.load(index, order))
    }
}
