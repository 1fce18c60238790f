//! Where the parts of a segment lie, for its number of tickets and cells.

use std::iter::once;
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::{Entry, Header, PAGE, Slot};

/// The most tickets that one segment has room for.
pub const MOST_SLOTS: u32 = 2_000_000;

/// The most cells of an array.
pub const MOST_CELLS: u32 = 1 << 20;

/// The most entries for the cells of all tickets: 1.5 GiB.
pub const MOST_ENTRIES: usize = 1 << 26;

/// How much a segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// How many tickets there is room for.
    pub slots: u32,
    /// How many cells the value has.
    pub cells: u32,
}

impl Extent {
    /// Offset of the first slot.
    pub const SLOTS_AT: usize = PAGE;

    /// The extent for that many tickets and cells, if that many are allowed.
    pub fn new(slots: u32, cells: u32) -> Option<Self> {
        let extent = Self { slots, cells };
        let are_allowed = (1..=MOST_SLOTS).contains(&slots) && (1..=MOST_CELLS).contains(&cells);
        (are_allowed && extent.further_entries() <= MOST_ENTRIES).then_some(extent)
    }

    /// Offset of the log.
    pub fn log_at(self) -> usize {
        Self::SLOTS_AT + self.slots as usize * size_of::<Slot>()
    }

    /// Offset of the further cells: a multiple of eight.
    pub fn cells_at(self) -> usize {
        (self.log_at() + self.slots as usize * size_of::<AtomicU32>()).next_multiple_of(align_of::<Entry>())
    }

    /// Offset of the further entries: those of the redo record, then those of each ticket.
    pub fn entries_at(self) -> usize {
        self.cells_at() + self.further_cells() * size_of::<AtomicU64>()
    }

    /// How many cells lie behind the log.
    pub fn further_cells(self) -> usize {
        self.cells as usize - 1
    }

    /// How many entries lie behind the further cells.
    pub fn further_entries(self) -> usize {
        self.further_cells() * (1 + self.slots as usize)
    }

    /// Bytes of the whole segment: whole pages.
    pub fn size(self) -> usize {
        (self.entries_at() + self.further_entries() * size_of::<Entry>()).next_multiple_of(PAGE)
    }
}

/// A segment's parts, be they mapped or copied.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub header: &'a Header,
    pub slots: &'a [Slot],
    /// Ticket numbers, first commit first.
    pub log: &'a [AtomicU32],
    /// All cells but the first.
    pub further_cells: &'a [AtomicU64],
    /// For each of these cells: of the redo record, then of each ticket.
    pub further_entries: &'a [Entry],
}

impl<'a> View<'a> {
    /// The slot of a ticket; tickets are numbered from 1.
    pub fn slot(self, ticket: u32) -> Option<&'a Slot> {
        self.slots.get(usize::try_from(ticket.checked_sub(1)?).ok()?)
    }

    /// All cells.
    pub fn cells(self) -> impl Iterator<Item = &'a AtomicU64> {
        once(&self.header.core.value).chain(self.further_cells)
    }

    /// What the redo record has for each cell.
    pub fn redo_entries(self) -> impl Iterator<Item = &'a Entry> {
        once(&self.header.redo.entry).chain(self.entries_of(0))
    }

    /// What a ticket has for each cell.
    pub fn entries(self, slot: &'a Slot, ticket: u32) -> impl Iterator<Item = &'a Entry> {
        once(&slot.entry).chain(self.entries_of(ticket as usize))
    }

    /// The further entries of the record (0) or of a ticket.
    fn entries_of(self, place: usize) -> &'a [Entry] {
        let cells = self.further_cells.len();
        self.further_entries.get(place * cells..(place + 1) * cells).unwrap_or_default()
    }
}
