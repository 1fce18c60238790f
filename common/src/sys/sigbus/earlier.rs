//! The SIGBUS action that was there before ours.

use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use libc::{SA_NODEFER, SA_ONSTACK, SA_RESETHAND, SA_RESTART, SA_SIGINFO, c_int, c_void, sigaction, siginfo_t};

/// A handler with the signature of `SA_SIGINFO`.
type Handler = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);

static EARLIER: OnceLock<Earlier> = OnceLock::new();

/// The action, and what it has done.
pub struct Earlier {
    action: sigaction,
    was_called: AtomicBool,
}

/// What happens to a SIGBUS that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing.
    Ignore,
    /// The default: the process ends.
    Default,
    /// The earlier handler is called.
    Call,
}

/// Decides as the kernel would if our handler were not there (signal(7), sigaction(2)).
pub(super) fn next(handler: libc::sighandler_t, flags: c_int, code: c_int, was_called: bool) -> Next {
    match handler {
        // The kernel does not ignore a fault: the instruction could not go on.
        libc::SIG_IGN if !is_fault(code) => Next::Ignore,
        libc::SIG_IGN | libc::SIG_DFL => Next::Default,
        _ if flags & SA_RESETHAND != 0 && was_called => Next::Default,
        _ => Next::Call,
    }
}

/// Whether the signal comes from an instruction of this thread, which faults again if it is repeated.
pub(super) fn is_fault(code: c_int) -> bool {
    code > 0 && code != libc::BUS_MCEERR_AO
}

/// Installs the handler, with the signal mask of the action that was there.
pub(super) fn replace_by(handler: Handler) {
    let mut old = MaybeUninit::<sigaction>::zeroed();
    // SAFETY: a null action changes nothing; the old one is written to a local of the right type.
    unsafe { sigaction(libc::SIGBUS, std::ptr::null(), old.as_mut_ptr()) };
    // SAFETY: all-zero bytes are a valid sigaction, and the call writes another valid one or nothing.
    let action = unsafe { old.assume_init() };
    let mut ours = action;
    ours.sa_sigaction = handler as *const () as libc::sighandler_t;
    // On the alternative stack, where there is one: the handler that was there may need it.
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | action.sa_flags & (SA_NODEFER | SA_RESTART);
    // First: from here on a signal finds it.
    let _ = EARLIER.set(Earlier { action, was_called: AtomicBool::new(false) });
    // SAFETY: the handler has the signature for SA_SIGINFO, and does only what signal-safety(7) allows. On a failure the old
    // action remains, as if no segment had been mapped.
    let _ = unsafe { sigaction(libc::SIGBUS, &raw const ours, std::ptr::null_mut()) };
}

impl Earlier {
    /// The action. It was stored before our handler was installed.
    pub(super) fn get() -> &'static Self {
        static DEFAULT: Earlier = Earlier {
            // SAFETY: all-zero bytes are a valid sigaction: an empty mask, no flags, the default handler.
            action: unsafe { MaybeUninit::<sigaction>::zeroed().assume_init() },
            was_called: AtomicBool::new(false),
        };
        EARLIER.get().unwrap_or(&DEFAULT)
    }

    /// Does what the action asks for. Async-signal-safe as far as the earlier handler is.
    pub(super) fn take_over(&self, signal: c_int, code: c_int, info: *mut siginfo_t, context: *mut c_void) {
        let handler = self.action.sa_sigaction;
        let was_called = self.was_called.load(Relaxed);
        match next(handler, self.action.sa_flags, code, was_called) {
            Next::Ignore => {}
            Next::Default => end(signal, code),
            Next::Call => {
                self.was_called.store(true, Relaxed);
                let handler = handler as *const ();
                if self.action.sa_flags & SA_SIGINFO == 0 {
                    // SAFETY: without SA_SIGINFO the field holds a function of this type (sigaction(2)), neither SIG_DFL nor
                    // SIG_IGN (`next`).
                    let handler = unsafe { std::mem::transmute::<*const (), extern "C" fn(c_int)>(handler) };
                    handler(signal);
                } else {
                    // SAFETY: as above; with SA_SIGINFO it is of this type.
                    let handler = unsafe { std::mem::transmute::<*const (), Handler>(handler) };
                    handler(signal, info, context);
                }
            }
        }
    }
}

/// Restores the default, under which the fault that is repeated, or the signal that is sent again, ends the process.
fn end(signal: c_int, code: c_int) {
    // SAFETY: all-zero bytes are a valid sigaction: an empty mask, no flags, the default handler.
    let default = unsafe { MaybeUninit::<sigaction>::zeroed().assume_init() };
    // SAFETY: sigaction(2) is async-signal-safe; the action is a valid local.
    let _ = unsafe { sigaction(signal, &raw const default, std::ptr::null_mut()) };
    if !is_fault(code) {
        // SAFETY: raise(3) is async-signal-safe. The signal is delivered when our handler returns.
        let _ = unsafe { libc::raise(signal) };
    }
}
