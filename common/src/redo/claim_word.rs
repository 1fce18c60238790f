//! A ticket's claim, in one word.
//!
//! One store gives the ticket to a worker, takes it over from a dead one, or finishes it:
//!
//! | word | meaning |
//! |---|---|
//! | 0 | free |
//! | epoch·4 + 1 | taken; the epoch counts the workers that had it |
//! | epoch·4 + 2 | done, by the worker of that epoch |

/// The state of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimState {
    Free,
    Taken { epoch: u64 },
    Done { epoch: u64 },
}

impl ClaimState {
    /// Decodes a claim word. A damaged word reads as done, so nobody uses that ticket.
    pub fn of(word: u64) -> Self {
        match word % 4 {
            0 if word == 0 => Self::Free,
            1 => Self::Taken { epoch: word / 4 },
            _ => Self::Done { epoch: word / 4 },
        }
    }

    /// The claim word.
    pub fn word(self) -> u64 {
        match self {
            Self::Free => 0,
            Self::Taken { epoch } => epoch.wrapping_mul(4) | 1,
            Self::Done { epoch } => epoch.wrapping_mul(4) | 2,
        }
    }

    /// The epoch of the worker that has or had the ticket; 0 before the first.
    pub fn epoch(self) -> u64 {
        match self {
            Self::Free => 0,
            Self::Taken { epoch } | Self::Done { epoch } => epoch,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_state_comes_back_from_its_word(epoch in 1_u64..1 << 60) {
            for state in [ClaimState::Free, ClaimState::Taken { epoch }, ClaimState::Done { epoch }] {
                prop_assert_eq!(ClaimState::of(state.word()), state);
            }
        }
    }
}
