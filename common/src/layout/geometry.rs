//! The offsets of a segment's parts, from its number of slots and cells.

use std::iter::once;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::{Entry, Header, PAGE, SetAside, Slot};
use crate::value::Cells;

/// The most slots of a segment.
pub const MOST_SLOTS: u32 = 2_000_000;

/// The most cells of an array.
pub const MOST_CELLS: u32 = 1 << 20;

/// The most entries for all cells and tickets: 1.5 GiB.
pub const MOST_ENTRIES: usize = 1 << 26;

/// The number of ranges that a split run can set aside.
pub const SET_ASIDE: usize = 4096;

/// The size of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// The number of slots: one for each ticket.
    pub slots: u32,
    /// The number of cells.
    pub cells: u32,
    /// Whether ranges can be set aside: in a split run.
    pub is_split: bool,
}

impl Geometry {
    /// Offset of the first slot.
    pub const SLOTS_AT: usize = PAGE;

    /// This geometry; nothing beyond the limits.
    pub fn checked(self) -> Option<Self> {
        let are_allowed = (1..=MOST_SLOTS).contains(&self.slots) && (1..=MOST_CELLS).contains(&self.cells);
        (are_allowed && self.further_entries() <= MOST_ENTRIES).then_some(self)
    }

    /// Offset of the log.
    pub fn log_at(self) -> usize {
        Self::SLOTS_AT + self.slots as usize * size_of::<Slot>()
    }

    /// Offset of the further cells, a multiple of eight.
    pub fn cells_at(self) -> usize {
        (self.log_at() + self.slots as usize * size_of::<AtomicU32>()).next_multiple_of(align_of::<Entry>())
    }

    /// Offset of the further entries: of the redo record, then of each ticket.
    pub fn entries_at(self) -> usize {
        self.cells_at() + self.further_cells() * size_of::<AtomicU64>()
    }

    /// The number of cells behind the log.
    pub fn further_cells(self) -> usize {
        self.cells as usize - 1
    }

    /// The number of entries behind the further cells.
    pub fn further_entries(self) -> usize {
        self.further_cells() * (1 + self.slots as usize)
    }

    /// Offset of the ranges that are set aside, a multiple of eight.
    pub fn set_aside_at(self) -> usize {
        self.entries_at() + self.further_entries() * size_of::<Entry>()
    }

    /// The number of ranges that can be set aside.
    pub fn set_aside(self) -> usize {
        if self.is_split { SET_ASIDE } else { 0 }
    }

    /// The size of the segment in bytes: whole pages.
    pub fn size(self) -> usize {
        (self.set_aside_at() + self.set_aside() * size_of::<SetAside>()).next_multiple_of(PAGE)
    }
}

/// A segment's parts, mapped or copied.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub header: &'a Header,
    pub slots: &'a [Slot],
    /// Tickets in the order of their commits.
    pub log: &'a [AtomicU32],
    /// All cells but the first.
    pub further_cells: &'a [AtomicU64],
    /// An entry for each of these cells: of the redo record, then of each ticket.
    pub further_entries: &'a [Entry],
    /// The ranges that are set aside, and free places for more.
    pub set_aside: &'a [SetAside],
}

impl<'a> View<'a> {
    /// The slot of a ticket. Tickets are numbered from 1.
    pub fn slot(self, ticket: u32) -> Option<&'a Slot> {
        self.slots.get(usize::try_from(ticket.checked_sub(1)?).ok()?)
    }

    /// The places for ranges that are set aside which were ever used.
    pub fn used_set_aside(self) -> &'a [SetAside] {
        let used = usize::try_from(self.header.set_aside.used.load(Relaxed)).unwrap_or(usize::MAX);
        &self.set_aside[..used.min(self.set_aside.len())]
    }

    /// All cells.
    pub fn cells(self) -> Each<'a, AtomicU64> {
        Each { first: &self.header.core.value, further: self.further_cells }
    }

    /// The redo record's entries, one for each cell.
    pub fn redo_entries(self) -> Each<'a, Entry> {
        Each { first: &self.header.redo.entry, further: self.entries_of(0) }
    }

    /// A ticket's entries, one for each cell.
    pub fn entries(self, slot: &'a Slot, ticket: u32) -> Each<'a, Entry> {
        Each { first: &slot.entry, further: self.entries_of(ticket as usize) }
    }

    /// The further entries of the record (0) or of a ticket.
    fn entries_of(self, place: usize) -> &'a [Entry] {
        let cells = self.further_cells.len();
        if cells == 0 {
            return &[];
        }
        self.further_entries.get(place * cells..(place + 1) * cells).unwrap_or_default()
    }
}

/// One item for each cell: the first, and the further ones of an array.
pub struct Each<'a, T> {
    pub first: &'a T,
    pub further: &'a [T],
}

impl<T> Clone for Each<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Each<'_, T> {}

impl<'a, T> Each<'a, T> {
    /// Pairs the items of two.
    ///
    /// `for_each` handles the first pair without a loop.
    pub fn zip<U>(self, other: Each<'a, U>) -> impl Iterator<Item = (&'a T, &'a U)> {
        once((self.first, other.first)).chain(self.further.iter().zip(other.further))
    }

    /// Maps each item.
    pub fn map<U>(self, mut change: impl FnMut(&'a T) -> U) -> Cells<U> {
        let first = change(self.first);
        match self.further {
            [] => Cells::One(first),
            further => Cells::Many(once(first).chain(further.iter().map(change)).collect()),
        }
    }

    /// All items in order.
    pub fn iter(self) -> impl Iterator<Item = &'a T> {
        once(self.first).chain(self.further)
    }
}
