//! One ticket, read and announced to without the lock, in constant time.

use std::ops::Range;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

use super::ticket::Claim;
use super::{Ledger, Phase, WorkerState, set_aside};
use crate::clock::BootTime;
use crate::layout::Slot;
use crate::redo::{ClaimState, load_range};
use crate::system_error::SystemError;

/// The state of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketState {
    /// No worker has taken it yet.
    Free,
    /// A live worker has it.
    Held {
        /// Its process id.
        pid: u32,
    },
    /// Its worker died or left before the contribution.
    Abandoned,
    /// Its contribution is applied.
    Done,
}

/// The words of a ticket's slot, each read by itself. For displays; nothing is decided by it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlotView {
    /// The process that has the ticket, or had it last; 0 before the first.
    pub pid: u32,
    /// When that process took it.
    pub attached_at: BootTime,
    /// The state that the process announced. Never [`WorkerState::Died`]: the dead announce nothing.
    pub state: WorkerState,
    /// How many workers had the ticket before.
    pub restarts: u32,
    /// Iterations done so far: of its chunk in a split run, else of the whole range.
    pub progress: u64,
    /// The chunk that it holds; empty if it holds none.
    pub chunk: Range<u64>,
    /// How many workers died while they held the chunk, before its last one.
    pub deaths: u32,
    /// How many chunks are applied.
    pub chunks: u64,
    /// The number of iterations in these chunks.
    pub iterations: u64,
}

impl<'a> Ledger<'a> {
    /// The state of a ticket; nothing if there is no such ticket.
    ///
    /// # Errors
    /// [`SystemError`] if the kernel cannot be asked which processes live.
    pub fn ticket(self, ticket: u32) -> Result<Option<TicketState>, SystemError> {
        let Some(slot) = self.segment.view().slot(ticket) else { return Ok(None) };
        // Acquire: pairs with the Release in `assign`.
        Ok(Some(match ClaimState::of(slot.claim.load(Acquire)) {
            ClaimState::Free => TicketState::Free,
            ClaimState::Done { .. } => TicketState::Done,
            ClaimState::Taken { .. } if self.segment.has_worker(ticket)? => {
                TicketState::Held { pid: slot.pid.load(Relaxed) }
            }
            ClaimState::Taken { .. } => TicketState::Abandoned,
        }))
    }

    /// Reads a ticket's slot without asking the kernel whether its worker lives; nothing if there is no such ticket.
    #[must_use]
    pub fn slot(self, ticket: u32) -> Option<SlotView> {
        let slot = self.segment.view().slot(ticket)?;
        // Acquire: the process is the one of this claim or of a later one. Pairs with the Release in `assign`.
        let claim = ClaimState::of(slot.claim.load(Acquire));
        Some(SlotView {
            pid: slot.pid.load(Relaxed),
            attached_at: BootTime(slot.attached_at.load(Relaxed)),
            state: WorkerState::of(claim, slot.phase.load(Relaxed), None),
            restarts: restarts(claim),
            progress: slot.progress.load(Relaxed),
            chunk: load_range(&slot.chunk),
            deaths: set_aside::deaths(slot),
            chunks: slot.chunks.load(Relaxed),
            iterations: slot.iterations.load(Relaxed),
        })
    }

    /// The process id and the last announced phase of a ticket's last worker; nothing if there is no such ticket.
    #[must_use]
    pub fn phase(self, ticket: u32) -> Option<(u32, Phase)> {
        let slot = self.segment.view().slot(ticket)?;
        Some((slot.pid.load(Relaxed), Phase::of(slot.phase.load(Relaxed))))
    }

    /// Announces what the worker with this claim does.
    ///
    /// Like [`Self::progress`] and [`Self::record_times`], it announces nothing if the claim is of another segment, or its ticket
    /// is another worker's by now. They check without the lock: of a ticket that changes hands at this very moment, the last
    /// word of the worker before may still get through. It is a word for displays; a commit checks under the lock. Forked
    /// children of the worker announce nothing.
    pub fn enter(self, claim: &Claim, phase: Phase) {
        if let Some(slot) = self.own_slot(claim) {
            slot.phase.store(phase as u32, Relaxed);
        }
    }

    /// Announces how many iterations are done.
    pub fn progress(self, claim: &Claim, iterations: u64) {
        if let Some(slot) = self.own_slot(claim) {
            slot.progress.store(iterations, Relaxed);
        }
    }

    /// Announces how long computing, sleeping and waiting for the lock took, in nanoseconds.
    pub fn record_times(self, claim: &Claim, computed: u64, slept: u64, lock_wait: u64) {
        if let Some(slot) = self.own_slot(claim) {
            slot.computed_ns.store(computed, Relaxed);
            slot.slept_ns.store(slept, Relaxed);
            slot.lock_wait_ns.store(lock_wait, Relaxed);
            slot.committed_at.store(BootTime::now().0, Relaxed);
        }
    }

    /// The slot of the claim's ticket, if the claim is of this segment and no other worker has taken the ticket since, and
    /// this is no forked child. The ticket may be done.
    fn own_slot(self, claim: &Claim) -> Option<&'a Slot> {
        let slot = self
            .segment
            .view()
            .slot(claim.ticket)
            .filter(|_| claim.nonce == self.segment.nonce() && !self.segment.has_inherited_roles())?;
        (ClaimState::of(slot.claim.load(Relaxed)).epoch() == claim.epoch).then_some(slot)
    }
}

/// How many workers had a ticket with that claim before.
pub fn restarts(claim: ClaimState) -> u32 {
    u32::try_from(claim.epoch().saturating_sub(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Segment, SegmentName, TakeOver, Terms, removal};

    /// A segment that has lost its name again.
    fn segment(label: &str) -> Segment {
        let name: SegmentName = format!("claims-{label}-{}", std::process::id()).parse().unwrap();
        let segment = Segment::create(&name, &Terms::by_hand("sum-of-squares", 4)).unwrap();
        removal::unlink(&segment).unwrap();
        segment
    }

    fn take(segment: &Segment) -> Claim {
        let taken = Ledger::of(segment).lock(|_, _| {}).unwrap().take(1).unwrap();
        let TakeOver::Taken(claim) = taken else { panic!("{taken:?}") };
        claim
    }

    fn announce(ledger: Ledger<'_>, claim: &Claim) {
        ledger.enter(claim, Phase::Sleeping);
        ledger.progress(claim, 77);
        ledger.record_times(claim, 1, 2, 3);
    }

    /// Whether what `announce` announces is in the first slot: all of it, or nothing.
    fn is_announced(segment: &Segment) -> bool {
        let slot = segment.view().slot(1).unwrap();
        let has = [
            slot.phase.load(Relaxed) == Phase::Sleeping as u32,
            slot.progress.load(Relaxed) == 77,
            slot.slept_ns.load(Relaxed) == 2,
            slot.committed_at.load(Relaxed) != 0,
        ];
        assert!(has.iter().all(|each| *each == has[0]), "{has:?}");
        has[0]
    }

    /// Fault 62.
    #[test]
    fn a_claim_announces_in_its_own_segment_alone() {
        let (own, other) = (segment("own"), segment("other"));
        let (claim, _) = (take(&own), take(&other));
        announce(Ledger::of(&other), &claim);
        assert!(!is_announced(&other));
        announce(Ledger::of(&own), &claim);
        assert!(is_announced(&own));
    }

    /// Fault 62.
    #[test]
    fn a_claim_announces_nothing_once_its_ticket_is_another_workers() {
        let name: SegmentName = format!("claims-epoch-{}", std::process::id()).parse().unwrap();
        let first = Segment::create(&name, &Terms::by_hand("sum-of-squares", 4)).unwrap();
        let segment = Segment::attach(&name).unwrap();
        removal::unlink(&segment).unwrap();
        let before = take(&first);
        drop(first);
        let after = take(&segment);
        announce(Ledger::of(&segment), &before);
        assert!(!is_announced(&segment));
        announce(Ledger::of(&segment), &after);
        assert!(is_announced(&segment));
    }

    /// The kernel would give the role again to the same open file: to another thread that shares the segment.
    #[test]
    fn a_ticket_that_this_process_has_is_not_taken_again() {
        let segment = segment("again");
        let _claim = take(&segment);
        let again = Ledger::of(&segment).lock(|_, _| {}).unwrap().take(1);
        assert!(matches!(again, Err(crate::TicketError::Held { ticket: 1, .. })), "{again:?}");
    }

    /// Fault 62: the times are recorded after the commit.
    #[test]
    fn a_claim_announces_under_its_done_ticket() {
        let segment = segment("done");
        let claim = take(&segment);
        Ledger::of(&segment).lock(|_, _| {}).unwrap().commit(&claim, crate::Number::Integer(1)).unwrap();
        announce(Ledger::of(&segment), &claim);
        assert!(is_announced(&segment));
    }
}
