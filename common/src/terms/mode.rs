//! What kind of run it is, and who gives out its tickets.

/// What the workers' results become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Every worker computes the whole range and adds its result to the shared value.
    Repeat,
    /// Every worker computes the whole range and the results stay apart.
    Independent,
    /// The range is shared out among the workers in chunks, each of which is added once.
    Split,
    /// No run: programs use the value through the library, without tickets.
    Shared,
}

impl Mode {
    /// The name as reports give it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Repeat => "repeat",
            Self::Independent => "independent",
            Self::Split => "split",
            Self::Shared => "shared",
        }
    }

    /// Whether the value is the sum of the contributions.
    #[must_use]
    pub fn has_total(self) -> bool {
        matches!(self, Self::Repeat | Self::Split)
    }
}

/// Who gives the tickets of a segment to workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `coordinator create`: workers started by hand take all of them.
    ByHand,
    /// `coordinator run`: tickets 1 to `workers` belong to workers that a coordinator launches.
    Run,
}
