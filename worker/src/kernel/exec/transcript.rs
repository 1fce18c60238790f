//! What an attempt's command writes to stderr, passed on as it comes: to a log, and to whoever reads this worker's stderr.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use common::cli::one_line;

use super::lines::Lines;
use super::log::Log;
use crate::args::Args;
use crate::kernel::{Contribution, Failure, Task};
use crate::report;

/// Where the stderr of commands goes, besides the messages that show its end.
#[derive(Clone, Debug, Default)]
pub struct StderrTo {
    /// The folder of `--exec-log`.
    pub folder: Option<PathBuf>,
    /// Whether it is shown, with `--verbose`.
    pub is_shown: bool,
    /// Whether a note has said that a log cannot be written.
    is_noted: Arc<AtomicBool>,
}

impl StderrTo {
    /// As a worker's options say.
    pub fn of(args: &Args) -> Self {
        Self { folder: args.exec_log_to.clone(), is_shown: args.verbose, is_noted: Arc::default() }
    }
}

/// The stderr of one attempt.
///
/// Invariant: it never changes the attempt's result. What cannot be written is noted once.
pub struct Transcript {
    worker: u32,
    began: Instant,
    log: Option<Log>,
    lines: Option<Lines>,
    is_noted: Arc<AtomicBool>,
}

impl Transcript {
    /// Of an attempt that begins now.
    pub fn begin(task: &Task) -> Self {
        let StderrTo { folder, is_shown, is_noted } = &task.stderr;
        Self {
            worker: task.worker,
            began: Instant::now(),
            log: folder.as_deref().map(|folder| Log::of(folder, task)),
            lines: is_shown.then(Lines::default),
            is_noted: Arc::clone(is_noted),
        }
    }

    /// Takes the next bytes.
    pub fn take(&mut self, piece: &[u8]) {
        if piece.is_empty() {
            return;
        }
        if let Some(lines) = &mut self.lines {
            for line in lines.take(piece) {
                report::line(Some(self.worker), &line);
            }
        }
        self.log(|log| log.write(piece));
    }

    /// Ends it. A command that succeeded and wrote nothing leaves no log.
    pub fn end(mut self, judged: &Result<Contribution, Failure>) {
        if let Some(rest) = self.lines.as_mut().and_then(Lines::rest) {
            report::line(Some(self.worker), &rest);
        }
        let how = match judged {
            Ok(_) => "exit code 0",
            Err(Failure::Stopped) => "stopped",
            Err(Failure::Failed(why) | Failure::Command(_, why)) => why,
        };
        let end = format!("== {}, after {:.1} s\n", one_line(how), self.began.elapsed().as_secs_f64());
        let is_needed = judged.is_err();
        self.log(|log| if is_needed || log.is_begun() { log.end(&end) } else { Ok(()) });
    }

    /// Writes to the log. After an error no more of this attempt is logged.
    fn log(&mut self, write: impl FnOnce(&mut Log) -> std::io::Result<()>) {
        let Some(log) = &mut self.log else { return };
        let Err(error) = write(log) else { return };
        if !self.is_noted.swap(true, Relaxed) {
            let what = format!("cannot write the log {}: {error}; it goes on without", log.path().display());
            report::line(Some(self.worker), &what);
        }
        self.log = None;
    }
}
