//! Why `/dev/shm` has no room for a segment: the cause, with what is needed and what there is.

use rustix::fs::statvfs;
use rustix::io::Errno;

use crate::name::FOLDER;

/// What is missing for a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoRoom {
    /// The folder does not exist.
    #[error("there is no {FOLDER}")]
    NoFolder,
    /// The folder is mounted for reading alone.
    #[error("{FOLDER} is read-only")]
    ReadOnly,
    /// Bytes are missing.
    #[error("it needs {needed} bytes, and {FOLDER} has {free} of {size} free")]
    Bytes {
        /// How many it needs.
        needed: u64,
        /// How many are free.
        free: u64,
        /// How many the folder can hold.
        size: u64,
    },
    /// Inodes are missing.
    #[error("{FOLDER} has room for {most} files and folders, and has them")]
    Inodes {
        /// How many the folder can hold.
        most: u64,
    },
}

/// Whether the folder exists.
pub fn has_folder() -> bool {
    rustix::fs::stat(FOLDER).is_ok()
}

/// The cause of an error at a creation, if it is a matter of the folder.
pub fn explain(error: Errno, needed: u64) -> Option<NoRoom> {
    match error {
        Errno::NOENT | Errno::NOTDIR => Some(NoRoom::NoFolder),
        Errno::ROFS => Some(NoRoom::ReadOnly),
        Errno::NOSPC => {
            let folder = statvfs(FOLDER).ok()?;
            let (free, size) =
                (folder.f_bavail.saturating_mul(folder.f_frsize), folder.f_blocks.saturating_mul(folder.f_frsize));
            let is_limited = folder.f_files > 0;
            if free < needed || !is_limited || folder.f_ffree > 0 {
                Some(NoRoom::Bytes { needed, free, size })
            } else {
                Some(NoRoom::Inodes { most: folder.f_files })
            }
        }
        _ => None,
    }
}
