//! Why a range is set aside, as a word in the segment.

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Killed by this signal.
    Signal(u8),
    /// With this exit code.
    Code(u8),
}

/// Why a range is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its kernel failed in each attempt.
    Failed,
    /// Its command ended in each attempt, the last time in this way.
    Command(Exit),
    /// Workers died while they held it. How the last one ended, if its coordinator saw it.
    Died(Option<Exit>),
    /// It failed or killed its workers, and no more ranges can be set aside.
    NoRoom,
    /// Its contribution does not fit.
    Overflow,
}

const FAILED: u32 = 1 << 8;
const COMMAND: u32 = 2 << 8;
const DIED: u32 = 4 << 8;
const NO_ROOM: u32 = 8 << 8;
const OVERFLOW: u32 = 16 << 8;

impl Exit {
    /// The exit as a word; never 0.
    pub(crate) fn word(self) -> u32 {
        match self {
            Self::Signal(signal) => 1 << 16 | u32::from(signal),
            Self::Code(code) => 2 << 16 | u32::from(code),
        }
    }

    /// Decodes a word; nothing for 0, and for a damaged one.
    pub(crate) fn of(word: u32) -> Option<Self> {
        let [low, _, kind, _] = word.to_le_bytes();
        match kind {
            1 => Some(Self::Signal(low)),
            2 => Some(Self::Code(low)),
            _ => None,
        }
    }
}

impl Cause {
    /// The cause as a word; never 0.
    pub(crate) fn word(self) -> u32 {
        match self {
            Self::Failed => FAILED,
            Self::Command(exit) => COMMAND | exit.word(),
            Self::Died(exit) => DIED | exit.map_or(0, Exit::word),
            Self::NoRoom => NO_ROOM,
            Self::Overflow => OVERFLOW,
        }
    }

    /// Decodes a word; nothing for 0: the range is to be given out again.
    pub(crate) fn of(word: u32) -> Option<Self> {
        match word & 0xff00 {
            _ if word == 0 => None,
            DIED => Some(Self::Died(Exit::of(word))),
            NO_ROOM => Some(Self::NoRoom),
            OVERFLOW => Some(Self::Overflow),
            COMMAND => Some(Exit::of(word).map_or(Self::Failed, Self::Command)),
            _ => Some(Self::Failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_comes_back_from_its_word() {
        let exits = [Exit::Signal(9), Exit::Code(0), Exit::Code(255)];
        let causes = exits.into_iter().flat_map(|exit| [Cause::Command(exit), Cause::Died(Some(exit))]);
        for cause in causes.chain([Cause::Failed, Cause::Died(None), Cause::NoRoom, Cause::Overflow]) {
            assert_eq!(Cause::of(cause.word()), Some(cause));
        }
        assert_eq!((Cause::of(0), Exit::of(0)), (None, None));
    }
}
