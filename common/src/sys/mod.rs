//! The unsafe code of this crate: the mapping, the mutex, record locks, forks, signals, the scheduler's slice.
//!
//! Invariant: the interface of this module is safe whatever other processes do to the segment's bytes; each block has its
//! proof. Two things are not covered. The C library follows pointers in a robust mutex, so a process of the same user, which
//! could also trace this one, can do harm through those bytes. And if a third party truncates the file, the kernel sends
//! SIGBUS, which [`sigbus`] turns into an error or a defined exit.
#![expect(
    unsafe_code,
    reason = "shared memory, pthread, fcntl, dup3, sigaction and sched_setattr have no safe interface"
)]

pub mod fork;
pub mod mapping;
pub mod mutex;
pub mod record_lock;
pub mod role_file;
pub mod segment_copy;
pub mod sigbus;
pub mod signal;
pub mod slice;
