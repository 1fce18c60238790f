//! The offsets of a segment's parts, from its numbers of slots and cells.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::{CellSlice, Entry, Header, PAGE, SetAside, Slot};

/// The most slots of a segment.
pub const MOST_SLOTS: u32 = 2_000_000;

/// The most cells of a run's array.
pub const MOST_CELLS: u32 = 1 << 20;

/// The most cells of a [`SharedArray`](crate::SharedArray).
pub const MOST_SHARED_CELLS: u32 = 1 << 27;

/// The most entries for all cells and tickets: 1.5 GiB.
pub const MOST_ENTRIES: usize = 1 << 26;

/// The number of ranges that a split run can set aside.
pub const SET_ASIDE: usize = 4096;

/// An array's cells begin at a multiple of it: a cache line.
const CELLS_ALIGNMENT: usize = 64;

/// What changes the cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One contribution a ticket.
    Tickets,
    /// Chunks of a split run, which can be set aside.
    Chunks,
    /// Programs, without tickets.
    Shared,
    /// The same, and only the first cells are looked at.
    Glimpse,
}

/// The size of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// The number of slots: one for each ticket.
    pub slots: u32,
    /// The number of cells.
    pub cells: u32,
    /// The bytes of a cell: 1, 4 or 8.
    pub width: usize,
    pub kind: Kind,
}

impl Geometry {
    /// Offset of the first slot.
    pub const SLOTS_AT: usize = PAGE;

    /// This geometry; nothing beyond the limits.
    pub fn checked(self) -> Option<Self> {
        let are_allowed = (1..=MOST_SLOTS).contains(&self.slots) && (1..=self.most_cells()).contains(&self.cells);
        (are_allowed && self.array_entries() <= MOST_ENTRIES).then_some(self)
    }

    /// The most cells of a segment of this kind.
    pub fn most_cells(self) -> u32 {
        if self.is_shared() { MOST_SHARED_CELLS } else { MOST_CELLS }
    }

    /// Offset of the log.
    pub fn log_at(self) -> usize {
        Self::SLOTS_AT + self.slots as usize * size_of::<Slot>()
    }

    /// Offset of an array's cells. A single cell lies in the header.
    pub fn cells_at(self) -> usize {
        let behind_log = self.log_at() + self.slots as usize * size_of::<AtomicU32>();
        behind_log.next_multiple_of(if self.is_array() { CELLS_ALIGNMENT } else { align_of::<SetAside>() })
    }

    /// The number of cells behind the log.
    pub fn array_cells(self) -> usize {
        if self.is_array() { self.cells as usize } else { 0 }
    }

    /// Offset of what a commit needs for an array's cells, a multiple of eight: entries, or changes.
    pub fn records_at(self) -> usize {
        self.cells_at() + self.words_of_cells() * size_of::<AtomicU64>()
    }

    /// The number of entries: of the redo record, then of each ticket.
    pub fn array_entries(self) -> usize {
        if self.is_shared() { 0 } else { self.array_cells() * (1 + self.slots as usize) }
    }

    /// The number of words for the changes of a commit: as many as the cells fill.
    pub fn changes(self) -> usize {
        if self.kind == Kind::Shared { self.words_of_cells() } else { 0 }
    }

    /// Offset of the ranges that are set aside, a multiple of eight.
    pub fn set_aside_at(self) -> usize {
        self.records_at() + self.array_entries() * size_of::<Entry>() + self.changes() * size_of::<AtomicU64>()
    }

    /// The number of ranges that can be set aside.
    pub fn set_aside(self) -> usize {
        if self.kind == Kind::Chunks { SET_ASIDE } else { 0 }
    }

    /// The size of the segment in bytes: whole pages.
    pub fn size(self) -> usize {
        (self.set_aside_at() + self.set_aside() * size_of::<SetAside>()).next_multiple_of(PAGE)
    }

    fn is_array(self) -> bool {
        self.cells > 1
    }

    fn is_shared(self) -> bool {
        matches!(self.kind, Kind::Shared | Kind::Glimpse)
    }

    fn words_of_cells(self) -> usize {
        (self.array_cells() * self.width).div_ceil(size_of::<AtomicU64>())
    }
}

/// A segment's parts, mapped or copied.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub header: &'a Header,
    pub slots: &'a [Slot],
    /// Tickets in the order of their commits.
    pub log: &'a [AtomicU32],
    /// Whether the only cell is the one in the header.
    pub is_single: bool,
    /// All cells: the one in the header, or those of an array.
    pub cells: CellSlice<'a>,
    /// An entry for each cell of a run's array: of the redo record, then of each ticket.
    pub array_entries: &'a [Entry],
    /// A shared array's part of the redo record: `redo::changes`.
    pub changes: &'a [AtomicU64],
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

    /// The redo record's entries for an array's cells; none for an array without a run.
    pub fn redo_entries(self) -> &'a [Entry] {
        self.entries_of(0)
    }

    /// A ticket's entries for an array's cells.
    pub fn ticket_entries(self, ticket: u32) -> &'a [Entry] {
        self.entries_of(ticket as usize)
    }

    /// An array's entries of the record (0) or of a ticket.
    fn entries_of(self, place: usize) -> &'a [Entry] {
        let cells = self.cells.len();
        self.array_entries.get(place * cells..(place + 1) * cells).unwrap_or_default()
    }
}
