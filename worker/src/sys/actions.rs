//! The worker's handlers of signals: installed for a while, and then replaced by what was there before.
//!
//! A process has one set of them, so there is one [`Actions`] at a time (`run` sees to that).
//!
//! A forked child inherits them and is no worker. There, a signal does what it did before the worker's handlers were
//! installed: `multiprocessing` ends its processes with SIGTERM.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicI32};

use libc::{
    SA_ONSTACK, SA_RESTART, SIG_BLOCK, SIG_DFL, SIG_IGN, SIG_UNBLOCK, SIGABRT, SIGBUS, SIGFPE, SIGHUP, SIGILL, SIGINT,
    SIGPIPE, SIGSEGV, SIGTERM, SIGTRAP, SIGUSR1, SIGXFSZ, c_int, sigaction, sighandler_t, sigset_t,
};

/// The signals that end a worker. Its exit code is then 128 and the number, as shells have it.
pub const STOPPING: [c_int; 3] = [SIGINT, SIGTERM, SIGHUP];

/// All signals with handlers. A worker survives the others: SIGUSR1 asks a coordinator for its status, and a shell's `kill %1`
/// sends it to the workers, too; and a write beyond a limit on file sizes, or to a closed pipe, is then an error.
///
/// Handlers, and not ignored: what the worker executes begins with the default again (`exec` resets handlers).
const HANDLED: [c_int; 6] = [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXFSZ, SIGPIPE];

/// The faults of an instruction. If such a signal is blocked, the kernel ends the process instead of calling a handler.
const FAULTS: [c_int; 6] = [SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGABRT];

/// The process whose signals the handler handles.
static OWNER: AtomicI32 = AtomicI32::new(0);

/// Whether a stopping signal ends the process at once.
static AT_ONCE: AtomicBool = AtomicBool::new(true);

/// The stopping signal that came, or 0.
static CAME: AtomicI32 = AtomicI32::new(0);

/// What the handled signals did before.
static EARLIER: [Earlier; HANDLED.len()] = [const { Earlier(UnsafeCell::new(DEFAULT)) }; HANDLED.len()];

// SAFETY: all-zero bytes are a valid sigaction: an empty mask, no flags, the default action.
const DEFAULT: sigaction = unsafe { MaybeUninit::zeroed().assume_init() };

struct Earlier(UnsafeCell<sigaction>);

// SAFETY: `Actions::install` alone writes it, before the handler is there, and one thread at a time calls that. From then on
// it is only read, until `Actions` is dropped: the handler is gone then.
unsafe impl Sync for Earlier {}

/// The worker's handlers; dropping it restores what was there before.
pub struct Actions {
    /// The places in [`HANDLED`] of the signals whose action was replaced.
    replaced: Vec<usize>,
    /// The signals that the calling thread had blocked.
    blocked: Vec<c_int>,
}

impl Actions {
    /// From now on each signal of [`STOPPING`] ends the process with its exit code, at once or, after [`defer`], not yet. The
    /// calling thread takes them, whatever mask the parent left.
    ///
    /// A signal that is ignored stays ignored, and of the others in [`HANDLED`] one with a handler keeps it.
    pub fn install() -> Self {
        // Relaxed: the system call that installs the handler comes after these.
        // SAFETY: getpid(2) cannot fail.
        OWNER.store(unsafe { libc::getpid() }, Relaxed);
        CAME.store(0, Relaxed);
        defer(false);
        let mut replaced = Vec::new();
        for (place, signal) in HANDLED.into_iter().enumerate() {
            let mut before = action_of(signal);
            if before.sa_sigaction == ours() {
                // Whoever had replaced it in an earlier worker put it back after that one's end.
                before = DEFAULT;
            }
            let is_kept =
                before.sa_sigaction == SIG_IGN || (before.sa_sigaction != SIG_DFL && !STOPPING.contains(&signal));
            if is_kept {
                continue;
            }
            // SAFETY: the handler for this signal is not there yet, so nobody reads the place.
            unsafe { *EARLIER[place].0.get() = before };
            let ours = sigaction { sa_sigaction: ours(), sa_flags: SA_RESTART | SA_ONSTACK, ..DEFAULT };
            // If it cannot be set, the action that was there goes on.
            if set_action(signal, &ours) {
                replaced.push(place);
            }
        }
        let blocked = change_mask(SIG_UNBLOCK, &set_of(&STOPPING), &STOPPING);
        Self { replaced, blocked }
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        change_mask(SIG_BLOCK, &set_of(&self.blocked), &[]);
        for place in self.replaced.drain(..) {
            // Whoever has replaced our handler meanwhile keeps his own.
            if action_of(HANDLED[place]).sa_sigaction == ours() {
                // SAFETY: nobody writes the place while these actions live.
                set_action(HANDLED[place], unsafe { &*EARLIER[place].0.get() });
            }
        }
        defer(false);
    }
}

/// Whether a stopping signal that comes from now on only leaves a mark, see [`came`].
pub fn defer(defers: bool) {
    // SeqCst: in the one order of these, the handler's two and that in `came`, either the handler finds that it ends the process
    // or the worker finds the mark, whichever thread takes the signal.
    AT_ONCE.store(!defers, SeqCst);
}

/// The exit code of a deferred signal, if one came.
pub fn came() -> Option<u8> {
    // SeqCst: see `defer`.
    let signal = CAME.load(SeqCst);
    (signal != 0).then(|| exit_code(signal))
}

fn exit_code(signal: c_int) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

/// Async-signal-safe: atomics, and system calls of the list in signal-safety(7).
extern "C" fn on_signal(signal: c_int) {
    // SAFETY: getpid(2) is async-signal-safe and cannot fail.
    if unsafe { libc::getpid() } != OWNER.load(Relaxed) {
        hand_over(signal);
    } else if STOPPING.contains(&signal) {
        // SeqCst: see `defer`. The mark first.
        CAME.store(signal, SeqCst);
        if AT_ONCE.load(SeqCst) {
            super::exit::exit_now(exit_code(signal));
        }
    }
}

/// In a forked child: restores the earlier action, and sends the signal again. It is delivered when the handler returns.
fn hand_over(signal: c_int) {
    let earlier = HANDLED.iter().position(|handled| *handled == signal).map(|place| &EARLIER[place]);
    // SAFETY: nobody writes the place in a forked child: `run` refuses to begin another worker there.
    let earlier = earlier.map_or(&DEFAULT, |earlier| unsafe { &*earlier.0.get() });
    set_action(signal, earlier);
    // SAFETY: raise(3) is async-signal-safe.
    let _ = unsafe { libc::raise(signal) };
}

/// Blocks all signals in this thread, so that other threads take them, but for those that its own instructions cause.
pub fn block_in_this_thread() {
    let mut set = MaybeUninit::<sigset_t>::zeroed();
    // SAFETY: the call initialises the set, which is a local of the right type.
    unsafe { libc::sigfillset(set.as_mut_ptr()) };
    for signal in FAULTS {
        // SAFETY: the set was initialised above.
        unsafe { libc::sigdelset(set.as_mut_ptr(), signal) };
    }
    // SAFETY: the set was initialised above.
    change_mask(SIG_BLOCK, unsafe { set.assume_init_ref() }, &[]);
}

/// The handler as its address.
fn ours() -> sighandler_t {
    on_signal as *const () as sighandler_t
}

fn action_of(signal: c_int) -> sigaction {
    let mut action = DEFAULT;
    // SAFETY: a null action changes nothing; the present one is written to a local of the right type.
    let _ = unsafe { sigaction(signal, null(), &raw mut action) };
    action
}

/// Gives a signal its default action.
pub fn restore_default(signal: c_int) {
    set_action(signal, &DEFAULT);
}

/// Sets a signal's action; returns whether it could.
fn set_action(signal: c_int, action: &sigaction) -> bool {
    // SAFETY: the action is valid: the default, our handler, which is async-signal-safe, or what sigaction(2) gave out before.
    unsafe { sigaction(signal, action, null_mut()) == 0 }
}

fn set_of(signals: &[c_int]) -> sigset_t {
    let mut set = MaybeUninit::<sigset_t>::zeroed();
    // SAFETY: the call initialises the set, which is a local of the right type.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    for signal in signals {
        // SAFETY: the set was initialised above.
        unsafe { libc::sigaddset(set.as_mut_ptr(), *signal) };
    }
    // SAFETY: the set was initialised above.
    unsafe { set.assume_init() }
}

/// Changes this thread's mask; returns those of `asked` that were blocked before.
fn change_mask(how: c_int, set: &sigset_t, asked: &[c_int]) -> Vec<c_int> {
    let mut before = set_of(&[]);
    // SAFETY: both sets are initialised; the mask of this thread alone is changed.
    let _ = unsafe { libc::pthread_sigmask(how, set, &raw mut before) };
    // SAFETY: the set is initialised.
    asked.iter().copied().filter(|signal| unsafe { libc::sigismember(&raw const before, *signal) } == 1).collect()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// Handlers are those of the whole process, so the test runs itself again in another one.
    #[test]
    fn a_handler_that_somebody_puts_back_after_its_worker_is_not_taken_for_the_programs_own() {
        const INSTALLING: &str = "ACTIONS_TEST_INSTALLING";
        if std::env::var_os(INSTALLING).is_some() {
            assert!(set_action(SIGHUP, &DEFAULT));
            let first = Actions::install();
            let seen = action_of(SIGHUP);
            assert_eq!(seen.sa_sigaction, ours());
            drop(first);
            assert_eq!(action_of(SIGHUP).sa_sigaction, SIG_DFL);
            assert!(set_action(SIGHUP, &seen));
            drop(Actions::install());
            assert_eq!(action_of(SIGHUP).sa_sigaction, SIG_DFL);
            return;
        }
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args([
            "--exact",
            "sys::actions::tests::a_handler_that_somebody_puts_back_after_its_worker_is_not_taken_for_the_programs_own",
        ]);
        let output = again.env(INSTALLING, "").stdout(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    }
}
