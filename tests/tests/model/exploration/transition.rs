//! What leads from one state to the next.

/// A transition; the number is that of the process, or of the ticket for a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// A worker is launched for a ticket.
    Launch(u8),
    /// A worker is started by hand.
    Join,
    /// A coordinator resumes the run.
    Resume,
    Step(u8),
    Crash(u8),
    Panic(u8),
}

impl Move {
    /// Whether no progress may depend on it.
    pub fn is_crash(self) -> bool {
        matches!(self, Self::Crash(_) | Self::Panic(_))
    }

    /// The process that moves.
    pub fn process(self) -> Option<usize> {
        match self {
            Self::Launch(_) | Self::Join | Self::Resume => None,
            Self::Step(number) | Self::Crash(number) | Self::Panic(number) => Some(number.into()),
        }
    }
}
