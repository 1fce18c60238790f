//! Debris: segments that were never published, because their creators were killed.
//!
//! Nobody attaches to one, because its name is not a valid segment name. A creator whose file is removed before it holds its
//! first lock starts over.

use std::os::fd::AsFd;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::is_plain;
use crate::inspection::entries;
use crate::name::FOLDER;
use crate::segment::{Role, creation_name};
use crate::sys::mapping::cautious;
use crate::system_error::SystemError;

/// Removes the files of killed creators. Returns their number.
///
/// # Errors
/// [`SystemError`] if `/dev/shm` cannot be read, or if one of them cannot be removed.
pub fn remove_creation_debris() -> Result<usize, SystemError> {
    let (mut removed, mut failure) = (0, None);
    for name in entries(creation_name)? {
        match remove(&name) {
            Ok(did) => removed += usize::from(did),
            Err(error) => failure = Some(SystemError::new("remove", format!("{FOLDER}/{name}"), error)),
        }
    }
    failure.map_or(Ok(removed), Err)
}

/// Removes the file if its creator is gone. Returns whether it did.
fn remove(creation_name: &str) -> Result<bool, Errno> {
    let path = format!("{FOLDER}/{creation_name}");
    // Of another user, or gone meanwhile.
    let Ok(file) = rustix::fs::open(&path, cautious(OFlags::RDWR), Mode::empty()) else { return Ok(false) };
    let is_abandoned = !Role::Present.is_held(creation_name, file.as_fd()).unwrap_or(true);
    if !is_plain(file.as_fd()) || !is_abandoned {
        return Ok(false);
    }
    match rustix::fs::unlink(&path) {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error),
    }
}
