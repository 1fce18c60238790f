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
    let mut request = request(offset, hold);
    match call(file, libc::F_OFD_SETLK, &mut request) {
        Ok(()) => Ok(true),
        Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether another open file description has a lock on the byte at `offset` that conflicts with `hold`.
pub fn is_held(file: impl AsFd, offset: u64, hold: Hold) -> Result<bool, Errno> {
    let mut request = request(offset, hold);
    call(file, libc::F_OFD_GETLK, &mut request)?;
    Ok(i32::from(request.l_type) != libc::F_UNLCK)
}

/// Gives up all locks of the open file description, also for its other descriptors.
pub fn unlock_all(file: impl AsFd) -> Result<(), Errno> {
    #[expect(clippy::cast_possible_truncation, reason = "the constant is 2, and the field is a short")]
    let kind = libc::F_UNLCK as libc::c_short;
    // A length of zero: to the end of the file, however far that is.
    let mut request = libc::flock { l_type: kind, l_len: 0, ..request(0, Hold::Shared) };
    call(file, libc::F_OFD_SETLK, &mut request)
}

fn request(offset: u64, hold: Hold) -> libc::flock {
    let kind = match hold {
        Hold::Shared => libc::F_RDLCK,
        Hold::Exclusive => libc::F_WRLCK,
    };
    #[expect(clippy::cast_possible_truncation, reason = "the constants are 0, 1 and 2; the fields are shorts")]
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: offset.cast_signed(),
        l_len: 1,
        // Must be zero for open file description locks.
        l_pid: 0,
    }
}

fn call(file: impl AsFd, command: libc::c_int, request: &mut libc::flock) -> Result<(), Errno> {
    // SAFETY: the descriptor is open for the borrow's length, and the third argument is the flock that both commands take.
    let answer = unsafe { libc::fcntl(file.as_fd().as_raw_fd(), command, std::ptr::from_mut(request)) };
    if answer == -1 { Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)) } else { Ok(()) }
}
