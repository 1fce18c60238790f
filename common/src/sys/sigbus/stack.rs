//! The alternative stack of signal handlers (sigaltstack(2)).

use std::cell::UnsafeCell;
use std::ptr::null_mut;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

/// Its size in bytes. The standard library's has 8 KiB, of which the kernel puts several into the signal frame: the vector
/// registers alone have 2.7 KiB with AVX-512 and 8 KiB more with AMX (sigaltstack(2), `AT_MINSIGSTKSZ`).
const SIZE: usize = 64 << 10;

/// Zeros that take no memory until they are used.
#[repr(align(16))]
struct Stack(UnsafeCell<[u8; SIZE]>);

// SAFETY: only the handlers of the thread that has it use it.
unsafe impl Sync for Stack {}

static STACK: Stack = Stack(UnsafeCell::new([0; SIZE]));

/// Whether a thread has it.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// Gives this thread a larger stack, for good. The first thread that calls this gets it, the others keep their own.
pub fn enlarge() {
    // Relaxed: whoever finds that it is taken does nothing.
    if IS_TAKEN.swap(true, Relaxed) {
        return;
    }
    let stack = libc::stack_t { ss_sp: STACK.0.get().cast(), ss_flags: 0, ss_size: SIZE };
    // SAFETY: the stack is this thread's alone, and is never freed. The call fails on a thread that handles a signal on its
    // alternative stack just now, which then keeps that.
    let _ = unsafe { libc::sigaltstack(&raw const stack, null_mut()) };
}
