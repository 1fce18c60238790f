//! The ledger: which ticket contributed what, and the one commit point.
//!
//! Invariants, whichever process is killed at whichever instruction, once the lock has been taken again:
//! - the value equals the wrapped sum of the contributions of the tickets that are done;
//! - a ticket is done at most once, and stays done;
//! - each iteration of a range that is shared out is applied once, or part of one ticket's chunk, or not given out;
//! - the log names the tickets that are done, once each, in the order of their commits.

mod chunk;
mod commit;
mod exchange;
#[cfg(feature = "plant")]
mod faulty;
mod holder;
mod news;
mod orphan;
pub(crate) mod recovery;
mod redo;
mod snapshot;
mod state;
mod step;
mod ticket;

pub use chunk::Then;
pub use commit::Committed;
pub use holder::LockHolder;
pub use news::{Glance, TicketState};
pub use snapshot::{Snapshot, Violation, WorkerSnapshot, WorkerState};
pub use ticket::{Claim, Phase, TakeOver};
