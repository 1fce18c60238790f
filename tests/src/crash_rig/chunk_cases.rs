//! The commits of chunks whose victims are killed.

use super::{Chunks, Hand};

impl Chunks {
    /// A commit that takes a new chunk.
    #[must_use]
    pub fn taking(cells: u32) -> Self {
        let after = Hand { applied: 0..3, ..Hand::holding(3..6) };
        Self {
            action: "chunk",
            iterations: 12,
            cells,
            restarts: u32::MAX,
            before: [Hand::holding(0..3), Hand::EMPTY],
            after: [after, Hand::EMPTY],
            between: None,
            set_aside: [0..0, 0..0],
            deaths: [0; 2],
        }
    }

    /// A commit that takes over a dead worker's chunk.
    #[must_use]
    pub fn stealing(cells: u32) -> Self {
        let after = Hand { applied: 3..6, ..Hand::holding(0..3) };
        let before = [Hand::holding(3..6), Hand::holding(0..3)];
        Self { before, after: [after, Hand::EMPTY], ..Self::taking(cells) }
    }

    /// A commit after which nothing is left.
    #[must_use]
    pub fn ending(cells: u32) -> Self {
        let after = Hand { applied: 0..3, is_done: true, ..Hand::EMPTY };
        Self { iterations: 3, after: [after, Hand::EMPTY], ..Self::taking(cells) }
    }

    /// The first chunk of a fresh ticket.
    #[must_use]
    pub fn beginning(cells: u32) -> Self {
        let after = [Hand::holding(0..3), Hand::EMPTY];
        Self { action: "first", before: [Hand::EMPTY; 2], after, ..Self::taking(cells) }
    }

    /// The first chunk of a fresh ticket, taken over from a dead worker.
    #[must_use]
    pub fn beginning_with_an_orphan(cells: u32) -> Self {
        let before = [Hand::EMPTY, Hand::holding(0..3)];
        Self { before, ..Self::beginning(cells) }
    }

    /// A chunk that its worker sets aside, and the next one.
    #[must_use]
    pub fn setting_aside(cells: u32) -> Self {
        let after = [Hand::holding(3..6), Hand::EMPTY];
        let set_aside = [0..0, 0..3];
        Self { action: "set-aside", after, between: Some([Hand::EMPTY; 2]), set_aside, ..Self::taking(cells) }
    }

    /// A commit that sets a dead worker's chunk aside, with which too many died, and the next chunk.
    #[must_use]
    pub fn discarding(cells: u32) -> Self {
        let between = [Hand { applied: 3..6, ..Hand::EMPTY }, Hand::EMPTY];
        let after = [Hand { applied: 3..6, ..Hand::holding(6..9) }, Hand::EMPTY];
        let set_aside = [0..0, 0..3];
        Self { restarts: 3, deaths: [0, 3], after, between: Some(between), set_aside, ..Self::stealing(cells) }
    }

    /// The first chunk of a ticket with whose chunk too many workers died.
    #[must_use]
    pub fn beginning_after_deaths(cells: u32) -> Self {
        Self { action: "first", restarts: 1, deaths: [1, 0], ..Self::setting_aside(cells) }
    }

    /// A first chunk, of a range that was set aside and is given out again.
    #[must_use]
    pub fn retrying(cells: u32) -> Self {
        // Its worker found nothing else after it had set all aside.
        let done = Hand { is_done: true, ..Hand::EMPTY };
        let after = [Hand::holding(0..3), done.clone()];
        let before = [Hand::EMPTY, done];
        Self { action: "first", iterations: 6, before, after, set_aside: [0..6, 3..6], ..Self::taking(cells) }
    }

    /// A coordinator that opens a done ticket, because a range was set aside.
    #[must_use]
    pub fn reopening(cells: u32) -> Self {
        let hand = Hand { applied: 3..6, ..Hand::EMPTY };
        let before = [Hand { is_done: true, ..hand.clone() }, Hand::EMPTY];
        let after = [hand, Hand::EMPTY];
        Self { action: "reopen", iterations: 6, before, after, set_aside: [0..3, 0..3], ..Self::taking(cells) }
    }
}
