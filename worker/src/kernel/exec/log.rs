//! The log of a range: what its commands wrote to stderr, attempt after attempt.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use common::{Mode, rfc3339};
use rustix::fs::{CWD, Mode as Permissions, OFlags, openat};
use rustix::process::geteuid;

use crate::kernel::Task;

/// The log of one attempt. Its file is opened with the first word.
pub struct Log {
    path: PathBuf,
    /// The line above what this attempt writes.
    head: String,
    file: Option<File>,
    /// Whether the last line is whole.
    is_line_whole: bool,
}

impl Log {
    /// For an attempt that begins now.
    pub fn of(folder: &Path, task: &Task) -> Self {
        let now = rfc3339(SystemTime::now());
        let head = format!("== attempt {} of Process-{}, {now}\n", task.attempt, task.worker);
        Self { path: folder.join(name(task)), head, file: None, is_line_whole: true }
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether something was written.
    pub fn is_begun(&self) -> bool {
        self.file.is_some()
    }

    /// Appends what the command wrote.
    pub fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let mut file = open(&self.path)?;
                let break_line = if is_line_whole(&file)? { "" } else { "\n" };
                file.write_all(format!("{break_line}{}", self.head).as_bytes())?;
                none.insert(file)
            }
        };
        self.is_line_whole = piece.last().is_none_or(|last| *last == b'\n');
        file.write_all(piece)
    }

    /// Appends how the command ended, in a line of its own.
    pub fn end(&mut self, line: &str) -> io::Result<()> {
        let break_line = if self.is_line_whole { "" } else { "\n" };
        self.write(format!("{break_line}{line}").as_bytes())
    }
}

/// With `--split` one worker at a time has a range; otherwise each worker has the same.
fn name(task: &Task) -> String {
    let (start, end) = (task.range.start, task.range.end);
    match task.terms.mode {
        Mode::Split => format!("{start}-{end}.log"),
        _ => format!("{start}-{end}.process-{}.log", task.worker),
    }
}

/// Opens a log for appending. What others have put in its place is left alone.
fn open(path: &Path) -> io::Result<File> {
    let to_append = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE;
    let guarded = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(openat(CWD, path, to_append | guarded, Permissions::from_raw_mode(0o666))?);
    let metadata = file.metadata()?;
    let is_ours = metadata.is_file() && metadata.uid() == geteuid().as_raw() && metadata.nlink() == 1;
    if is_ours { Ok(file) } else { Err(io::Error::other("it is not a file of this user alone")) }
}

/// Whether the last line is whole: that of a killed worker may not be.
fn is_line_whole(file: &File) -> io::Result<bool> {
    let Some(last) = file.metadata()?.len().checked_sub(1) else { return Ok(true) };
    let mut byte = [0];
    Ok(file.read_at(&mut byte, last)? == 0 || byte == *b"\n")
}
