//! Launching worker executables.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::plant::{self, Point};
use common::{Segment, SegmentName};
use rustix::fs::{Access, access};
use rustix::io::Errno;

use crate::error::{Error, Result};

/// How often a launch that the system refuses for now is tried: over about 1.3 seconds in all.
const ATTEMPTS: u32 = 8;

/// The pause after the first refusal; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// Launches one executable for one segment.
pub struct Launcher {
    worker: PathBuf,
    name: SegmentName,
    nonce: u64,
    verbose: bool,
    refusals: u32,
    /// Where workers are to note what they do, if that is wanted.
    timeline: Option<String>,
}

/// Why a worker was not launched.
pub enum Refused {
    /// The system has no room for a process now; to be tried again after the pause.
    ForNow(Duration),
    /// It will not get better.
    ForGood(String),
}

impl Launcher {
    /// A launcher of `worker`, which [`find`] has found, for the segment.
    pub fn new(segment: &Segment, worker: PathBuf, verbose: bool, timeline: Option<String>) -> Self {
        Self { worker, name: segment.name().clone(), nonce: segment.nonce(), verbose, refusals: 0, timeline }
    }

    /// Launches a worker for a ticket; returns its process id.
    ///
    /// The worker stays in the coordinator's process group, so that a terminal's Ctrl-Z and Ctrl-C mean all of the run.
    /// It outlives a coordinator that dies: it finishes what it has begun. Its stdout is null, because the coordinator
    /// prints for it, from the ledger.
    pub fn launch(&mut self, ticket: u32) -> Result<u32, Refused> {
        let mut command = Command::new(&self.worker);
        command.arg("--name").arg(self.name.as_str()).arg("--ticket").arg(ticket.to_string());
        command.arg("--nonce").arg(self.nonce.to_string());
        if self.verbose {
            command.arg("--verbose");
        }
        if let Some(path) = &self.timeline {
            command.arg("--timeline-to").arg(path);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null());
        plant::at(Point::Launching);
        let spawned = if plant::refuses(Point::Launching) { Err(Errno::AGAIN.into()) } else { command.spawn() };
        match spawned {
            Ok(child) => {
                self.refusals = 0;
                Ok(child.id())
            }
            Err(error) => Err(self.refused(&error)),
        }
    }

    fn refused(&mut self, error: &io::Error) -> Refused {
        let for_now = [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE];
        let is_for_now = Errno::from_io_error(error).is_some_and(|errno| for_now.contains(&errno));
        self.refusals += 1;
        if is_for_now && self.refusals < ATTEMPTS {
            Refused::ForNow(FIRST_PAUSE * 2_u32.pow(self.refusals - 1))
        } else {
            // Not forgotten until a launch succeeds: where there is no room for one worker there is none for the next.
            let tries = self.refusals;
            Refused::ForGood(format!("cannot launch {} (tried {tries} times): {error}", self.worker.display()))
        }
    }
}

/// The worker executable: the one that was named, or the one beside the coordinator.
pub fn find(named: Option<&Path>) -> Result<PathBuf> {
    let system = |source| Error::System { doing: "find the worker executable", source };
    let path = match named {
        Some(path) => std::path::absolute(path).map_err(system)?,
        None => std::env::current_exe().map_err(system)?.with_file_name("worker"),
    };
    let why = match path.metadata() {
        Err(_) => "does not exist",
        Ok(metadata) if !metadata.is_file() => "is not a file",
        Ok(_) if access(&path, Access::EXEC_OK).is_err() => "is not executable",
        Ok(_) => return Ok(path),
    };
    Err(Error::Worker { path, why })
}
