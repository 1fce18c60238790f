//! The worker's unsafe code: signals, ending the process, and starting one that ends with its worker.
#![expect(unsafe_code, reason = "fork, sigaction and _exit have no safe interface")]

pub mod actions;
pub mod exit;
pub mod spawn;
pub mod stdio;
