//! Signals end a worker at once, at whichever instruction: the segment survives that.
//!
//! A worker that has started processes ends them first.

use std::sync::Arc;

use crate::error::Error;
use crate::processes::Processes;
use crate::sys::actions::{self, Actions};

/// The handling of these signals. Dropping it restores what they did before.
pub struct Signals {
    /// They end before the process does.
    processes: Arc<Processes>,
    _actions: Actions,
}

#[expect(clippy::unused_self, reason = "the handlers are there while it lives")]
impl Signals {
    /// From now on SIGINT, SIGTERM and SIGHUP, unless they are ignored, end the process with their exit codes.
    pub fn leave_at_once(processes: Arc<Processes>) -> Self {
        Self { processes, _actions: Actions::install() }
    }

    /// Defers signals during `work`.
    ///
    /// # Errors
    /// [`Error::Signal`] if one came.
    pub fn defer<T>(&self, work: impl FnOnce() -> T) -> Result<T, Error> {
        let deferral = Deferral::begin();
        let done = work();
        drop(deferral);
        actions::came().map_or(Ok(done), |code| Err(Error::Signal { code }))
    }

    /// Everything that the worker has started.
    pub fn processes(&self) -> &Arc<Processes> {
        &self.processes
    }

    /// Whether a deferred signal waits.
    pub fn are_waiting(&self) -> bool {
        actions::came().is_some()
    }
}

/// Signals are deferred until it is dropped, so also if a kernel panics.
struct Deferral;

impl Deferral {
    fn begin() -> Self {
        actions::defer(true);
        Self
    }
}

impl Drop for Deferral {
    fn drop(&mut self) {
        actions::defer(false);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::{Command, Stdio};
    use std::thread;
    use std::time::{Duration, Instant};

    use common::process::{self, Process};
    use rustix::process::{Pid, Signal, kill_process};

    use super::*;
    use crate::kernel::{Exec, Kernel, Stopped, Task, Watch};

    const FILE: &str = "SIGNALS_TEST_FILE";

    struct UntilSignal<'a>(&'a Signals);

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
            let signals = Signals::leave_at_once(Arc::new(Processes::adopt()));
            let mut task = Task::over(0..1);
            task.terms.command = format!("sleep 600 & echo $$ $! > {file}; wait");
            match signals.defer(|| Exec.compute(&task, &mut UntilSignal(&signals))) {
                Err(Error::Signal { code }) => std::process::exit(code.into()),
                other => panic!("it came back: {other:?}"),
            }
        }
        for signal in actions::STOPPING {
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
            assert_eq!(worker.wait().unwrap().code(), Some(128 + signal));
            for pid in pids().unwrap().split_whitespace() {
                let pid = pid.parse().unwrap();
                until(|| matches!(process::look(pid, common::BootTime::now()), Process::Gone | Process::Zombie));
            }
        }
    }
}
