//! Commands under a watchdog.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use serde_json::Value;

use crate::injection::Injection;

/// How long a command may take before it is killed.
const PATIENCE: Duration = Duration::from_secs(90);

/// A command that has not been started.
pub struct Command {
    process: Process,
    folder: PathBuf,
    what: String,
}

/// A running command; dropping it kills its process group.
pub struct Running {
    child: Child,
    is_reaped: bool,
    what: String,
    stdout: Capture,
    stderr: Capture,
}

/// A command that has ended.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code, if it exited.
    pub code: Option<i32>,
    /// The signal that killed it, if one did.
    pub signal: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

impl Command {
    pub(crate) fn new<S: AsRef<OsStr>>(program: &Path, args: impl IntoIterator<Item = S>) -> Self {
        let mut process = Process::new(program);
        process.args(args).stdin(Stdio::null()).process_group(0);
        process
            .env_remove("KILLPROOF_FAILPOINT")
            .env_remove("KILLPROOF_FAILPOINT_TIMES")
            .env_remove("KILLPROOF_FAILPOINT_SPARES");
        let folder = program.parent().unwrap_or(Path::new("/")).to_owned();
        Self { what: format!("{process:?}"), process, folder }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.process.args(args);
        self.what = format!("{:?}", self.process);
        self
    }

    /// Injects a failure into it and the processes that it starts.
    #[must_use]
    pub fn inject(mut self, injection: Injection) -> Self {
        let folder = tempfile::tempdir_in(&self.folder).expect("a folder can be made").keep();
        self.process.envs(injection.variables(&folder));
        self
    }

    /// Changes the process to be started in any other way.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Process)) -> Self {
        change(&mut self.process);
        self
    }

    /// Removes what depends on the terminal that the tests run in.
    #[must_use]
    pub fn plain_environment(mut self) -> Self {
        self.process.env("TERM", "xterm");
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            self.process.env_remove(name);
        }
        self
    }

    /// Runs it to its end.
    #[must_use]
    pub fn run(self) -> Finished {
        self.start().finish()
    }

    /// Starts it.
    #[must_use]
    pub fn start(self) -> Running {
        self.start_on(Stdio::piped(), Stdio::piped())
    }

    /// Starts it with this stdout and stderr instead of captured pipes.
    #[must_use]
    pub fn start_on(mut self, stdout: Stdio, stderr: Stdio) -> Running {
        self.process.stdout(stdout).stderr(stderr);
        let mut child = self.process.spawn().unwrap_or_else(|error| panic!("{}: {error}", self.what));
        Running {
            stdout: Capture::new(child.stdout.take()),
            stderr: Capture::new(child.stderr.take()),
            child,
            is_reaped: false,
            what: self.what,
        }
    }
}

impl Running {
    /// Its process id, which is also its process group's.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        // The id is its own until `finish` reaps it.
        let _ = kill_process(self.id(), signal);
    }

    /// Sends a signal to its process group.
    pub fn signal_group(&self, signal: Signal) {
        let _ = kill_process_group(self.id(), signal);
    }

    /// Its stdout so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Its stderr so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Whether it has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        // Without reaping it, so that its id and its group's are not reused.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(self.id()), options).is_ok_and(|status| status.is_some())
    }

    /// Waits for its end, and kills the rest of its process group.
    #[must_use]
    pub fn finish(mut self) -> Finished {
        let began = Instant::now();
        while !self.has_ended() {
            if began.elapsed() > PATIENCE {
                self.signal_group(Signal::KILL);
                panic!("{} hung\nstdout: {}\nstderr: {}", self.what, self.stdout(), self.stderr());
            }
            thread::sleep(Duration::from_millis(1));
        }
        let took = began.elapsed();
        let status = self.reap();
        Finished {
            code: status.code(),
            signal: status.signal(),
            stdout: self.stdout.finish(),
            stderr: self.stderr.finish(),
            took,
        }
    }

    /// Kills the rest of its group, whose id is not reused before the process is reaped; then reaps it.
    fn reap(&mut self) -> ExitStatus {
        self.signal_group(Signal::KILL);
        self.is_reaped = true;
        self.child.wait().expect("a child can be waited for")
    }

    fn id(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed()).expect("a child's id is positive")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_reaped {
            self.reap();
        }
    }
}

impl Finished {
    /// The lines of stdout.
    #[must_use]
    pub fn lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }

    /// stdout as one JSON object.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks the exit code.
    #[must_use]
    #[track_caller]
    pub fn expect(self, code: u8) -> Self {
        assert_eq!(self.code, Some(code.into()), "{self:?}");
        self
    }
}

/// The output of a process, read by a thread.
struct Capture {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Capture {
    fn new(source: Option<impl Read + Send + 'static>) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&text);
        let reader = source.map(|mut source| {
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = source.read(&mut buffer) {
                    sink.lock().expect("no reader panics").extend(&buffer[..count]);
                }
            })
        });
        Self { text, reader }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().expect("no reader panics")).into_owned()
    }

    fn finish(&mut self) -> String {
        let began = Instant::now();
        while self.reader.as_ref().is_some_and(|reader| !reader.is_finished()) && began.elapsed().as_secs() < 1 {
            thread::sleep(Duration::from_millis(1));
        }
        self.text()
    }
}
