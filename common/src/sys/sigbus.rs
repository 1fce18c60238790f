//! A third party that truncates the segment under a mapping: a defined exit instead of a crash.

use std::mem::MaybeUninit;

use crate::exit_code;

const MESSAGE: &[u8] =
    b"error: the segment was truncated while it was in use\nhint: something other than this program \
changed the file in /dev/shm; remove it there and run again\n";

/// From now on, touching a page that the segment no longer has ends the process with exit code 4 and a message.
///
/// Nothing can be said about the value any more, so nothing is reported.
pub fn report_truncation() {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: all-zero bytes are a valid sigaction: an empty mask, no flags, the default handler.
    let action = unsafe { action.assume_init_mut() };
    action.sa_sigaction = on_truncation as *const () as libc::sighandler_t;
    // SAFETY: the handler has the signature that a sigaction without SA_SIGINFO wants, and does only what
    // signal-safety(7) allows. A failure would leave the default, which ends the process as well.
    let _ = unsafe { libc::sigaction(libc::SIGBUS, action, std::ptr::null_mut()) };
}

extern "C" fn on_truncation(_signal: libc::c_int) {
    // SAFETY: write(2) is async-signal-safe, and the message is static.
    let _ = unsafe { libc::write(libc::STDERR_FILENO, MESSAGE.as_ptr().cast(), MESSAGE.len()) };
    // SAFETY: _exit(2) is async-signal-safe and runs no destructor.
    unsafe { libc::_exit(exit_code::FOREIGN.into()) }
}
