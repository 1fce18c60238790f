//! Why a command fails, with which exit code, and what to do next.

use std::io;
use std::path::{Path, PathBuf};

use common::cli::{self, exit_code};
use common::{AttachError, CreateError, RemoveError, RunState, SegmentInfo, SegmentName};
use rustix::io::Errno;

use crate::advice;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The segment or its ledger failed.
    #[error(transparent)]
    Segment(common::Error),
    /// The wanted name is taken.
    #[error("segment \"{name}\" exists already{}", match state {
        Some(RunState::Stale) => ": it was left behind by a run whose coordinator died",
        Some(RunState::Finished) => ": it was kept when its run ended",
        Some(RunState::Foreign { in_use: true, .. }) => ": it is in use in another PID namespace (container)",
        Some(RunState::Foreign { .. }) => ": it was left behind in another PID namespace (container)",
        _ => "",
    })]
    Exists {
        /// The name.
        name: SegmentName,
        /// The state of the existing segment, if it can be read.
        state: Option<RunState>,
    },
    /// The run is over, or the segment has no run.
    #[error("nothing left to do in segment \"{name}\": {why}")]
    NothingLeft {
        /// The segment.
        name: SegmentName,
        /// The reason.
        why: &'static str,
    },
    /// A dead coordinator has left the run behind, and its workers are gone.
    #[error("nobody is at work in segment \"{name}\": its coordinator is dead")]
    LeftBehind {
        /// The segment.
        name: SegmentName,
    },
    /// The command line is wrong.
    #[error("{what}")]
    Usage {
        /// What is wrong.
        what: String,
        /// What is allowed.
        hint: String,
    },
    /// There is no worker executable to launch.
    #[error("cannot launch workers: {} {why}", path.display())]
    Worker {
        /// Where it should be.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No worker was named, and the one beside this executable, where alone it is looked for, cannot be used.
    #[error("cannot launch workers: {} {why}; coordinator looked beside itself, and not in PATH", path.display())]
    NotBeside {
        /// Where it should be.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No folder of `PATH` has the worker executable.
    #[error("cannot launch workers: no executable {} in PATH", name.display())]
    NotInPath {
        /// Its name.
        name: PathBuf,
        /// Whether the current folder has it.
        is_here: bool,
    },
    /// The ledger contradicts itself, so no total is reported.
    #[error("segment \"{name}\" is damaged: {violation}")]
    Violation {
        /// The segment.
        name: SegmentName,
        /// The contradiction.
        violation: common::Violation,
    },
    /// The run has a live coordinator already.
    #[error("segment \"{name}\" has a live coordinator{}", pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    Coordinated {
        /// The segment.
        name: SegmentName,
        /// Its coordinator.
        pid: Option<u32>,
    },
    /// The segment is not a run.
    #[error("segment \"{name}\" is for workers started by hand and has no run to resume")]
    NotARun {
        /// The segment.
        name: SegmentName,
        /// The command of its workers.
        worker: String,
    },
    /// No worker is left that would contribute.
    #[error("segment \"{name}\" will get no more: {applied}, and {why}")]
    Forsaken {
        /// The segment.
        name: SegmentName,
        /// What is applied, of what was waited for.
        applied: String,
        /// Why no more will follow.
        why: &'static str,
        /// The command that finishes its run, if one does.
        next: Option<String>,
    },
    /// The contributions did not come in time.
    #[error("timeout: {applied} in segment \"{name}\"")]
    Timeout {
        /// The segment.
        name: SegmentName,
        /// What is applied, of what was waited for.
        applied: String,
    },
    /// A folder of results cannot be used.
    #[error("cannot use the folder of results {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A folder for the stderr of commands cannot be used.
    #[error("cannot use the folder of --exec-log {}: {source}", path.display())]
    ExecLog {
        /// The folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A folder's `job.json` is missing or makes no sense.
    #[error("{path} {why}")]
    NoJob {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A folder has the results of another job.
    #[error("the results in {} are of another job: {term} is {there} there, and {here} here", folder.display())]
    OtherJob {
        /// The folder.
        folder: PathBuf,
        /// The first term that differs.
        term: String,
        /// Its value here.
        here: String,
        /// Its value there.
        there: String,
    },
    /// A timeline cannot be written.
    #[error("cannot write the timeline {}: {source}", path.display())]
    Timeline {
        /// Its file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A folder of results cannot be collected; `collect` knows why, and what follows.
    #[error("{what}")]
    Collect {
        /// What is wrong.
        what: String,
        /// The next step, if there is one.
        hint: Option<String>,
        /// The exit code.
        exit_code: u8,
    },
    /// A system call failed.
    #[error("cannot {doing}: {source}")]
    System {
        /// What it was for.
        doing: &'static str,
        /// The system's error.
        source: io::Error,
    },
}

/// A result with an [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl<E: Into<common::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Segment(error.into())
    }
}

impl Error {
    /// Why a segment cannot be created. For a taken name it says how the existing segment came to be there.
    pub fn creating(error: CreateError) -> Self {
        match error {
            CreateError::Exists { name } => {
                let state = SegmentInfo::of(&name).ok().map(|existing| existing.state);
                Self::Exists { name, state }
            }
            error => error.into(),
        }
    }

    /// A wrong command line: what is wrong, and what is allowed.
    pub fn usage(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { what: what.into(), hint: hint.into() }
    }

    /// The coordinator's exit code for this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Segment(error) => cli::exit_code_of(error),
            Self::Usage { .. } | Self::OtherJob { .. } => exit_code::USAGE,
            Self::Worker { .. }
            | Self::NotBeside { .. }
            | Self::NotInPath { .. }
            | Self::Timeline { .. }
            | Self::System { .. }
            | Self::Forsaken { .. } => exit_code::INCOMPLETE,
            Self::Collect { exit_code, .. } => *exit_code,
            Self::Violation { .. } | Self::NoJob { .. } => exit_code::FOREIGN,
            Self::Coordinated { .. } | Self::Exists { .. } | Self::Folder { .. } | Self::ExecLog { .. } => {
                exit_code::UNAVAILABLE
            }
            Self::NotARun { .. } | Self::NothingLeft { .. } | Self::LeftBehind { .. } => exit_code::NOTHING_TO_DO,
            Self::Timeout { .. } => exit_code::TIMEOUT,
        }
    }

    /// The next step, if there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            // What is to be looked at, resumed, stopped or removed is not to be created.
            Self::Segment(
                common::Error::Attach(AttachError::NoSegment { name })
                | common::Error::Remove(RemoveError::Unavailable(AttachError::NoSegment { name })),
            ) => Some(cli::missing_segment(name)),
            Self::Segment(error) => cli::hint(error),
            Self::Exists { name, state: Some(RunState::Stale) } | Self::LeftBehind { name } => {
                Some(format!("finish it: coordinator resume {name}; or remove it: coordinator remove {name}"))
            }
            Self::Exists { name, state: Some(RunState::Finished) } => {
                Some(format!("see what it lacks: coordinator status {name}; or remove it: coordinator remove {name}"))
            }
            Self::Exists { name, .. } => Some(format!("look at it: coordinator status {name}; or take another name")),
            Self::Usage { hint, .. } => Some(hint.clone()),
            Self::Worker { .. } => Some("check the path, and build it if it is missing; or give another: --worker PATH".to_owned()),
            Self::NotBeside { path, .. } => Some(advice::install_worker(path)),
            Self::NotInPath { name, is_here: true } => Some(format!("it is in this folder: --worker ./{}", name.display())),
            Self::NotInPath { .. } => Some("name its path: --worker PATH".to_owned()),
            Self::Violation { .. } => Some("another program wrote to it; do not trust its contents".to_owned()),
            Self::Collect { hint, .. } => hint.clone(),
            Self::NotARun { name, worker } => Some(format!("start workers: {worker} --name {name}")),
            Self::Forsaken { next: Some(next), .. } => Some(next.clone()),
            Self::Coordinated { name, .. } | Self::Forsaken { name, .. } => {
                Some(format!("look at it, if it still exists: coordinator status {name}"))
            }
            Self::Timeout { name, .. } => Some(format!("see which workers are at work: coordinator status {name}")),
            Self::OtherJob { .. } => {
                Some("give all shards the same terms; or take another folder: --results DIR; one without results may be removed".to_owned())
            }
            Self::NoJob { .. } => Some(
                "is it the right folder? if so, restore the file; or compute the job in another folder: each result names its id".to_owned(),
            ),
            Self::Folder { path, source } | Self::ExecLog { path, source } => after_file_error(path, source).or_else(|| Some(match (source.kind(), self) {
                (io::ErrorKind::NotFound, _) if path.starts_with("~") => {
                    "the shell did not replace ~ here: write \"$HOME/…\"".to_owned()
                }
                (io::ErrorKind::NotFound, _) => format!("make it first: mkdir -p {}", quoted(path)),
                (io::ErrorKind::NotADirectory, _) => "name a folder, and not a file".to_owned(),
                (_, Self::ExecLog { .. }) => format!("this user must be able to write to it: ls -la {}", quoted(path)),
                _ => format!("all machines must share it, and this user must be able to write to it: ls -la {}", quoted(path)),
            })),
            Self::NothingLeft { .. } | Self::Timeline { .. } | Self::System { .. } => None,
        }
    }
}

/// The next step after an error that is not about the path itself: no room, a limit, a failing file system.
pub fn after_file_error(path: &Path, source: &io::Error) -> Option<String> {
    match Errno::from_io_error(source)? {
        Errno::NOSPC | Errno::DQUOT => Some(format!("make room: df -h {}", quoted(path))),
        Errno::FBIG => Some(cli::RAISE_FILE_SIZE.to_owned()),
        Errno::MFILE => Some("allow this process more open files: ulimit -n 1024".to_owned()),
        Errno::IO | Errno::STALE | Errno::INTR | Errno::TIMEDOUT | Errno::NOTCONN => {
            Some(format!("try again; if it stays, look at the file system: findmnt --target {}", quoted(path)))
        }
        _ => None,
    }
}

/// A path as a word of a shell.
pub fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    shlex::try_quote(&text).map_or_else(|_| text.clone(), std::borrow::Cow::into_owned)
}
