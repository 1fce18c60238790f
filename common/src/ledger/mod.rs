//! The ledger: which ticket contributed what, and the one commit point.
//!
//! Invariants, whichever process is killed at whichever instruction, once the lock has been taken again:
//! - the value equals the wrapped sum of the contributions of the tickets that are done;
//! - a ticket is done at most once, and stays done;
//! - the log names the tickets that are done, once each, in the order of their commits.

mod commit;
#[cfg(feature = "plant")]
mod faulty;
mod holder;
mod news;
pub(crate) mod recovery;
mod redo;
mod snapshot;
mod state;
mod ticket;

pub use commit::Committed;
pub use holder::LockHolder;
pub use news::TicketState;
pub use snapshot::{Snapshot, Violation, WorkerSnapshot, WorkerState};
pub use ticket::{Claim, Phase, TakeOver};
