//! The worker's unsafe code: starting a process that ends with its worker.
#![expect(unsafe_code, reason = "fork and sigaction have no safe interface")]

pub mod spawn;
