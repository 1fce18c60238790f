//! A ticket's claim word.

/// `ClaimState` in `redo/claim_word.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    Free,
    Taken(u8),
    Done(u8),
}

impl Claim {
    pub fn epoch(self) -> u8 {
        match self {
            Self::Free => 0,
            Self::Taken(epoch) | Self::Done(epoch) => epoch,
        }
    }

    pub fn is_done(self) -> bool {
        matches!(self, Self::Done(_))
    }
}
