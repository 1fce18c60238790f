//! The signals that the coordinator handles, as readable bytes.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use common::cli::exit_code;
use common::process;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::flag::register_conditional_shutdown;
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

/// The signals that end a run.
const STOP_SIGNALS: [StopSignal; 3] = [
    StopSignal { number: SIGINT, name: "SIGINT", exit_code: exit_code::INTERRUPTED },
    StopSignal { number: SIGTERM, name: "SIGTERM", exit_code: exit_code::TERMINATED },
    StopSignal { number: SIGHUP, name: "SIGHUP", exit_code: exit_code::HANGUP },
];

impl Signals {
    /// Collects SIGINT, SIGTERM, SIGCHLD, SIGUSR1, and SIGHUP unless the coordinator runs under `nohup`.
    pub fn listen() -> Result<Self> {
        let system = |source| Error::System { doing: "listen for signals", source };
        let hangup = (!process::is_ignored(SIGHUP)).then_some(SIGHUP);
        let signals = [SIGINT, SIGTERM, SIGCHLD, SIGUSR1].into_iter().chain(hangup);
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

/// From now on SIGINT, SIGTERM and SIGHUP end the process with their exit codes: for commands without anything to clean up.
pub fn exit_on_stop_signals() {
    process::unblock(&[SIGINT, SIGTERM, SIGHUP]);
    for StopSignal { number, exit_code, .. } in STOP_SIGNALS {
        if number != SIGHUP || !process::is_ignored(SIGHUP) {
            // On failure the default action remains, which ends the process as well.
            let _ = register_conditional_shutdown(number, exit_code.into(), Arc::new(AtomicBool::new(true)));
        }
    }
}
