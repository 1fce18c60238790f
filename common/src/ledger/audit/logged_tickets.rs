//! Which tickets a log names: one bit a ticket.

/// The tickets that a log names.
pub struct LoggedTickets {
    bits: Vec<u64>,
    /// Each further naming of a ticket, sorted. Empty, unless another program wrote to the log.
    again: Vec<u32>,
    length: usize,
}

impl LoggedTickets {
    /// The tickets of a log of a segment with that many slots.
    pub fn of(slots: u32, log: impl Iterator<Item = u32>) -> Self {
        let words = slots as usize / 64 + 1;
        let mut logged = Self { bits: vec![0; words], again: Vec::new(), length: 0 };
        log.for_each(|ticket| logged.add(ticket));
        logged.again.sort_unstable();
        logged
    }

    fn add(&mut self, ticket: u32) {
        self.length += 1;
        let (word, bit) = place(ticket);
        let Some(word) = self.bits.get_mut(word) else { return };
        if *word & bit != 0 {
            self.again.push(ticket);
        }
        *word |= bit;
    }

    /// Whether the log names the ticket.
    pub fn contains(&self, ticket: u32) -> bool {
        let (word, bit) = place(ticket);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }

    /// How often the log names the ticket.
    pub fn times(&self, ticket: u32) -> usize {
        let below = |limit: u32| self.again.partition_point(|again| *again < limit);
        usize::from(self.contains(ticket)) + below(ticket.saturating_add(1)) - below(ticket)
    }

    /// The length of the log.
    pub fn length(&self) -> usize {
        self.length
    }
}

/// The word and the bit of a ticket.
fn place(ticket: u32) -> (usize, u64) {
    (ticket as usize / 64, 1 << (ticket % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_counts_as_often_as_the_log_names_it() {
        let logged = LoggedTickets::of(64, [64, 3, 64, u32::MAX, 64, 0].into_iter());
        assert_eq!([0, 1, 3, 63, 64].map(|ticket| logged.times(ticket)), [1, 0, 1, 0, 3]);
        assert_eq!([0, 1, 3, 64, u32::MAX].map(|ticket| logged.contains(ticket)), [true, false, true, true, false]);
        assert_eq!(logged.length(), 6);
    }
}
