//! Every state that a model can reach, and what holds in each: what the models of the ledger's protocols share.
//!
//! Invariant: nothing here knows what a model is of, but for the two words that all of them have, the lock and the claim.

mod claim;
mod hash;
mod mutex;
mod search;

use std::fmt::Debug;
use std::hash::Hash;

pub use claim::Claim;
pub use mutex::Mutex;
use search::{explore, tell};

/// A system of a few processes, what may happen in it, and what it promises.
pub trait Model {
    type State: Debug + Eq + Hash;
    /// What leads from a state to the next.
    type Move: Copy + Debug;
    /// A promise that is broken.
    type Violation: Copy + Debug + PartialEq;

    /// What is broken if the system may go on for ever.
    const ENDLESS: Self::Violation;

    fn first(&self) -> Self::State;

    /// Everything that may happen in a state.
    fn successors(&self, state: &Self::State) -> Vec<(Self::Move, Self::State)>;

    /// Whether nobody may count on it that this happens.
    fn is_crash(by: Self::Move) -> bool;

    /// Judges one state.
    fn judge(&self, state: &Self::State) -> Result<(), Self::Violation>;

    /// Judges a step.
    fn judge_step(&self, before: &Self::State, after: &Self::State) -> Result<(), Self::Violation>;

    /// Judges a state from which nothing but a crash leads on.
    fn judge_end(&self, state: &Self::State) -> Result<(), Self::Violation>;

    /// Whether a state is left some day, whatever else happens over and over meanwhile.
    fn passes(_state: &Self::State) -> bool {
        false
    }

    /// The process that made a move, as it is in the state that follows.
    fn actor(by: Self::Move, after: &Self::State) -> Option<&dyn Debug>;
}

/// Explores everything and expects no violation.
#[track_caller]
pub fn holds<M: Model>(what: &str, model: &M) {
    match explore(model) {
        Ok(explored) => tell(what, &explored),
        Err(counterexample) => panic!("{what}: {counterexample}"),
    }
}

/// Expects that a promise is broken.
#[track_caller]
pub fn breaks<M: Model>(promise: M::Violation, model: &M) {
    let counterexample = explore(model).expect_err("nothing is broken");
    assert_eq!(counterexample.violation, promise, "{counterexample}");
}
