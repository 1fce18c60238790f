//! Launching worker executables.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::failpoint::Failpoint;
use common::{Segment, SegmentName, refusal};
use rustix::fs::{Access, access};
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::figures::times;
use crate::limits::Limits;

/// The run's number in the environment of workers, and of what they start: where its coordinator has other children.
const MARK: &str = "KILLPROOF_RUN";

/// A worker executable, and how it is called.
#[derive(Clone)]
pub struct WorkerProgram {
    /// A path from [`find`].
    pub path: PathBuf,
    /// Its arguments before those of every worker: a script for an interpreter, for example.
    pub args: Vec<OsString>,
    /// Whether workers end with the coordinator, also in the middle of a kernel that does not watch.
    pub ends_with_coordinator: bool,
    /// The folder for what their commands write to stderr: an absolute path.
    pub exec_log: Option<PathBuf>,
}

/// Launches one executable for one segment.
pub struct Launcher {
    worker: WorkerProgram,
    name: SegmentName,
    nonce: u64,
    verbose: bool,
    /// Whether workers have the run's mark in their environment.
    marks: bool,
    limits: Limits,
    /// What these limits change of the terms that the worker reads.
    changes: Vec<String>,
    refusals: u32,
    /// The file for the workers' spans, with `--timeline`.
    timeline: Option<String>,
    /// The file in which workers report why they failed.
    reports: Option<String>,
}

/// The system did not launch a worker.
#[derive(Debug)]
pub struct Refusal {
    /// After which pause to try again; nothing if it is in vain.
    pub pause: Option<Duration>,
    /// What was refused and why.
    pub reason: String,
}

impl Launcher {
    /// Launches `worker` for the segment.
    pub fn new(
        segment: &Segment,
        worker: WorkerProgram,
        limits: Limits,
        verbose: bool,
        timeline: Option<String>,
    ) -> Self {
        let changes = limits.worker_options(segment.terms());
        let (name, nonce) = (segment.name().clone(), segment.nonce());
        Self { worker, name, nonce, verbose, marks: false, limits, changes, refusals: 0, timeline, reports: None }
    }

    /// Launches workers that report in that file why they failed.
    pub fn report_to(&mut self, path: Option<String>) {
        self.reports = path;
    }

    /// Whether workers, and what they start, are to have the run's mark in their environment.
    pub fn mark_workers(&mut self, marks: bool) {
        self.marks = marks;
    }

    /// The limits that its workers are launched with.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Launches a worker for a ticket; returns its process id.
    ///
    /// The worker stays in the coordinator's process group, so that Ctrl-Z and Ctrl-C reach the whole run. It outlives a
    /// dead coordinator and finishes what it has begun, unless it ends with it. Its stdout is null: the coordinator prints,
    /// from the ledger.
    ///
    /// It inherits every descriptor that the coordinator has inherited.
    pub fn launch(&mut self, ticket: u32) -> Result<u32, Refusal> {
        let mut command = Command::new(&self.worker.path);
        command.args(&self.worker.args);
        command.arg("--name").arg(self.name.as_str()).arg("--ticket").arg(ticket.to_string());
        command.arg("--nonce").arg(self.nonce.to_string()).args(&self.changes);
        if self.worker.ends_with_coordinator {
            command.arg("--end-with-coordinator");
        }
        if self.verbose {
            command.arg("--verbose");
        }
        if let Some(folder) = &self.worker.exec_log {
            command.arg("--exec-log-to").arg(folder);
        }
        if let Some(path) = &self.timeline {
            command.arg("--timeline-to").arg(path);
        }
        if let Some(path) = &self.reports {
            command.arg("--report-to").arg(path);
        }
        if self.marks {
            command.env(MARK, mark_value(self.nonce));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Failpoint::Launching.reach();
        let spawned = if Failpoint::Launching.refuses() { Err(Errno::AGAIN.into()) } else { command.spawn() };
        match spawned {
            Ok(child) => {
                self.refusals = 0;
                Ok(child.id())
            }
            Err(error) => {
                // Counted across tickets: where one worker has no room, the next one has none either.
                self.refusals += 1;
                let tries = times(self.refusals.into());
                Err(Refusal {
                    pause: if refusal::is_temporary(&error) { refusal::pause(self.refusals) } else { None },
                    reason: format!("cannot launch {} (tried {tries}): {error}", self.worker.path.display()),
                })
            }
        }
    }
}

/// The mark of a run: an entry in the environment (`NAME=value`).
pub fn mark(nonce: u64) -> String {
    format!("{MARK}={}", mark_value(nonce))
}

fn mark_value(nonce: u64) -> String {
    format!("{nonce:016x}")
}

/// The worker executable: the named one, or the one beside the coordinator.
pub fn find(named: Option<&Path>) -> Result<PathBuf> {
    let path = match named {
        Some(named) => locate(named)?,
        None => std::env::current_exe().map_err(unfound)?.with_file_name("worker"),
    };
    match (why_unusable(&path), named) {
        (None, _) => Ok(path),
        (Some(why), Some(_)) => Err(Error::Worker { path, why }),
        (Some(why), None) => Err(Error::NotBeside { path, why }),
    }
}

/// The path of a named executable: a word without a slash is looked up in `PATH`, as a shell does it.
pub fn locate(named: &Path) -> Result<PathBuf> {
    if named.as_os_str().as_bytes().contains(&b'/') {
        return std::path::absolute(named).map_err(unfound);
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let candidates = std::env::split_paths(&folders).map(|folder| folder.join(named));
    match candidates.into_iter().find(|path| why_unusable(path).is_none()) {
        Some(path) => std::path::absolute(path).map_err(unfound),
        None => Err(Error::NotInPath { name: named.to_owned(), is_here: why_unusable(named).is_none() }),
    }
}

fn unfound(source: io::Error) -> Error {
    Error::System { doing: "find the worker executable", source }
}

fn why_unusable(path: &Path) -> Option<&'static str> {
    match path.metadata() {
        Err(_) => Some("does not exist"),
        Ok(metadata) if !metadata.is_file() => Some("is not a file"),
        Ok(_) if access(path, Access::EXEC_OK).is_err() => Some("is not executable"),
        Ok(_) => None,
    }
}
