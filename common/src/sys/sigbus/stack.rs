//! The alternative stack of signal handlers (sigaltstack(2)).

use std::ptr::null_mut;

/// Its size in bytes. The standard library's has 8 KiB, of which the kernel puts several into the signal frame: the vector
/// registers alone have 2.7 KiB with AVX-512 and 8 KiB more with AMX (sigaltstack(2), `AT_MINSIGSTKSZ`).
const SIZE: usize = 64 << 10;

/// Gives this thread a larger one, for good.
pub fn enlarge() {
    let base = Box::into_raw(vec![0_u8; SIZE].into_boxed_slice());
    let stack = libc::stack_t { ss_sp: base.cast(), ss_flags: 0, ss_size: SIZE };
    // SAFETY: the bytes are the stack's alone and are never freed. The call fails on a thread that handles a signal on its
    // alternative stack just now, which then keeps that.
    let _ = unsafe { libc::sigaltstack(&raw const stack, null_mut()) };
}
