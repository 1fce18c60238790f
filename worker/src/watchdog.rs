//! The watchdog: ends the process in the middle of a kernel that does not call its watch.
//!
//! While such a kernel computes, nothing else would notice a request to stop, and a signal could not end what the kernel has
//! started. The process then ends as at a kill, at whichever instruction of the kernel, but with the exit code of a worker that
//! leaves. It never ends in a commit: only the kernel is interrupted.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU8};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use common::{Segment, Stop, process};

use crate::args::Args;
use crate::error::Error;
use crate::processes::Processes;
use crate::report;
use crate::signals::Signals;
use crate::sys::actions;
use crate::sys::exit::exit_now;

/// How often it looks. Measured: this takes 0.07 % of a processor.
const LOOK_UP: Duration = Duration::from_millis(50);

/// How often it asks whether the coordinator lives: a system call.
const QUESTION: Duration = Duration::from_secs(1);

/// No kernel computes.
const IDLE: u8 = 0;

/// A kernel computes.
const COMPUTING: u8 = 1;

/// The watchdog is about to end the process.
const ENDING: u8 = 2;

/// A thread that looks for requests to stop, for signals and, if asked to, for the coordinator; dropping it ends it.
pub struct Watchdog {
    watched: Arc<Watched>,
    thread: Option<JoinHandle<()>>,
}

struct Watched {
    segment: Arc<Segment>,
    processes: Arc<Processes>,
    /// Whether a coordinator reports why the worker left.
    is_launched: bool,
    /// Whether the process ends with its coordinator.
    ends_with_coordinator: bool,
    state: AtomicU8,
    is_over: AtomicBool,
}

impl Watchdog {
    /// Starts it; nothing if there can be no thread. Signals then end the process at once, and a stop is seen after the kernel.
    pub fn start(segment: &Arc<Segment>, signals: &Signals, args: &Args) -> Option<Self> {
        let watched = Arc::new(Watched {
            segment: Arc::clone(segment),
            processes: Arc::clone(signals.processes()),
            is_launched: args.ticket.is_some(),
            ends_with_coordinator: args.end_with_coordinator,
            state: AtomicU8::new(IDLE),
            is_over: AtomicBool::new(false),
        });
        let shared = Arc::clone(&watched);
        let thread = thread::Builder::new().name("watchdog".to_owned()).spawn(move || shared.watch()).ok()?;
        Some(Self { watched, thread: Some(thread) })
    }

    /// Computes under its eyes.
    ///
    /// # Errors
    /// As [`Signals::defer`].
    pub fn guard<T>(&self, signals: &Signals, compute: impl FnOnce() -> T) -> Result<T, Error> {
        signals.defer(|| {
            let _computing = Computing::begin(&self.watched);
            compute()
        })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        if self.watched.segment.is_inherited() {
            // A forked child has no such thread: nothing of it may be touched, not even to let go of it.
            std::mem::forget(thread);
            return;
        }
        // Relaxed: `unpark` and the next turn of the loop find it.
        self.watched.is_over.store(true, Relaxed);
        thread.thread().unpark();
        // It does not panic.
        let _ = thread.join();
    }
}

/// A kernel computes until this is dropped.
struct Computing<'a>(&'a Watched);

impl<'a> Computing<'a> {
    fn begin(watched: &'a Watched) -> Self {
        // Release: when the watchdog sees it, the commit before is done. Pairs with the Acquire in `watch`.
        watched.state.store(COMPUTING, Release);
        Self(watched)
    }
}

impl Drop for Computing<'_> {
    fn drop(&mut self) {
        // Relaxed: of this exchange and that in `watch` only one succeeds, and all that follows depends on which.
        let is_over = self.0.state.compare_exchange(COMPUTING, IDLE, Relaxed, Relaxed).is_ok();
        while !is_over && !self.0.segment.is_inherited() {
            // The process ends.
            thread::park();
        }
    }
}

impl Watched {
    fn watch(&self) {
        actions::block_in_this_thread();
        let mut asked = Instant::now();
        while !self.is_over.load(Relaxed) {
            thread::park_timeout(LOOK_UP);
            let signal = actions::came();
            let must_leave =
                signal.is_some() || self.segment.stop_requested() == Stop::Now || self.is_orphaned(&mut asked);
            // Acquire: pairs with the Release in `begin`.
            if must_leave && self.state.compare_exchange(COMPUTING, ENDING, Acquire, Relaxed).is_ok() {
                self.leave(signal);
            }
        }
    }

    /// Whether the coordinator is dead, as far as it is asked now. Where the kernel does not say, it lives.
    fn is_orphaned(&self, asked: &mut Instant) -> bool {
        if !self.ends_with_coordinator || asked.elapsed() < QUESTION {
            return false;
        }
        *asked = Instant::now();
        matches!(self.segment.has_coordinator(), Ok(false))
    }

    /// Ends what the kernel has started, and the process.
    fn leave(&self, signal: Option<u8>) -> ! {
        // A pool would start new processes in place of those that are killed.
        process::block_forks();
        self.processes.end();
        let error = signal.map_or(Error::Stopped, |code| Error::Signal { code });
        if error.is_to_be_reported(self.is_launched) {
            report::on_stderr(&error);
        }
        exit_now(error.exit_code())
    }
}
