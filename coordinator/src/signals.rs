//! The signals that a coordinator hears, as readable bytes.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use common::{exit_code, process};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::flag::register_conditional_shutdown;
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

use crate::error::{Error, Result};

/// Signals are heard from the making of this on; before the segment is made, so that none leaves it behind.
pub struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
    is_asked: bool,
}

/// A signal that ends the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// SIGHUP.
    HungUp,
}

impl Farewell {
    /// The exit code that shells would show.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupted => exit_code::INTERRUPTED,
            Self::Terminated => exit_code::TERMINATED,
            Self::HungUp => exit_code::HANGUP,
        }
    }

    /// The signal's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupted => "SIGINT",
            Self::Terminated => "SIGTERM",
            Self::HungUp => "SIGHUP",
        }
    }
}

impl Signals {
    /// Begins to hear SIGINT, SIGTERM, SIGCHLD, SIGUSR1, and SIGHUP unless the coordinator runs under `nohup`.
    pub fn hear() -> Result<Self> {
        let system = |source| Error::System { doing: "hear signals", source };
        let hangup = (!process::was_told_to_ignore(SIGHUP)).then_some(SIGHUP);
        let signals = [SIGINT, SIGTERM, SIGCHLD, SIGUSR1].into_iter().chain(hangup);
        process::unblock(&[SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGUSR1]);
        let (read, write) = UnixStream::pair().map_err(system)?;
        let delivery = SignalDelivery::with_pipe(read, write, SignalOnly, signals).map_err(system)?;
        Ok(Self { delivery, is_asked: false })
    }

    /// The farewells heard since the last call; a SIGCHLD only wakes.
    pub fn farewells(&mut self) -> Vec<Farewell> {
        let heard = self.delivery.pending().filter_map(|signal| match signal {
            SIGINT => Some(Farewell::Interrupted),
            SIGTERM => Some(Farewell::Terminated),
            SIGHUP => Some(Farewell::HungUp),
            SIGUSR1 => {
                self.is_asked = true;
                None
            }
            _ => None,
        });
        heard.collect()
    }

    /// Whether SIGUSR1, which asks for the status, is among what was heard since the last call of this.
    pub fn was_asked(&mut self) -> bool {
        std::mem::take(&mut self.is_asked)
    }

    /// The descriptor to poll for reading.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.delivery.get_read().as_fd()
    }
}

/// From now on SIGINT, SIGTERM and SIGHUP end the process with their exit codes: for what has nothing to clear up.
pub fn leave_at_once() {
    process::unblock(&[SIGINT, SIGTERM, SIGHUP]);
    for (signal, code) in
        [(SIGINT, exit_code::INTERRUPTED), (SIGTERM, exit_code::TERMINATED), (SIGHUP, exit_code::HANGUP)]
    {
        if signal != SIGHUP || !process::was_told_to_ignore(SIGHUP) {
            // Where it cannot be registered the default remains, which ends the process as well.
            let _ = register_conditional_shutdown(signal, code.into(), Arc::new(AtomicBool::new(true)));
        }
    }
}
