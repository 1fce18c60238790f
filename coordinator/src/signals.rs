//! The signals that a coordinator hears, as readable bytes.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use common::{exit_code, process};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

use crate::error::{Error, Result};

/// Signals are heard from the making of this on; before the segment is made, so that none leaves it behind.
pub struct Signals(SignalDelivery<UnixStream, SignalOnly>);

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
    /// Begins to hear SIGINT, SIGTERM, SIGCHLD, and SIGHUP unless the coordinator runs under `nohup`.
    pub fn hear() -> Result<Self> {
        let system = |source| Error::System { doing: "hear signals", source };
        let hangup = (!process::was_told_to_ignore(SIGHUP)).then_some(SIGHUP);
        let signals = [SIGINT, SIGTERM, SIGCHLD].into_iter().chain(hangup);
        process::unblock(&[SIGINT, SIGTERM, SIGHUP, SIGCHLD]);
        let (read, write) = UnixStream::pair().map_err(system)?;
        SignalDelivery::with_pipe(read, write, SignalOnly, signals).map(Self).map_err(system)
    }

    /// The farewells heard since the last call; a SIGCHLD only wakes.
    pub fn farewells(&mut self) -> Vec<Farewell> {
        let heard = self.0.pending().filter_map(|signal| match signal {
            SIGINT => Some(Farewell::Interrupted),
            SIGTERM => Some(Farewell::Terminated),
            SIGHUP => Some(Farewell::HungUp),
            _ => None,
        });
        heard.collect()
    }

    /// The descriptor to poll for reading.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.get_read().as_fd()
    }
}
