//! A process: where it is in its program, and what it knows.

use super::memory::Stretch;

/// Where a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    Absent,
    /// It computes, or waits for the lock.
    Outside,
    /// At that store of the recovery.
    Recovering(u8),
    /// It makes the lock consistent.
    Reviving,
    /// At that step under the lock.
    Inside(u8),
    Unlocking,
    /// It is finished and still has its role.
    Leaving,
    /// The kernel has released its lock and not yet its role.
    Dying,
}

/// What a process wants the lock for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Errand {
    /// `take` of the ticket that it was given.
    Take,
    Join,
    /// `first_chunk`.
    First,
    /// `commit_chunk`, or `set_aside`.
    Commit,
    /// `reopen`, of a coordinator.
    Reopen,
    /// It has no ticket, or no chunk any more.
    Nothing,
    /// Its ticket or its chunk belongs to another worker now.
    Superseded,
}

/// What a worker takes after a chunk: `Then`, once it is decided under the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Next {
    /// The next one that is not given out, if there is one.
    New,
    /// That of a dead worker.
    Orphan(u8),
    /// One of a range that was set aside and is given out again.
    Retry,
    /// None: it leaves.
    Leave,
    /// Its own chunk is set aside, and then it takes another one.
    SetAside,
    /// That of a dead worker is set aside, and then it takes another one.
    Discard(u8),
    /// A coordinator opens that ticket again.
    Open(u8),
}

impl Next {
    /// Whether another chunk is taken under the same lock.
    pub fn is_followed(self) -> bool {
        matches!(self, Self::SetAside | Self::Discard(_) | Self::Open(_))
    }
}

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Actor {
    pub at: At,
    pub errand: Errand,
    pub ticket: u8,
    pub epoch: u8,
    /// The chunk that it computes.
    pub chunk: Stretch,
    pub next: Next,
    pub has_role: bool,
    pub is_joiner: bool,
}

impl Actor {
    /// The only form of an absent process, so that its past makes no further states.
    pub const ABSENT: Self = Self {
        at: At::Absent,
        errand: Errand::Nothing,
        ticket: 0,
        epoch: 0,
        chunk: [0; 2],
        next: Next::New,
        has_role: false,
        is_joiner: false,
    };

    /// Whether a death here differs from what happens anyway.
    pub fn may_die(self) -> bool {
        !matches!(self.at, At::Absent | At::Leaving | At::Dying)
    }

    /// The process when it can only end: what it knew makes no further states.
    pub fn ending(self, at: At) -> Self {
        let Self { errand, ticket, has_role, is_joiner, .. } = self;
        Self { at, errand, ticket, has_role, is_joiner, ..Self::ABSENT }
    }
}
