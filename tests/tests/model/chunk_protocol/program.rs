//! What a process does under the lock, store by store, and the mutants: the same with one thing done wrongly.
//!
//! Invariant: without a mutant the order is the order of the code.

use super::PLACES;
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
    /// A range that is set aside is stored before the commit point.
    SetAsideBeforeCommitPoint,
    /// A chunk that is set aside stays with its ticket.
    SetAsideIsKept,
    /// A range that is set aside is stored nowhere.
    SetAsideIsForgotten,
    /// What is given out again stays set aside.
    RetriedStaysSetAside,
    /// A ticket that is opened again stays in the log.
    OpenedStaysLogged,
}

/// What a commit is about: which words its record has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Chunk,
    SetAside,
    Open,
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
    /// `retry_set_aside`: a store for one place.
    Retry(u8),
    /// `reopen` looks for a ticket.
    DecideToOpen,
    /// A store of `record`.
    Record(Word),
    Publish,
    /// A store of `apply`.
    Apply(Word),
    /// A mutant's: a store of `apply` of what was to be recorded.
    ApplyUnrecorded(Word),
}

pub const TAKE: [Step; 2] = [Step::TakeRole, Step::StoreClaim];

/// The steps of `reopen` before its first commit.
const REOPEN: [Step; PLACES] = [Step::Retry(1), Step::Retry(2)];

const RECORD: [Word; 17] = [
    Word::PlaceStart,
    Word::PlaceEnd,
    Word::Cause,
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
    Word::Number,
    Word::Done,
];

/// Of a commit that takes a chunk over and finishes its ticket, which no commit does; others leave a part out.
const APPLY: [Word; 17] = [
    Word::Value,
    Word::Low,
    Word::High,
    Word::ChunkStart,
    Word::ChunkEnd,
    Word::Chunks,
    Word::Iterations,
    Word::StolenStart,
    Word::StolenEnd,
    Word::PlaceStart,
    Word::PlaceEnd,
    Word::Cause,
    Word::Cursor,
    Word::Claim,
    Word::Log,
    Word::DoneCount,
    Word::Applied,
];

/// Words of a record that sets nothing aside: those of the place are left as they were.
const PLACE: [Word; 3] = [Word::PlaceStart, Word::PlaceEnd, Word::Cause];

/// Words of a record without a chunk.
const CELLS: [Word; 9] = [
    Word::Value,
    Word::Low,
    Word::High,
    Word::Ticket,
    Word::HasChunk,
    Word::Claim,
    Word::Done,
    Word::DoneCount,
    Word::Applied,
];

/// The programs under the lock, for one run of the model.
pub struct Programs {
    /// Up to the commit point, for each kind.
    heads: [Vec<Step>; 3],
    /// `apply`, for each form of a record: see [`form`].
    apply: [Vec<Word>; 16],
    /// Behind it: a mutant's.
    tail: Vec<Step>,
    recovery_drops: bool,
}

impl Programs {
    pub fn new(mutant: Mutant) -> Self {
        let mut head: Vec<Step> = RECORD.map(Step::Record).to_vec();
        let mut apply = APPLY.to_vec();
        let mut tail = Vec::new();
        match mutant {
            Mutant::TakenLater => {
                tail = [Word::ChunkStart, Word::ChunkEnd, Word::Cursor].map(Step::ApplyUnrecorded).to_vec();
            }
            Mutant::StolenIsNotCleared => apply.retain(|word| !matches!(word, Word::StolenStart | Word::StolenEnd)),
            Mutant::ChunkIsNotMarked => head.retain(|step| *step != Step::Record(Word::HasChunk)),
            Mutant::GivenOutBeforeCommitPoint => head.push(Step::ApplyUnrecorded(Word::Cursor)),
            Mutant::SetAsideBeforeCommitPoint => head.extend(PLACE.map(Step::ApplyUnrecorded)),
            Mutant::SetAsideIsForgotten => apply.retain(|word| !PLACE.contains(word)),
            Mutant::ContributionIsAdded => (apply[1], apply[2]) = (Word::AddedLow, Word::AddedHigh),
            Mutant::AppliedTooEarly => {
                apply.retain(|word| *word != Word::Applied);
                let cursor = apply.iter().position(|word| *word == Word::Cursor).expect("it is there");
                apply.insert(cursor, Word::Applied);
            }
            _ => {}
        }
        head.push(Step::Publish);
        let heads = [Kind::Chunk, Kind::SetAside, Kind::Open].map(|kind| {
            let first = if kind == Kind::Open { Step::DecideToOpen } else { Step::Decide };
            let belongs = |step: &&Step| match step {
                Step::Record(word) | Step::ApplyUnrecorded(word) => match kind {
                    Kind::Chunk => !PLACE.contains(word),
                    Kind::SetAside => true,
                    Kind::Open => CELLS.contains(word),
                },
                _ => true,
            };
            std::iter::once(first).chain(head.iter().filter(belongs).copied()).collect()
        });
        let apply = std::array::from_fn(|form| apply.iter().copied().filter(|word| is_applied(*word, form)).collect());
        Self { heads, apply, tail, recovery_drops: mutant == Mutant::RecoveryDrops }
    }

    /// The stores of `apply` for a record.
    pub fn apply(&self, record: &Record) -> &[Word] {
        &self.apply[form(record)]
    }

    /// The stores of a recovery.
    pub fn recovery(&self, record: &Record) -> &[Word] {
        if self.recovery_drops { &[Word::Applied] } else { self.apply(record) }
    }

    /// A step of a commit, which from its commit point on is that of the record.
    pub fn commit(&self, kind: Kind, at: u8, record: &Record) -> Option<Step> {
        let (head, at) = (&self.heads[kind as usize], usize::from(at));
        let Some(behind) = at.checked_sub(head.len()) else { return Some(head[at]) };
        let apply = self.apply(record);
        match behind.checked_sub(apply.len()) {
            None => Some(Step::Apply(apply[behind])),
            Some(behind) => self.tail.get(behind).copied(),
        }
    }
}

/// A step of `reopen` before its first commit.
pub fn reopening(at: u8) -> Option<Step> {
    REOPEN.get(usize::from(at)).copied()
}

/// How many steps these are.
pub const REOPENING: u8 = 2;

/// The form of a record, as four bits: has a chunk, is a steal, finishes its ticket, changes a place.
fn form(record: &Record) -> usize {
    let bits = [record.has_chunk, record.stolen > 0, record.slot.claim.is_done(), record.number > 0];
    bits.into_iter().rev().fold(0, |form, bit| 2 * form + usize::from(bit))
}

/// Whether `apply` stores that word for a record of that form.
fn is_applied(word: Word, form: usize) -> bool {
    let [has_chunk, is_steal, finishes, changes_place] = [1, 2, 4, 8].map(|bit| form & bit != 0);
    match word {
        Word::Log => finishes,
        Word::AddedLow | Word::AddedHigh => true,
        word if CELLS.contains(&word) => true,
        Word::StolenStart | Word::StolenEnd => has_chunk && is_steal,
        word if PLACE.contains(&word) => has_chunk && changes_place,
        _ => has_chunk,
    }
}
