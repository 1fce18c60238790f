//! Open file description locks: the kernel knows who is alive.
//!
//! `fcntl(fd, F_OFD_SETLK)` locks bytes of a file for an open file description (fcntl(2), "Open file description locks").
//! The kernel drops such a lock when the description is closed, which every death and every exec does. `F_OFD_GETLK` asks
//! without locking and disturbs nobody. `flock` can only be tested by taking it, and any `close` of the file in the process
//! drops classic record locks.

use std::os::fd::{AsFd, AsRawFd};

use rustix::io::Errno;

/// The mode of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Shared with others.
    Shared,
    /// Exclusive.
    Exclusive,
}

/// Locks the byte at `offset`, if that is possible at once. Returns whether it did.
pub fn try_lock(file: impl AsFd, offset: u64, hold: Hold) -> Result<bool, Errno> {
    let mut request = request(offset, 1, hold.kind());
    match call(file, libc::F_OFD_SETLK, &mut request) {
        Ok(()) => Ok(true),
        Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Releases the lock on the byte at `offset`, if this description has one.
pub fn unlock(file: impl AsFd, offset: u64) -> Result<(), Errno> {
    call(file, libc::F_OFD_SETLK, &mut request(offset, 1, libc::F_UNLCK))
}

/// Whether another open file description has a lock on one of the `count` bytes from `offset` that conflicts with `hold`.
pub fn is_held(file: impl AsFd, offset: u64, count: u32, hold: Hold) -> Result<bool, Errno> {
    let mut request = request(offset, count, hold.kind());
    call(file, libc::F_OFD_GETLK, &mut request)?;
    Ok(i32::from(request.l_type) != libc::F_UNLCK)
}

/// Gives up all locks of the open file description, also for its other descriptors.
pub fn unlock_all(file: impl AsFd) -> Result<(), Errno> {
    // A length of zero: to the end of the file, however far that is.
    call(file, libc::F_OFD_SETLK, &mut request(0, 0, libc::F_UNLCK))
}

impl Hold {
    fn kind(self) -> libc::c_int {
        match self {
            Self::Shared => libc::F_RDLCK,
            Self::Exclusive => libc::F_WRLCK,
        }
    }
}

fn request(offset: u64, count: u32, kind: libc::c_int) -> libc::flock {
    #[expect(clippy::cast_possible_truncation, reason = "the constants are 0, 1 and 2; the fields are shorts")]
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: offset.cast_signed(),
        l_len: count.into(),
        // Must be zero for open file description locks.
        l_pid: 0,
    }
}

fn call(file: impl AsFd, command: libc::c_int, request: &mut libc::flock) -> Result<(), Errno> {
    // SAFETY: the descriptor is open for the borrow's length, and the third argument is the flock that both commands take.
    let answer = unsafe { libc::fcntl(file.as_fd().as_raw_fd(), command, std::ptr::from_mut(request)) };
    if answer == -1 { Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)) } else { Ok(()) }
}
