//! A defined exit when a third party truncates the segment under a mapping.

use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::sync::atomic::AtomicI32;
use std::sync::atomic::Ordering::Relaxed;

const MESSAGE: &[u8] =
    b"error: the segment was truncated while it was in use\nhint: something other than this program \
changed the file in /dev/shm; remove it there and run again\n";

static EXIT_CODE: AtomicI32 = AtomicI32::new(1);

/// What else to do before the exit.
static BEFORE_EXIT: OnceLock<fn()> = OnceLock::new();

/// From now on `action` runs before such an exit, in the signal handler: only what signal-safety(7) allows. The first one stays.
pub fn before_exit(action: fn()) {
    let _ = BEFORE_EXIT.set(action);
}

/// From now on, touching a page that the segment has lost ends the process with a message and this exit code.
///
/// Nothing is known about the value any more, so nothing is reported.
pub fn exit_on_truncation(exit_code: u8) {
    EXIT_CODE.store(exit_code.into(), Relaxed);
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: all-zero bytes are a valid sigaction: an empty mask, no flags, the default handler.
    let action = unsafe { action.assume_init_mut() };
    action.sa_sigaction = on_truncation as *const () as libc::sighandler_t;
    // SAFETY: the handler has the signature for a sigaction without SA_SIGINFO, and does only what signal-safety(7) allows.
    // On a failure the default remains, which ends the process as well.
    let _ = unsafe { libc::sigaction(libc::SIGBUS, action, std::ptr::null_mut()) };
}

extern "C" fn on_truncation(_signal: libc::c_int) {
    // SAFETY: write(2) is async-signal-safe, and the message is static.
    let _ = unsafe { libc::write(libc::STDERR_FILENO, MESSAGE.as_ptr().cast(), MESSAGE.len()) };
    // An atomic load.
    if let Some(action) = BEFORE_EXIT.get() {
        action();
    }
    // SAFETY: _exit(2) is async-signal-safe and runs no destructor; an atomic load is async-signal-safe.
    unsafe { libc::_exit(EXIT_CODE.load(Relaxed)) }
}
