//! Segments that were never published: what a creator that was killed leaves behind.
//!
//! Nobody attaches to one, because its name is no segment name. A creator whose file is taken for debris, in the moment
//! before it holds its first lock, begins anew.

use std::os::fd::AsFd;

use rustix::fs::{Mode, OFlags};

use super::inspect::entries;
use super::remove::is_plain;
use super::role::Role;
use crate::error::Result;
use crate::name::FOLDER;
use crate::sys::mapping::cautious;

/// How names of segments under creation begin. No segment name begins with a dot.
const PREFIX: &str = ".multiprocess-creating-";

/// The name under which a segment is built.
pub(super) fn creation_name(nonce: u64) -> String {
    format!("{PREFIX}{nonce:016x}")
}

/// Removes what creators that were killed left behind; says how many files.
///
/// # Errors
/// [`crate::Error::System`] if `/dev/shm` cannot be read.
pub fn remove_creation_debris() -> Result<usize> {
    let found = entries(|file_name| file_name.starts_with(PREFIX).then(|| file_name.to_owned()))?;
    Ok(found.iter().filter(|creation_name| remove(creation_name)).count())
}

/// Removes the file if its creator is gone; says whether it did.
fn remove(creation_name: &str) -> bool {
    let path = format!("{FOLDER}/{creation_name}");
    let Ok(file) = rustix::fs::open(&path, cautious(OFlags::RDWR), Mode::empty()) else { return false };
    let is_abandoned = !Role::Present.is_held(creation_name, file.as_fd()).unwrap_or(true);
    is_plain(file.as_fd()) && is_abandoned && rustix::fs::unlink(&path).is_ok()
}
