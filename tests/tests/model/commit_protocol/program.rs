//! What a process does under the lock, store by store, and the mutants: the same with one thing done wrongly.
//!
//! Invariant: without a mutant the order is the order of the code.

use super::memory::Store;

/// A mistake in the protocol that the model must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// The protocol as it is.
    None,
    /// No record: the value is changed, then the ticket is marked as done.
    AddBeforeMark,
    /// The value is stored before the commit point, then all as usual.
    ValueBeforeCommitPoint,
    /// The record is published before its last word is written.
    PublishedBeforeRecorded,
    /// The commit counts as applied before the tickets' count is stored.
    AppliedTooEarly,
    /// The tickets' count is stored before the place in the log that it covers.
    CountedBeforeLogged,
    /// A commit does not look whether its ticket is still its own.
    NoRecheck,
    /// A worker takes its ticket without a look whether it is done.
    DoneIsNotSeen,
    /// Recovery forgets a published record.
    RecoveryDrops,
    /// Recovery adds to the value instead of storing it.
    RecoveryIncrements,
    /// Recovery does not say that the lock is consistent again.
    NoConsistent,
    /// Only the next owner after a dead one recovers.
    PanicIsNotSeen,
}

/// An instruction under the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `commit` compares the claim's word with its epoch.
    Recheck,
    /// A store of `record`, `publish` or `apply`.
    Store(Store),
    /// `make_consistent`.
    Consistent,
    /// `take` looks whether the ticket is done and the segment open.
    LookAtTicket,
    /// `join_one_of` looks at a ticket.
    LookForTicket,
    /// `try_take_ticket`.
    TakeRole,
    /// `assign` stores the claim's word.
    StoreClaim,
    /// `close` stores the lifecycle.
    Close,
}

use Step::Store as S;

const RECORD_AND_PUBLISH: [Step; 8] = [
    Step::Recheck,
    S(Store::RecordValue),
    S(Store::RecordLow),
    S(Store::RecordHigh),
    S(Store::RecordTicket),
    S(Store::RecordClaim),
    S(Store::RecordDone),
    S(Store::Publish),
];

const APPLY: [Step; 8] = [
    S(Store::Value),
    S(Store::Low),
    S(Store::High),
    S(Store::ValueAfter),
    S(Store::Claim),
    S(Store::Log),
    S(Store::DoneCount),
    S(Store::Applied),
];

/// The programs under the lock, for one run of the model.
pub struct Programs {
    pub mutant: Mutant,
    pub take: Vec<Step>,
    pub join: Vec<Step>,
    pub commit: Vec<Step>,
    pub close: Vec<Step>,
    /// From the start if a record is to be applied, else from its last step on: `make_consistent`.
    pub recovery: Vec<Step>,
}

impl Programs {
    pub fn new(mutant: Mutant) -> Self {
        let mut commit = [RECORD_AND_PUBLISH, APPLY].concat();
        let mut recovery = APPLY.to_vec();
        let place = |commit: &[Step], store| commit.iter().position(|step| *step == S(store)).expect("it is there");
        match mutant {
            Mutant::AddBeforeMark => commit.retain(|step| !matches!(step, S(Store::Publish | Store::Applied))),
            Mutant::ValueBeforeCommitPoint => commit.insert(place(&commit, Store::Publish), S(Store::Value)),
            Mutant::PublishedBeforeRecorded => {
                let publish = place(&commit, Store::Publish);
                commit.swap(publish - 1, publish);
            }
            Mutant::AppliedTooEarly => {
                let applied = place(&commit, Store::Applied);
                commit.swap(applied - 1, applied);
            }
            Mutant::CountedBeforeLogged => {
                let log = place(&commit, Store::Log);
                commit.swap(log, log + 1);
            }
            Mutant::RecoveryDrops => recovery = vec![S(Store::Applied)],
            Mutant::RecoveryIncrements => recovery[0] = S(Store::Increment),
            _ => {}
        }
        recovery.push(Step::Consistent);
        Self {
            mutant,
            take: vec![Step::LookAtTicket, Step::TakeRole, Step::StoreClaim],
            join: vec![Step::LookForTicket, Step::TakeRole, Step::StoreClaim],
            commit,
            close: vec![Step::Close],
            recovery,
        }
    }
}
