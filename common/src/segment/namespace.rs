//! PID namespaces: a robust mutex names its owner by a thread id, which means another thread in another namespace.
//!
//! So all processes that may lock a segment are of one namespace: that of the word `identity.pid_namespace`. They check the
//! word once they are present, and only a process that alone is present changes it (`foreign.rs`).

use std::sync::atomic::Ordering::Relaxed;

use rustix::io::Errno;

use crate::layout::Header;

/// Where the kernel shows it: `namespaces(7)`.
pub const FILE: &str = "/proc/self/ns/pid";

/// Where the processes of a segment are, seen from this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// In this PID namespace.
    Here,
    /// In another PID namespace: their ids mean other processes here.
    Elsewhere,
    /// This process's own namespace cannot be read: there is no `/proc`.
    Unknown(Errno),
}

impl Location {
    /// The place of the segment with this header.
    pub fn of(header: &Header) -> Self {
        match own() {
            Ok(own) if own == header.identity.pid_namespace.load(Relaxed) => Self::Here,
            Ok(_) => Self::Elsewhere,
            Err(error) => Self::Unknown(error),
        }
    }
}

/// The inode of this process's PID namespace.
pub fn own() -> Result<u64, Errno> {
    rustix::fs::stat(FILE).map(|stat| stat.st_ino)
}
