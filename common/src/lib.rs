//! Crash-safe shared memory: a named segment, its robust lock and its crash-safe ledger.
//!
//! Invariant of the whole crate: **the value in a segment equals the wrapped sum of the contributions in its ledger**,
//! whichever process is killed at whichever instruction, once the lock has been acquired again.
//!
//! A creator writes [`Terms`] into a [`Segment`]. Every worker that attaches reads them, takes a ticket, and commits its
//! contribution through a [`LockedLedger`]. An [`Observer`] looks on, and a [`Snapshot`] reads everything without the lock.
//!
//! Most programs need none of this: [`SharedValue`] and [`SharedArray`] are numbers that processes share and change whole or
//! not at all.
//!
//! The rooms, from the bottom up; imports go down only (`docs/architecture.md` has the plan):
//!
//! | room | what |
//! |---|---|
//! | `value`, `layout`, `sys`, `terms` | numbers, the segment's bytes, unsafe code, what a run is about |
//! | `redo` | the redo record: the commit point and recovery |
//! | `segment` | create, verify, attach; roles; requests |
//! | `lock` | acquire, recover, owner death |
//! | `ledger` | tickets, commits, chunks, the audit |
//! | `snapshot`, `inspection`, `removal` | reading without the lock, listing, unlinking |
//! | `shared` | values and arrays for programs of one's own |
//! | `cli` | what both programs share of their command lines (feature `cli`) |

#[cfg(not(all(target_os = "linux", target_pointer_width = "64", target_env = "gnu")))]
compile_error!("the segment's layout and its locks are those of 64-bit Linux with glibc");

mod attachments;
#[cfg(feature = "cli")]
pub mod cli;
mod clock;
mod count;
mod delay;
pub mod descendants;
mod error;
pub mod failpoint;
mod inspection;
mod layout;
mod ledger;
mod lock;
mod name;
pub mod oom;
pub mod process;
mod random;
mod redo;
pub mod refusal;
mod removal;
mod segment;
mod shared;
mod snapshot;
pub mod span;
mod stderr;
mod sys;
mod system_error;
mod terms;
mod value;
pub mod worker_file;

pub use attachments::Attachments;
pub use clock::{BootTime, nanoseconds, rfc3339};
pub use count::{InvalidCount, counted, parse_count};
pub use delay::{DelayRange, InvalidDelay, parse_duration};
pub use descendants::Descendants;
pub use error::{Error, Result};
pub use inspection::{RunState, SegmentInfo, inspect, list};
pub use layout::{MOST_CELLS, MOST_ENTRIES, MOST_SHARED_CELLS};
pub use ledger::{
    Applied, Cause, Claim, CommitError, Committed, Exit, Ledger, LockedLedger, ObservedLedger, Phase, SlotView,
    TakeOver, Then, TicketError, TicketState, Totals, Violation, WorkerState,
};
pub use lock::{LockError, LockOutcome, LockOwner, OwnerWatch};
pub use name::{InvalidName, SegmentName};
pub use random::random;
pub use redo::Damage;
pub use removal::{
    Condition, Removal, RemoveError, remove, remove_creation_debris, remove_marked, remove_when_truncated, unlink,
};
pub use segment::{AttachError, CreateError, ForkError, Lifecycle, NoRoom, Observer, Refusal, Segment, Stop};
pub use shared::{
    Addend, ArrayGuard, CellsGuard, LockedCells, Scalar, SharedArray, SharedCells, SharedKind, SharedValue, ValueGuard,
};
pub use snapshot::{Missing, Snapshot, WorkerSnapshot};
pub use stderr::{say, say_if_read};
pub use sys::sigbus::{ExitOnTruncation, exit_on_truncation};
pub use sys::slice::shorten as ask_for_short_slices;
pub use system_error::SystemError;
pub use terms::{InvalidTerms, Mode, Origin, Part, Shard, Terms};
pub use value::{Cells, Number, Overflow, Value, ValueType, WideSum};
