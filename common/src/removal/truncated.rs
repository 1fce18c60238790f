//! The file of a run that something else has cut short: nothing of it can be resumed, so its owner removes it.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::sync::OnceLock;

use rustix::fs::{AtFlags, CWD, OFlags};

use crate::segment::verify::{self, file_id, is_cut_short};
use crate::segment::{Role, Segment};
use crate::sys::role_file::RoleFile;
use crate::sys::sigbus;

/// The segment that this process owns.
static OWNED: OnceLock<OwnedFile> = OnceLock::new();

struct OwnedFile {
    /// A description of its own: it holds none of the owner's roles.
    file: RoleFile,
    path: CString,
    /// The file's length while it is whole.
    size: u64,
    /// The owner. Its children inherit the handler.
    pid: u32,
}

/// From now on this process removes the segment's file when it is ended because the file was cut short
/// ([`exit_on_truncation`](crate::exit_on_truncation)). Works for the first segment that a process names.
pub fn remove_when_truncated(segment: &Segment) {
    let owned = || {
        let file = verify::open(segment.name(), OFlags::RDWR).ok()?;
        let is_same = file_id(&file).ok()? == file_id(segment.file().ok()?).ok()?;
        let path = CString::new(segment.name().path().as_os_str().as_bytes()).ok()?;
        let size = segment.terms().geometry().size() as u64;
        is_same.then(|| OwnedFile { file, path, size, pid: std::process::id() })
    };
    if let Some(owned) = owned()
        && OWNED.set(owned).is_ok()
    {
        sigbus::before_exit(remove_owned);
    }
}

/// Runs in a signal handler: atomic loads and system calls alone (signal-safety(7)).
fn remove_owned() {
    let Some(owned) = OWNED.get() else { return };
    let file = &owned.file;
    if owned.pid != std::process::id() || !is_cut_short(file, owned.size) {
        return;
    }
    // As every remover: the role first, so that the name cannot be given to another segment between the look and the unlink.
    if !Role::Remover.try_take("", file).unwrap_or(false) {
        return;
    }
    let named = rustix::fs::statat(CWD, owned.path.as_c_str(), AtFlags::SYMLINK_NOFOLLOW);
    if named.is_ok_and(|named| file_id(file).is_ok_and(|ours| ours == (named.st_dev, named.st_ino))) {
        // Nobody is left to tell of a failure; `remove --force` removes what stays.
        let _ = rustix::fs::unlink(owned.path.as_c_str());
    }
}
