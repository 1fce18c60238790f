//! What a process does under the lock, store by store, and the mutants: the same with one thing done wrongly.
//!
//! Invariant: without a mutant the order is the order of the code.

use super::memory::{Record, Word};

/// A mistake in the protocol that the model must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// The protocol as it is.
    None,
    /// A new chunk is not part of the commit before it, but taken by stores behind it.
    TakenLater,
    /// A chunk that is taken over stays in the slot of its dead worker too.
    StolenIsNotCleared,
    /// A chunk is taken over without a look whether its worker lives.
    RoleIsNotAskedFor,
    /// How far the range is given out is stored before the commit point.
    GivenOutBeforeCommitPoint,
    /// The contribution is added to the ticket's instead of stored.
    ContributionIsAdded,
    /// A commit does not look whether the ticket still holds the chunk.
    ChunkIsNotCompared,
    /// Neither a commit nor the first chunk looks whether the ticket is still the worker's own.
    EpochIsNotCompared,
    /// Both.
    NothingIsCompared,
    /// The ticket is done with the chunk that is given out last, not when that one is applied.
    DoneWithLastChunk,
    /// The first chunk is a new one, also if a dead predecessor left one.
    PredecessorIsIgnored,
    /// The record does not say that the chunk is part of it.
    ChunkIsNotMarked,
    /// The commit counts as applied before it is stored how far the range is given out.
    AppliedTooEarly,
    /// Recovery forgets a published record.
    RecoveryDrops,
}

/// An instruction under the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `take` or `join` looks for a ticket and takes its role.
    TakeRole,
    /// `assign` stores the claim's word.
    StoreClaim,
    /// All that `first_chunk` and `commit_chunk` read before they store anything.
    Decide,
    /// A store of `record`.
    Record(Word),
    Publish,
    /// A store of `apply`.
    Apply(Word),
    /// A mutant's: a store of `apply` of what was to be recorded.
    ApplyUnrecorded(Word),
}

pub const TAKE: [Step; 2] = [Step::TakeRole, Step::StoreClaim];

const RECORD: [Word; 13] = [
    Word::Value,
    Word::Low,
    Word::High,
    Word::Ticket,
    Word::HasChunk,
    Word::Claim,
    Word::ChunkStart,
    Word::ChunkEnd,
    Word::Chunks,
    Word::Iterations,
    Word::Cursor,
    Word::Stolen,
    Word::Done,
];

/// Of a commit that takes a chunk over and finishes its ticket, which no commit does; others leave a part out.
const APPLY: [Word; 14] = [
    Word::Value,
    Word::Low,
    Word::High,
    Word::ChunkStart,
    Word::ChunkEnd,
    Word::Chunks,
    Word::Iterations,
    Word::StolenStart,
    Word::StolenEnd,
    Word::Cursor,
    Word::Claim,
    Word::Log,
    Word::DoneCount,
    Word::Applied,
];

/// The programs under the lock, for one run of the model.
pub struct Programs {
    /// Up to the commit point.
    head: Vec<Step>,
    /// `apply`: plain, of a steal, of a last commit, of a record without a chunk.
    apply: [Vec<Word>; 4],
    /// Behind it: a mutant's.
    tail: Vec<Step>,
    recovery_drops: bool,
}

impl Programs {
    pub fn new(mutant: Mutant) -> Self {
        let mut head: Vec<Step> = [Step::Decide].into_iter().chain(RECORD.map(Step::Record)).collect();
        let mut apply = APPLY.to_vec();
        let mut tail = Vec::new();
        match mutant {
            Mutant::TakenLater => {
                tail = [Word::ChunkStart, Word::ChunkEnd, Word::Cursor].map(Step::ApplyUnrecorded).to_vec();
            }
            Mutant::StolenIsNotCleared => apply.retain(|word| !matches!(word, Word::StolenStart | Word::StolenEnd)),
            Mutant::ChunkIsNotMarked => head.retain(|step| *step != Step::Record(Word::HasChunk)),
            Mutant::GivenOutBeforeCommitPoint => head.push(Step::ApplyUnrecorded(Word::Cursor)),
            Mutant::ContributionIsAdded => (apply[1], apply[2]) = (Word::AddedLow, Word::AddedHigh),
            Mutant::AppliedTooEarly => {
                apply.retain(|word| *word != Word::Applied);
                let cursor = apply.iter().position(|word| *word == Word::Cursor).expect("it is there");
                apply.insert(cursor, Word::Applied);
            }
            _ => {}
        }
        head.push(Step::Publish);
        let without = |left_out: &[Word]| apply.iter().copied().filter(|word| !left_out.contains(word)).collect();
        let plain = without(&[Word::StolenStart, Word::StolenEnd, Word::Log, Word::DoneCount]);
        let of_steal = without(&[Word::Log, Word::DoneCount]);
        let of_finisher = without(&[Word::StolenStart, Word::StolenEnd]);
        let of_cells = [Word::Value, Word::Low, Word::High, Word::Claim, Word::Applied];
        let without_chunk = apply.iter().copied().filter(|word| of_cells.contains(word)).collect();
        let apply = [plain, of_steal, of_finisher, without_chunk];
        Self { head, apply, tail, recovery_drops: mutant == Mutant::RecoveryDrops }
    }

    /// The stores of `apply` for a record.
    pub fn apply(&self, record: &Record) -> &[Word] {
        if !record.has_chunk {
            return &self.apply[3];
        }
        match (record.stolen > 0, record.slot.claim.is_done()) {
            (false, false) => &self.apply[0],
            (true, _) => &self.apply[1],
            (false, true) => &self.apply[2],
        }
    }

    /// The stores of a recovery.
    pub fn recovery(&self, record: &Record) -> &[Word] {
        if self.recovery_drops { &[Word::Applied] } else { self.apply(record) }
    }

    /// A step of a commit, which from its commit point on is that of the record.
    pub fn commit(&self, at: u8, record: &Record) -> Option<Step> {
        let at = usize::from(at);
        let Some(behind) = at.checked_sub(self.head.len()) else { return Some(self.head[at]) };
        let apply = self.apply(record);
        match behind.checked_sub(apply.len()) {
            None => Some(Step::Apply(apply[behind])),
            Some(behind) => self.tail.get(behind).copied(),
        }
    }
}
