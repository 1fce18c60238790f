//! A file in memory in which launched workers write to their coordinator: their spans, or why they failed.
//!
//! The coordinator makes it (`memfd_create(2)`) and names it to its workers by its own process id and descriptor. It begins with
//! a head that names the segment: a worker that finds another head writes nothing.

use std::fs::{File, OpenOptions, read_link};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Resource, getrlimit};

/// The largest file: 32 MiB.
pub const MOST: u64 = 1 << 25;

/// The most bytes that a file may have, also by the limit on file sizes (`RLIMIT_FSIZE`). Beyond that, SIGXFSZ would kill the
/// process that writes.
#[must_use]
pub fn room() -> u64 {
    getrlimit(Resource::Fsize).current.unwrap_or(u64::MAX).min(MOST)
}

/// Creates a file with that head. Without room for it the file stays empty, and so workers write nothing.
///
/// # Errors
/// If the system refuses.
pub fn create(name: &str, head: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create(name, MemfdFlags::CLOEXEC)?);
    if head.len() as u64 <= room() {
        file.write_all(head)?;
    }
    Ok(file)
}

/// The path by which workers open a file of this process; valid while this process lives.
#[must_use]
pub fn path(file: &File) -> String {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd())
}

/// Opens the coordinator's file and reads its head, for the caller to compare: the process id and descriptor may belong to
/// another process by now.
#[must_use]
pub fn open_to_append(path: &Path, head: &mut [u8]) -> Option<File> {
    // Nothing else is opened: opening alone may have effects.
    read_link(path).ok().filter(|target| target.as_os_str().as_encoded_bytes().starts_with(b"/memfd:"))?;
    let file = OpenOptions::new().read(true).append(true).open(path).ok()?;
    file.read_exact_at(head, 0).ok()?;
    Some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_memory_is_opened_by_its_path_and_no_other_file_is() {
        let file = create("test", b"head").unwrap();
        let mut head = [0; 4];
        let mut opened = open_to_append(path(&file).as_ref(), &mut head).unwrap();
        assert_eq!(&head, b"head");
        opened.write_all(b"and more").unwrap();
        assert_eq!(file.metadata().unwrap().len(), 12, "it is appended");
        assert!(open_to_append(path(&file).as_ref(), &mut [0; 13]).is_none(), "it has no such head");
        let named = tempfile::NamedTempFile::new().unwrap();
        assert!(open_to_append(named.path(), &mut []).is_none());
    }
}
