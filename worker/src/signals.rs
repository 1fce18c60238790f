//! A worker that is told to go goes, at whichever instruction: the segment is made for that.
//!
//! Only where it has started processes does it end them first.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use common::{exit_code, process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::{register_conditional_shutdown, register_usize};

/// The signals that end a worker.
pub struct Signals {
    /// Whether they do so at once.
    at_once: Arc<AtomicBool>,
    /// The exit code of the one that was heard while they did not, or 0.
    heard: Arc<AtomicUsize>,
}

impl Signals {
    /// From now on SIGINT, SIGTERM and SIGHUP end the process with their exit codes.
    pub fn leave_at_once() -> Self {
        let signals = Self { at_once: Arc::new(AtomicBool::new(true)), heard: Arc::default() };
        process::unblock(&[SIGINT, SIGTERM, SIGHUP]);
        for (signal, code) in
            [(SIGINT, exit_code::INTERRUPTED), (SIGTERM, exit_code::TERMINATED), (SIGHUP, exit_code::HANGUP)]
        {
            if signal != SIGHUP || !process::was_told_to_ignore(SIGHUP) {
                // Where it cannot be registered the default remains, which ends the process as well.
                let _ = register_conditional_shutdown(signal, code.into(), Arc::clone(&signals.at_once))
                    .and_then(|_| register_usize(signal, Arc::clone(&signals.heard), code.into()));
            }
        }
        signals
    }

    /// Does the work, and ends the process after it if a signal came meanwhile.
    pub fn defer<T>(&self, work: impl FnOnce() -> T) -> T {
        self.at_once.store(false, Relaxed);
        let done = work();
        self.at_once.store(true, Relaxed);
        match self.heard.load(Relaxed) {
            0 => done,
            code => std::process::exit(i32::try_from(code).unwrap_or(exit_code::TERMINATED.into())),
        }
    }

    /// Whether a signal waits for the work to end.
    pub fn are_waiting(&self) -> bool {
        self.heard.load(Relaxed) != 0
    }
}
