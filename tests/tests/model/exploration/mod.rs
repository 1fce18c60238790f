//! What the models of the protocols share: the search through every reachable state, the promises, the lock, the claims
//! and the log.

mod claim;
mod hash;
mod log;
mod mutex;
mod search;
mod transition;
mod violation;

use std::fmt::Debug;
use std::hash::Hash;

use harness::report;

pub use claim::Claim;
pub use log::Log;
pub use mutex::Mutex;
use search::explore;
pub use transition::Move;
pub use violation::{Look, Violation};

/// A system of a few processes: its transitions and promises.
pub trait Model {
    type State: Debug + Eq + Hash;

    fn first(&self) -> Self::State;

    /// Everything that may happen in a state.
    fn successors(&self, state: &Self::State) -> Vec<(Move, Self::State)>;

    /// Checks a state.
    fn judge(&self, state: &Self::State) -> Result<(), Violation>;

    /// Checks a step.
    fn judge_step(&self, before: &Self::State, after: &Self::State) -> Result<(), Violation>;

    /// Checks a state that only crashes lead out of.
    fn judge_end(&self, state: &Self::State) -> Result<(), Violation>;

    /// Whether the system leaves this state some day, whatever repeats meanwhile.
    fn passes(_state: &Self::State) -> bool {
        false
    }

    /// A process as it is in a state.
    fn process(state: &Self::State, number: usize) -> &dyn Debug;
}

/// Explores everything; expects no violation.
#[track_caller]
pub fn holds<M: Model>(what: &str, model: &M) {
    match explore(model) {
        Ok(explored) => report(&format!("{what}: {explored}")),
        Err(counterexample) => panic!("{what}: {counterexample}"),
    }
}

/// Expects that a promise is broken.
#[track_caller]
pub fn breaks<M: Model>(promise: Violation, model: &M) {
    let counterexample = explore(model).expect_err("nothing is broken");
    assert_eq!(counterexample.violation, promise, "{counterexample}");
}
