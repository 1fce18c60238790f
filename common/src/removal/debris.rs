//! Debris: segments that were never published, because their creators were killed.
//!
//! Nobody attaches to one, because its name is not a valid segment name. A creator whose file is removed before it holds its
//! first lock starts over.

use std::os::fd::AsFd;

use rustix::fs::{Mode, OFlags};

use super::is_plain;
use crate::inspection::entries;
use crate::name::FOLDER;
use crate::segment::{Role, creation_name};
use crate::sys::mapping::cautious;
use crate::system_error::SystemError;

/// Removes the files of killed creators. Returns their number.
///
/// # Errors
/// [`SystemError`] if `/dev/shm` cannot be read.
pub fn remove_creation_debris() -> Result<usize, SystemError> {
    let found = entries(creation_name)?;
    Ok(found.iter().filter(|name| remove(name)).count())
}

/// Removes the file if its creator is gone. Returns whether it did.
fn remove(creation_name: &str) -> bool {
    let path = format!("{FOLDER}/{creation_name}");
    let Ok(file) = rustix::fs::open(&path, cautious(OFlags::RDWR), Mode::empty()) else { return false };
    let is_abandoned = !Role::Present.is_held(creation_name, file.as_fd()).unwrap_or(true);
    is_plain(file.as_fd()) && is_abandoned && rustix::fs::unlink(&path).is_ok()
}
