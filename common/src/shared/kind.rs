//! What a segment without a run is to the programs that share it.

use crate::terms::{Mode, Terms};
use crate::value::ValueType;

/// What the cells of a segment are to the programs that share them.
///
/// The cells and their lock are alike for all of them. Whoever attaches by the name learns from the kind what to make of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharedKind {
    /// One number: [`SharedValue`](crate::SharedValue).
    Value,
    /// Several numbers: [`SharedArray`](crate::SharedArray).
    Array,
    /// A lock, whose cell means nothing.
    Lock,
    /// A lock that its owner may acquire again, whose cell means nothing.
    RLock,
}

impl SharedKind {
    const ALL: [Self; 4] = [Self::Value, Self::Array, Self::Lock, Self::RLock];

    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Array => "array",
            Self::Lock => "lock",
            Self::RLock => "rlock",
        }
    }

    /// The kind of a segment with these terms; nothing for a run.
    #[must_use]
    pub fn of(terms: &Terms) -> Option<Self> {
        let by_length = if terms.cells == 1 { Self::Value } else { Self::Array };
        // A shared segment has no kernel: its name is that of the kind.
        let by_name = || Self::ALL.into_iter().find(|kind| kind.name() == terms.kernel);
        (terms.mode == Mode::Shared).then(|| by_name().unwrap_or(by_length))
    }

    /// Whether there are no numbers in it.
    #[must_use]
    pub fn is_lock(self) -> bool {
        matches!(self, Self::Lock | Self::RLock)
    }

    /// The terms of such a segment.
    pub(super) fn terms(self, value_type: ValueType, cells: u32) -> Terms {
        Terms { mode: Mode::Shared, value_type, cells, ..Terms::by_hand(self.name(), 1) }
    }
}
