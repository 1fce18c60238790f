//! The robust mutex, as POSIX describes it.

/// Its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutex {
    Free,
    Held {
        by: u8,
        is_consistent: bool,
    },
    OwnerDied,
    /// Released by an owner that had it from a dead one and did not make it consistent: nobody gets it any more.
    NotRecoverable,
}

impl Mutex {
    /// The lock in the hands of that process; nothing if it does not get it.
    pub fn taken(self, by: u8) -> Option<Self> {
        match self {
            Self::Free => Some(Self::Held { by, is_consistent: true }),
            Self::OwnerDied => Some(Self::Held { by, is_consistent: false }),
            Self::Held { .. } | Self::NotRecoverable => None,
        }
    }

    /// The lock after its holder has released it.
    pub fn released(self) -> Self {
        match self {
            Self::Held { is_consistent: true, .. } => Self::Free,
            Self::Held { .. } => Self::NotRecoverable,
            Self::Free | Self::OwnerDied | Self::NotRecoverable => unreachable!("only its holder releases it"),
        }
    }

    /// Whether that process has it.
    pub fn is_held_by(self, number: u8) -> bool {
        matches!(self, Self::Held { by, .. } if by == number)
    }
}
