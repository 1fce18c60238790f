//! The kind of a run, and who gives out its tickets.

/// What happens with the workers' results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Each worker computes the whole range and adds its result to the shared value.
    Repeat,
    /// Each worker computes the whole range; the results stay apart.
    Independent,
    /// The workers divide the range into chunks; each chunk is added once.
    Split,
    /// No run: programs use the value through the library, without tickets.
    Shared,
}

impl Mode {
    /// The name in reports.
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

/// Who gives out the tickets of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Workers started by hand take them.
    ByHand,
    /// Tickets 1 to `workers` belong to workers that a coordinator launches; the others to workers started by hand.
    Run,
    /// The same for a program that has called the coordinator, and takes the run with it when it ends. Nobody else wants it.
    Call,
}

impl Origin {
    /// Whether a coordinator launches workers.
    #[must_use]
    pub fn is_run(self) -> bool {
        self != Self::ByHand
    }
}
