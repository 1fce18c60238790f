//! The signals that the coordinator handles, as readable bytes.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use common::cli::exit_code;
use common::process;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};
use signal_hook::flag::{register, register_conditional_shutdown};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

use crate::error::{Error, Result};

/// Collects signals. Made before the segment, so that no signal can leave the segment behind.
pub struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
    status_requested: bool,
}

/// A signal that ends the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopSignal {
    number: i32,
    /// Its name.
    pub name: &'static str,
    /// The exit code that shells use for it.
    pub exit_code: u8,
}

impl StopSignal {
    /// Whether it is SIGHUP: the terminal or the session has ended.
    pub fn is_hangup(self) -> bool {
        self.number == SIGHUP
    }
}

/// The signals that end a run.
const STOP_SIGNALS: [StopSignal; 3] = [
    StopSignal { number: SIGINT, name: "SIGINT", exit_code: exit_code::INTERRUPTED },
    StopSignal { number: SIGTERM, name: "SIGTERM", exit_code: exit_code::TERMINATED },
    StopSignal { number: SIGHUP, name: "SIGHUP", exit_code: exit_code::HANGUP },
];

impl Signals {
    /// Collects SIGCHLD, SIGUSR1, and each of SIGINT, SIGTERM and SIGHUP that was not ignored at the start: `nohup` ignores
    /// SIGHUP, and a script SIGINT for what it runs in the background.
    pub fn listen() -> Result<Self> {
        let system = |source| Error::System { doing: "listen for signals", source };
        let stopping =
            STOP_SIGNALS.into_iter().map(|signal| signal.number).filter(|number| !process::is_ignored(*number));
        let signals = stopping.chain([SIGCHLD, SIGUSR1]);
        process::unblock(&[SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGUSR1]);
        let (read, write) = UnixStream::pair().map_err(system)?;
        let delivery = SignalDelivery::with_pipe(read, write, SignalOnly, signals).map_err(system)?;
        Ok(Self { delivery, status_requested: false })
    }

    /// The stop signals since the last call. SIGCHLD only wakes.
    pub fn stop_signals(&mut self) -> Vec<StopSignal> {
        let pending: Vec<i32> = self.delivery.pending().collect();
        self.status_requested |= pending.contains(&SIGUSR1);
        let stop_signal = |number| STOP_SIGNALS.into_iter().find(|signal| signal.number == number);
        pending.into_iter().filter_map(stop_signal).collect()
    }

    /// Whether SIGUSR1, which asks for the status, was among the signals since the last call.
    pub fn take_status_request(&mut self) -> bool {
        std::mem::take(&mut self.status_requested)
    }

    /// The descriptor to poll for reading.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.delivery.get_read().as_fd()
    }
}

/// From now on a write beyond a limit on file sizes (`ulimit -f`) is an error, EFBIG, and no death by SIGXFSZ (setrlimit(2)).
///
/// A handler: `exec` resets it, so that the workers have the default again, and keeps an ignored signal ignored (signal(7)).
pub fn survive_file_size_limit() {
    if !process::is_ignored(SIGXFSZ) {
        // If it cannot be registered, such a write ends the process, as it would end others.
        let _ = register(SIGXFSZ, Arc::default());
    }
}

/// Lets this process await the ends of its children, also if it was started with SIGCHLD ignored: the kernel would reap them
/// itself (wait(2)).
pub fn await_children() {
    // On failure an end is not known, and so no success.
    let _ = register(SIGCHLD, Arc::default());
}

/// From now on SIGINT, SIGTERM and SIGHUP, unless they are ignored, end the process with their exit codes: for commands
/// without anything to clean up.
pub fn exit_on_stop_signals() {
    process::unblock(&[SIGINT, SIGTERM, SIGHUP]);
    for StopSignal { number, exit_code, .. } in STOP_SIGNALS {
        if !process::is_ignored(number) {
            // On failure the default action remains, which ends the process as well.
            let _ = register_conditional_shutdown(number, exit_code.into(), Arc::new(AtomicBool::new(true)));
        }
    }
}
