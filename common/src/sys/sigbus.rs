//! SIGBUS from a mapping that a third party truncated: an error for library users, a defined exit for the executables.
//!
//! The kernel sends SIGBUS for an access to a page that the file has lost (mmap(2)). The handler looks the address up among
//! this library's mappings. If it is in one of them, it maps zero pages of this process over the lost part, marks the range as
//! lost, and returns; whoever looks at the mark after the access gets [`Damage`](crate::Damage). Every other SIGBUS goes to the
//! handler that was there before.
//!
//! The handler is installed at the first mapping, once. A library that installs its own later decides by itself whether ours
//! is called; a chain without a loop works, because ours never moves.

mod earlier;
mod range;
mod stack;

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI32, AtomicUsize};
use std::sync::{Once, OnceLock};

use libc::{c_int, c_void, siginfo_t};

use earlier::Earlier;
pub use range::WatchedRange;

const MESSAGE: &[u8] =
    b"error: the segment was truncated while it was in use\nhint: something other than this program \
changed the file in /dev/shm; remove it there and run again\n";

/// The exit code after a truncation; negative while the process is to go on.
static EXIT_CODE: AtomicI32 = AtomicI32::new(-1);

/// What else to do before the exit.
static BEFORE_EXIT: OnceLock<fn()> = OnceLock::new();

/// From now on `action` runs before such an exit, in the signal handler: only what signal-safety(7) allows. The first one stays.
pub fn before_exit(action: fn()) {
    let _ = BEFORE_EXIT.set(action);
}

/// The size of the system's pages in bytes.
static PAGE_SIZE: AtomicUsize = AtomicUsize::new(0);

/// From now on, touching a page that a segment has lost ends the process with a message and this exit code.
///
/// Nothing is known about the value any more, so nothing is reported. Without this call, the operation fails with
/// [`Damage`](crate::Damage). A SIGBUS of any other kind is never touched.
///
/// Call it in the main thread: its handlers get a stack on which what is done before the exit has room.
pub fn exit_on_truncation(exit_code: u8) {
    std::mem::forget(ExitOnTruncation::with(exit_code));
}

/// As [`exit_on_truncation`], until it is dropped: then a lost page does what it did before. The thread keeps its stack.
pub struct ExitOnTruncation {
    before: i32,
}

impl ExitOnTruncation {
    /// From now on with this exit code.
    #[must_use]
    pub fn with(exit_code: u8) -> Self {
        stack::enlarge();
        Self { before: EXIT_CODE.swap(exit_code.into(), Relaxed) }
    }
}

impl Drop for ExitOnTruncation {
    fn drop(&mut self) {
        EXIT_CODE.store(self.before, Relaxed);
    }
}

/// Installs the handler at the first call.
fn install() {
    static INSTALLED: Once = Once::new();
    if INSTALLED.is_completed() {
        return;
    }
    // No fork comes in between: in a child it would stay begun for ever.
    let _table = super::fork::table();
    INSTALLED.call_once(|| {
        PAGE_SIZE.store(rustix::param::page_size(), Relaxed);
        earlier::replace_by(on_bus_error);
    });
}

extern "C" fn on_bus_error(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: with SA_SIGINFO the kernel passes a valid siginfo (sigaction(2)).
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr() as usize) };
    // Only this code means an address that the file does not have; of a sent signal, the address is no address.
    if code == libc::BUS_ADRERR
        && let Some(lost) = range::find(address)
    {
        let exit_code = EXIT_CODE.load(Relaxed);
        if exit_code >= 0 {
            exit(exit_code);
        }
        if lost.replace(PAGE_SIZE.load(Relaxed)) {
            return;
        }
    }
    Earlier::get().take_over(signal, code, info, context);
}

fn exit(code: c_int) -> ! {
    // SAFETY: write(2) is async-signal-safe, and the message is static.
    let _ = unsafe { libc::write(libc::STDERR_FILENO, MESSAGE.as_ptr().cast(), MESSAGE.len()) };
    // An atomic load.
    if let Some(action) = BEFORE_EXIT.get() {
        action();
    }
    // SAFETY: _exit(2) is async-signal-safe and runs no destructor.
    unsafe { libc::_exit(code) }
}

#[cfg(test)]
mod tests;
