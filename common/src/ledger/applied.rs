//! What is applied, read from the mapping: no system call that could fail, and no lock.

use std::sync::atomic::Ordering::Relaxed;

use super::Ledger;
use crate::redo::recovery;
use crate::terms::Mode;

/// What a ledger holds, of what its run wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Iterations of a split run that are applied, else contributions.
    pub done: u64,
    /// How many the run wants, or has if it got more.
    pub due: u64,
    /// Whether a commit is published and not applied: the next owner of the lock applies it.
    pub is_more_published: bool,
}

impl Ledger<'_> {
    /// What is applied; nothing if the segment was overwritten or truncated, so that it cannot be read.
    #[must_use]
    pub fn applied(self) -> Option<Applied> {
        let (view, terms) = (self.segment.view(), self.segment.terms());
        if !self.is_intact() {
            return None;
        }
        let (done, due) = if terms.mode == Mode::Split {
            (self.iterations(), terms.length())
        } else {
            (self.done().into(), self.due())
        };
        let applied = Applied { done, due: due.max(done), is_more_published: recovery::is_needed(view) };
        self.segment.must_be_whole().ok().map(|()| applied)
    }

    /// Whether the segment is still the attached one, as far as its pages were touched.
    pub(super) fn is_intact(self) -> bool {
        // A file that was truncated and grown again reads as zeros.
        let nonce = self.segment.view().header.identity.nonce.load(Relaxed);
        nonce == self.segment.nonce() && self.segment.must_be_whole().is_ok()
    }

    /// How many iterations are applied.
    fn iterations(self) -> u64 {
        let slots = self.segment.view().slots.iter();
        slots.fold(0, |sum, slot| sum.saturating_add(slot.iterations.load(Relaxed)))
    }

    /// How many contributions the run wants.
    fn due(self) -> u64 {
        let log = self.segment.view().log.iter().take(self.done() as usize);
        self.segment.terms().contributions_due(log.map(|ticket| ticket.load(Relaxed)))
    }
}
