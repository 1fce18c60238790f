//! The only unsafe code: the mapping, the mutex, record locks, the treatment of signals, the start of processes, and code
//! for processors that have more than the baseline.
//!
//! Invariant: what leaves this module is safe to use whatever other processes do to the segment's bytes; each block
//! carries the proof. Two things are outside of it. The C library follows pointers that lie in a robust mutex, so a process
//! of the same user, which could trace this one as well, can do harm through those bytes. And when a third party truncates
//! the file, the kernel sends SIGBUS, which [`sigbus`] turns into a defined exit.
#![expect(
    unsafe_code,
    reason = "shared memory, pthread, fcntl, sigaction, fork and `target_feature` have no safe interface; nothing outside does this"
)]

pub mod disposition;
pub mod ifma;
pub mod image;
pub mod mapping;
pub mod mutex;
#[cfg(target_arch = "x86_64")]
pub mod processor;
pub mod record_lock;
pub mod sigbus;
pub mod slice;
pub mod spawn;
pub mod vector;
