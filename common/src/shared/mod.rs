//! Values and arrays for Rust programs of one's own, like Python's `multiprocessing.Value` and `Array`: no coordinator, no
//! workers, no tickets.
//!
//! | operation | lock | killed in the middle |
//! |---|---|---|
//! | `get` of a value or an array | not needed: one load | |
//! | `get` and `set` of a guard | held | each `set` is done or not, by itself |
//! | `update`, `add` | held, or acquired for the call | all cells are changed or none |
//!
//! All threads of a process may share a handle. A guard stays with its thread.
//!
//! If another program truncates the segment's file, what touches a lost page fails: with `LockError::Damaged`, or with a panic
//! where there is no error to return, rather than with a number that nobody stored.
//!
//! Invariants, whichever process is killed at whichever instruction, once the lock has been acquired again: a cell holds the
//! value of one `set`, `update` or `add`; and an `update` or `add` has changed all cells or none.

mod array;
mod array_guard;
mod cells;
mod cells_guard;
mod kind;
mod locked_cells;
mod scalar;
mod value;

pub use array::SharedArray;
pub use array_guard::ArrayGuard;
pub use cells::SharedCells;
pub use cells_guard::CellsGuard;
pub use kind::SharedKind;
pub use locked_cells::LockedCells;
pub use scalar::{Addend, Scalar};
pub use value::{SharedValue, ValueGuard};
