//! The shared words, and the stores that change them, one at a time.
//!
//! Invariant: a [`Store`] changes one word that others read, as one instruction of the code does.

use super::{PLACES, TICKETS};
use crate::exploration::{Claim, Log};

/// A stretch of the iterations, as two words: from the first to the second, exclusive.
pub type Stretch = [u8; 2];

/// What a stretch contributes: for each iteration its digit in base eight, so that a sum shows which were added how
/// often.
pub fn digits(stretch: Stretch) -> u16 {
    iterations(stretch).map(|iteration| 1 << (3 * iteration)).sum()
}

/// The iterations of a stretch; none, as for the code, if it is torn and ends before it starts.
pub fn iterations([start, end]: Stretch) -> std::ops::Range<u8> {
    start..end
}

/// The words of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    pub claim: Claim,
    pub contribution: [u16; 2],
    pub chunk: Stretch,
    pub chunks: u8,
    pub iterations: u8,
}

impl Slot {
    const FREE: Self = Self { claim: Claim::Free, contribution: [0; 2], chunk: [0; 2], chunks: 0, iterations: 0 };

    pub fn holds_chunk(&self) -> bool {
        !iterations(self.chunk).is_empty()
    }
}

/// A range that is set aside; a place with an empty one is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub range: Stretch,
    /// Whether it has no cause any more, and is to be given out again.
    pub is_open: bool,
}

impl Place {
    pub const FREE: Self = Self { range: [0; 2], is_open: false };

    pub fn is_free(self) -> bool {
        iterations(self.range).is_empty()
    }
}

/// The redo record: `value` and `slot` are the cell and the ticket's words after the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    pub ticket: u8,
    /// Whether the chunk, of the ticket and of the range, is part of it.
    pub has_chunk: bool,
    pub stolen: u8,
    pub slot: Slot,
    pub value: u16,
    pub cursor: u8,
    pub done: u8,
    /// The number of the place that changes, and what it is then; 0 if none does.
    pub number: u8,
    pub place: Place,
}

impl Record {
    pub const EMPTY: Self = Self {
        ticket: 0,
        has_chunk: false,
        stolen: 0,
        slot: Slot::FREE,
        value: 0,
        cursor: 0,
        done: 0,
        number: 0,
        place: Place::FREE,
    };
}

/// The segment, without what is only for display (process ids, phases, times, the value after a ticket's commit) and
/// without the hints.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    pub slots: [Slot; TICKETS],
    pub record: Record,
    pub log: Log<TICKETS>,
    pub value: u16,
    pub given_out: u8,
    pub places: [Place; PLACES],
    pub published: u8,
    pub applied: u8,
}

/// A word of the record, or one that the record goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Ticket,
    HasChunk,
    Stolen,
    Claim,
    Value,
    Low,
    High,
    ChunkStart,
    ChunkEnd,
    Chunks,
    Iterations,
    Cursor,
    Done,
    StolenStart,
    StolenEnd,
    Number,
    PlaceStart,
    PlaceEnd,
    Cause,
    Log,
    DoneCount,
    Applied,
    /// A mutant's: the record's contribution is added to the ticket's, whatever that is by now.
    AddedLow,
    AddedHigh,
}

impl Memory {
    pub const NEW: Self = Self {
        slots: [Slot::FREE; TICKETS],
        record: Record::EMPTY,
        log: Log::EMPTY,
        value: 0,
        given_out: 0,
        places: [Place::FREE; PLACES],
        published: 0,
        applied: 0,
    };

    pub fn slot(&self, ticket: u8) -> &Slot {
        &self.slots[usize::from(ticket - 1)]
    }

    pub fn slot_mut(&mut self, ticket: u8) -> &mut Slot {
        &mut self.slots[usize::from(ticket - 1)]
    }

    fn place_mut(&mut self, number: u8) -> &mut Place {
        &mut self.places[usize::from(number - 1)]
    }

    /// `first_to_retry`: the number of the first place that is to be given out again, and the place.
    pub fn first_open_place(&self) -> Option<(u8, Place)> {
        (1..).zip(self.places).find(|(_, place)| place.is_open && !place.is_free())
    }

    /// `place_for`: where a range goes.
    pub fn place_for(&self, range: Stretch) -> Option<(u8, Place)> {
        let place = |range| Place { range, is_open: false };
        let beside = |(number, other): (u8, Place)| match other {
            _ if other.is_free() || other.is_open => None,
            _ if other.range[1] == range[0] => Some((number, place([other.range[0], range[1]]))),
            _ if range[1] == other.range[0] => Some((number, place([range[0], other.range[1]]))),
            _ => None,
        };
        let free =
            || (1..).zip(self.places).find(|(_, other)| other.is_free()).map(|(number, _)| (number, place(range)));
        (1..).zip(self.places).find_map(beside).or_else(free)
    }

    /// `recovery::is_needed`.
    pub fn needs_recovery(&self) -> bool {
        self.published != self.applied
    }

    /// Forgets an unpublished record and the counts once the writer is gone: nobody compares them, so they must make no
    /// further states.
    pub fn forget_record(&mut self) {
        if !self.needs_recovery() {
            (self.record, self.published, self.applied) = (Record::EMPTY, 0, 0);
        }
    }

    /// A store of `record`: one word of what is to be recorded.
    pub fn record(&mut self, word: Word, whole: &Record) {
        let record = &mut self.record;
        match word {
            Word::Ticket => record.ticket = whole.ticket,
            Word::HasChunk => record.has_chunk = whole.has_chunk,
            Word::Stolen => record.stolen = whole.stolen,
            Word::Claim => record.slot.claim = whole.slot.claim,
            Word::Value => record.value = whole.value,
            Word::Low => record.slot.contribution[0] = whole.slot.contribution[0],
            Word::High => record.slot.contribution[1] = whole.slot.contribution[1],
            Word::ChunkStart => record.slot.chunk[0] = whole.slot.chunk[0],
            Word::ChunkEnd => record.slot.chunk[1] = whole.slot.chunk[1],
            Word::Chunks => record.slot.chunks = whole.slot.chunks,
            Word::Iterations => record.slot.iterations = whole.slot.iterations,
            Word::Cursor => record.cursor = whole.cursor,
            Word::Done => record.done = whole.done,
            Word::Number => record.number = whole.number,
            Word::PlaceStart => record.place.range[0] = whole.place.range[0],
            Word::PlaceEnd => record.place.range[1] = whole.place.range[1],
            Word::Cause => record.place.is_open = whole.place.is_open,
            word => unreachable!("{word:?} is no word of the record"),
        }
    }

    /// A store of `apply`: one word of what is recorded, to where it belongs.
    pub fn apply(&mut self, word: Word, from: &Record) {
        match word {
            Word::Value => self.value = from.value,
            Word::StolenStart => self.slot_mut(from.stolen).chunk[0] = 0,
            Word::StolenEnd => self.slot_mut(from.stolen).chunk[1] = 0,
            Word::Cursor => self.given_out = from.cursor,
            Word::Log => self.log.tickets[usize::from(from.done) - 1] = from.ticket,
            Word::DoneCount => self.log.count = from.done,
            Word::PlaceStart => self.place_mut(from.number).range[0] = from.place.range[0],
            Word::PlaceEnd => self.place_mut(from.number).range[1] = from.place.range[1],
            Word::Cause => self.place_mut(from.number).is_open = from.place.is_open,
            Word::Applied => self.applied = self.published,
            _ => self.slot_mut(from.ticket).apply(word, &from.slot),
        }
    }

    /// Whether `apply` would find a ticket, a stolen one, and a place in the log; else it gives `Error::Damaged`.
    pub fn record_is_sound(&self) -> bool {
        let Record { ticket, stolen, done, .. } = self.record;
        let is_finished = self.record.slot.claim.is_done();
        let tickets = 1..=TICKETS;
        let are_tickets = tickets.contains(&ticket.into()) && (stolen == 0 || tickets.contains(&stolen.into()));
        let is_place = usize::from(self.record.number) <= PLACES;
        are_tickets && is_place && (!is_finished || tickets.contains(&done.into()))
    }
}

impl Slot {
    fn apply(&mut self, word: Word, from: &Self) {
        match word {
            Word::Claim => self.claim = from.claim,
            Word::Low => self.contribution[0] = from.contribution[0],
            Word::High => self.contribution[1] = from.contribution[1],
            Word::AddedLow => self.contribution[0] += from.contribution[0],
            Word::AddedHigh => self.contribution[1] += from.contribution[1],
            Word::ChunkStart => self.chunk[0] = from.chunk[0],
            Word::ChunkEnd => self.chunk[1] = from.chunk[1],
            Word::Chunks => self.chunks = from.chunks,
            Word::Iterations => self.iterations = from.iterations,
            word => unreachable!("{word:?} is no word of a ticket"),
        }
    }
}
