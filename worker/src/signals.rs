//! Signals end a worker at once, at whichever instruction: the segment survives that.
//!
//! A worker that has started processes ends them first.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use common::cli::exit_code;
use common::process;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};
use signal_hook::flag::{register, register_conditional_shutdown, register_usize};

use crate::processes::Processes;

/// The signals that end a worker, and its exit codes.
const STOP_SIGNALS: [(i32, u8); 3] =
    [(SIGINT, exit_code::INTERRUPTED), (SIGTERM, exit_code::TERMINATED), (SIGHUP, exit_code::HANGUP)];

/// The handling of these signals.
pub struct Signals<'a> {
    /// They end before the process does.
    processes: &'a Processes,
    /// Whether they end it at once.
    at_once: Arc<AtomicBool>,
    /// The exit code of a deferred signal, or 0.
    deferred: Arc<AtomicUsize>,
}

impl<'a> Signals<'a> {
    /// From now on SIGINT, SIGTERM and SIGHUP, unless they are ignored, end the process with their exit codes.
    pub fn leave_at_once(processes: &'a Processes) -> Self {
        let signals = Self { processes, at_once: Arc::new(AtomicBool::new(true)), deferred: Arc::default() };
        process::unblock(&[SIGINT, SIGTERM, SIGHUP]);
        for (signal, code) in STOP_SIGNALS {
            if !process::is_ignored(signal) {
                // If it cannot be registered, the default action ends the process as well.
                let _ = register_conditional_shutdown(signal, code.into(), Arc::clone(&signals.at_once))
                    .and_then(|_| register_usize(signal, Arc::clone(&signals.deferred), code.into()));
            }
        }
        // It asks a coordinator for its status. A shell's `kill %1` sends it to the workers, too.
        let _ = register(SIGUSR1, Arc::default());
        // A write beyond a limit on file sizes is then an error. Commands have the default again: `exec` resets handlers.
        if !process::is_ignored(SIGXFSZ) {
            let _ = register(SIGXFSZ, Arc::default());
        }
        signals
    }

    /// Defers signals during `work`. Ends the process after it if a signal came.
    pub fn defer<T>(&self, work: impl FnOnce() -> T) -> T {
        self.at_once.store(false, Relaxed);
        let done = work();
        self.processes.reap();
        self.at_once.store(true, Relaxed);
        match self.deferred.load(Relaxed) {
            0 => done,
            code => {
                self.processes.end();
                std::process::exit(i32::try_from(code).unwrap_or(exit_code::TERMINATED.into()))
            }
        }
    }

    /// Ends everything that the worker has started.
    pub fn end_processes(&self) {
        self.processes.end();
    }

    /// Whether a deferred signal waits.
    pub fn are_waiting(&self) -> bool {
        self.deferred.load(Relaxed) != 0
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::{Command, Stdio};
    use std::thread;
    use std::time::{Duration, Instant};

    use common::process::Process;
    use rustix::process::{Pid, Signal, kill_process};

    use super::*;
    use crate::kernel::{Exec, Kernel, Stopped, Task, Watch};

    const FILE: &str = "SIGNALS_TEST_FILE";

    struct UntilSignal<'a>(&'a Signals<'a>);

    impl Watch for UntilSignal<'_> {
        fn step(&mut self, _done: u64) -> Result<(), Stopped> {
            if self.0.are_waiting() { Err(Stopped) } else { Ok(()) }
        }
    }

    fn until(is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < Duration::from_secs(30), "it does not come");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The worker is this test once more, in another process.
    #[test]
    fn a_signal_ends_the_command_of_a_worker_and_then_the_worker() {
        if let Ok(file) = std::env::var(FILE) {
            let processes = Processes::adopt();
            let signals = Signals::leave_at_once(&processes);
            let mut task = Task::over(0..1);
            task.terms.command = format!("sleep 600 & echo $$ $! > {file}; wait");
            let done = signals.defer(|| Exec.compute(&task, &mut UntilSignal(&signals)));
            panic!("it came back: {done:?}");
        }
        for (signal, code) in STOP_SIGNALS {
            if process::is_ignored(signal) {
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("pids");
            let pids = || fs::read_to_string(&file).ok().filter(|text| text.ends_with('\n'));
            let mut worker = Command::new(std::env::current_exe().unwrap());
            worker.args(["--exact", "signals::tests::a_signal_ends_the_command_of_a_worker_and_then_the_worker"]);
            let mut worker = worker.env(FILE, &file).stdout(Stdio::null()).spawn().unwrap();
            until(|| pids().is_some());
            kill_process(Pid::from_child(&worker), Signal::from_named_raw(signal).unwrap()).unwrap();
            assert_eq!(worker.wait().unwrap().code(), Some(code.into()));
            for pid in pids().unwrap().split_whitespace() {
                let pid = pid.parse().unwrap();
                until(|| matches!(process::look(pid, common::BootTime::now()), Process::Gone | Process::Zombie));
            }
        }
    }
}
