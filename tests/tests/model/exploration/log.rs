//! The tickets that are done, in the order of their commits.

/// A log with a count; what is beyond the count is not part of it yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Log<const TICKETS: usize> {
    pub tickets: [u8; TICKETS],
    pub count: u8,
}

impl<const TICKETS: usize> Log<TICKETS> {
    pub const EMPTY: Self = Self { tickets: [0; TICKETS], count: 0 };

    pub fn push(&mut self, ticket: u8) {
        self.tickets[usize::from(self.count)] = ticket;
        self.count += 1;
    }

    /// Takes the last ticket away; its word stays, as in the segment.
    pub fn pop(&mut self) {
        self.count -= 1;
    }

    /// The tickets that are counted.
    pub fn counted(&self) -> &[u8] {
        &self.tickets[..usize::from(self.count)]
    }

    /// Whether `later` begins with this log.
    pub fn begins(&self, later: &Self) -> bool {
        later.counted().starts_with(self.counted())
    }
}
