//! What a worker does: the word that it stores, and the state that reports show.

use crate::redo::ClaimState;

/// What a worker announces in its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It has its ticket.
    Attached,
    /// It runs its kernel.
    Computing,
    /// It sleeps its delay.
    Sleeping,
    /// It waits for the lock.
    Waiting,
    /// It gave up its chunk and left.
    Failed,
    /// Its contribution does not fit, and it left.
    Overflowed,
}

impl Phase {
    /// Decodes a phase word. An unknown word counts as the last phase before a commit.
    pub(super) fn of(word: u32) -> Self {
        let phases = [Self::Attached, Self::Computing, Self::Sleeping, Self::Waiting, Self::Failed, Self::Overflowed];
        phases.into_iter().find(|phase| *phase as u32 == word).unwrap_or(Self::Waiting)
    }

    /// Whether the phase word says that the worker gave up its chunk.
    pub(crate) fn is_failed(word: u32) -> bool {
        word == Self::Failed as u32 || word == Self::Overflowed as u32
    }
}

/// The state of a ticket's worker, as reports show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerState {
    /// No worker has taken the ticket yet.
    Pending,
    /// It has attached.
    Attached,
    /// It runs its kernel.
    Computing,
    /// It sleeps its delay.
    Sleeping,
    /// It waits for the lock or commits.
    Waiting,
    /// Its contribution is applied.
    Done,
    /// It died or left before its contribution.
    Died,
    /// It gave up its chunk and left.
    Failed,
}

impl WorkerState {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Attached => "attached",
            Self::Computing => "computing",
            Self::Sleeping => "sleeping",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Died => "died",
            Self::Failed => "failed",
        }
    }

    /// The state of a ticket with that claim and phase word, and whether its worker lives, if that is known.
    pub(crate) fn of(claim: ClaimState, phase: u32, alive: Option<bool>) -> Self {
        match (claim, alive) {
            (ClaimState::Free, _) => Self::Pending,
            (ClaimState::Done { .. }, _) => Self::Done,
            (ClaimState::Taken { .. }, None | Some(false)) if Phase::is_failed(phase) => Self::Failed,
            (ClaimState::Taken { .. }, Some(false)) => Self::Died,
            (ClaimState::Taken { .. }, None | Some(true)) => match Phase::of(phase) {
                Phase::Attached => Self::Attached,
                Phase::Computing => Self::Computing,
                Phase::Sleeping => Self::Sleeping,
                // Of a failed one that still lives: it is about to leave.
                Phase::Waiting | Phase::Failed | Phase::Overflowed => Self::Waiting,
            },
        }
    }
}
