//! What `coordinator` and `worker` agree on: the named segment, its robust lock and its crash-safe ledger.
//!
//! Invariant of the whole crate: **the value in a segment equals the wrapped sum of the contributions in its ledger**,
//! whichever process is killed at whichever instruction, as soon as the lock has been taken once more.
//!
//! Data flows one way: [`Terms`] are written into a [`Segment`] when it is created, every process that attaches reads
//! them, takes a ticket, and commits one contribution through the lock's [`Guard`]. A [`Snapshot`] reads it all without
//! the lock.
//!
//! Programs of one's own need none of this: [`SharedValue`] and [`SharedArray`] are numbers that processes share, and
//! change whole or not at all.

#[cfg(not(all(target_os = "linux", target_pointer_width = "64", target_env = "gnu")))]
compile_error!("the segment's layout and its locks are those of 64-bit Linux with glibc");

#[cfg(feature = "cli")]
pub mod cli;
mod clock;
mod delay;
mod error;
pub mod exit_code;
pub mod kernel;
mod layout;
mod ledger;
mod lock;
mod name;
mod nearest;
mod number;
pub mod plant;
pub mod process;
mod random;
mod segment;
mod shared;
mod stderr;
mod sys;
mod terms;
pub mod trace;
mod value;

pub use clock::Instant;
pub use delay::{DelayRange, InvalidDelay, parse_duration};
pub use error::{Error, Refusal, Result};
pub use layout::{MOST_CELLS, MOST_ENTRIES};
pub use ledger::{
    Claim, Committed, Glance, LockHolder, Phase, Snapshot, TakeOver, Then, TicketState, Violation, WorkerSnapshot,
    WorkerState,
};
pub use lock::{Acquire, Guard, Vigil};
pub use name::{InvalidName, SegmentName};
pub use number::{InvalidCount, parse_count};
pub use random::random;
pub use segment::{
    Condition, Lifecycle, Lookup, Removal, RunState, Segment, Stop, list, remove, remove_creation_debris,
};
pub use shared::{ArrayGuard, Scalar, SharedArray, SharedValue, ValueGuard};
pub use stderr::{say, say_if_read};
pub use sys::sigbus::report_truncation;
pub use sys::slice::shorten as ask_for_short_slices;
pub use terms::{Mode, Origin, Terms};
pub use value::{Cells, Number, Overflow, Value, ValueType};
