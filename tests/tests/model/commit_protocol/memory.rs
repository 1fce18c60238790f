//! The shared words, and the stores that change them, one at a time.
//!
//! Invariant: a [`Store`] changes one word that others read, as one instruction of the code does.

use super::TICKETS;
use crate::exploration::{Claim, Log};

/// The words of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    pub claim: Claim,
    pub contribution: [u16; 2],
    pub value_after: u16,
}

/// The redo record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    ticket: u8,
    value: u16,
    contribution: [u16; 2],
    claim: Claim,
    done: u8,
}

impl Record {
    const EMPTY: Self = Self { ticket: 0, value: 0, contribution: [0; 2], claim: Claim::Free, done: 0 };
}

/// The segment, without what is only for display (process ids, phases, times, hints).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Memory {
    pub slots: [Slot; TICKETS],
    pub record: Record,
    pub log: Log<TICKETS>,
    pub value: u16,
    pub published: u8,
    pub applied: u8,
    pub closed: bool,
}

/// A store of the critical section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    RecordTicket,
    RecordValue,
    RecordLow,
    RecordHigh,
    RecordClaim,
    RecordDone,
    Publish,
    Value,
    Low,
    High,
    ValueAfter,
    Claim,
    Log,
    DoneCount,
    Applied,
    /// A mutant's: the record's contribution is added to the value, whatever that is by now.
    Increment,
}

/// What a ticket contributes: its digit in base eight, so that the value shows who was added how often.
pub fn contribution(ticket: u8) -> u16 {
    1 << (3 * (ticket - 1))
}

impl Memory {
    pub fn new() -> Self {
        let slot = Slot { claim: Claim::Free, contribution: [0; 2], value_after: 0 };
        Self {
            slots: [slot; TICKETS],
            record: Record::EMPTY,
            log: Log::EMPTY,
            value: 0,
            published: 0,
            applied: 0,
            closed: false,
        }
    }

    pub fn slot(&self, ticket: u8) -> &Slot {
        &self.slots[usize::from(ticket - 1)]
    }

    pub fn slot_mut(&mut self, ticket: u8) -> &mut Slot {
        &mut self.slots[usize::from(ticket - 1)]
    }

    /// `recovery::is_needed`.
    pub fn needs_recovery(&self) -> bool {
        self.published != self.applied
    }

    /// Forgets an unpublished record once its writer is gone: nobody reads it, so it must make no further states.
    pub fn forget_record(&mut self) {
        if !self.needs_recovery() {
            self.record = Record::EMPTY;
        }
    }

    /// One store, by the worker that has `ticket` with `epoch`; a recoverer has none, and stores only what the record
    /// says.
    pub fn store(&mut self, store: Store, ticket: u8, epoch: u8) {
        let record = self.record;
        match store {
            Store::RecordTicket => self.record.ticket = ticket,
            Store::RecordValue => self.record.value = self.value + contribution(ticket),
            Store::RecordLow => self.record.contribution[0] = contribution(ticket),
            Store::RecordHigh => self.record.contribution[1] = contribution(ticket),
            Store::RecordClaim => self.record.claim = Claim::Done(epoch),
            Store::RecordDone => self.record.done = self.log.count + 1,
            Store::Publish => self.published += 1,
            Store::Value => self.value = record.value,
            Store::Increment => self.value += record.contribution[0],
            Store::Low => self.slot_mut(record.ticket).contribution[0] = record.contribution[0],
            Store::High => self.slot_mut(record.ticket).contribution[1] = record.contribution[1],
            Store::ValueAfter => self.slot_mut(record.ticket).value_after = record.value,
            Store::Claim => self.slot_mut(record.ticket).claim = record.claim,
            Store::Log => self.log.tickets[usize::from(record.done) - 1] = record.ticket,
            Store::DoneCount => self.log.count = record.done,
            Store::Applied => self.applied = self.published,
        }
    }

    /// Whether `apply` would find a ticket and a place in the log; else it gives `Error::Damaged`.
    pub fn record_is_sound(&self) -> bool {
        let range = 1..=TICKETS;
        range.contains(&self.record.ticket.into()) && range.contains(&self.record.done.into())
    }
}
