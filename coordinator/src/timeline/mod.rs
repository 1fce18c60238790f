//! Timelines: what each worker did when, and how the value grew.
//!
//! | module | what |
//! |---|---|
//! | `file` | the files: checked before the run, written after it, whole or not at all |
//! | `recording` | launches and ends as the coordinator sees them, and the file with the workers' spans |
//! | `model` | the data of the pictures: a row for each ticket |
//! | `assembly`, `lives`, `growth` | the model of a run, from the recording and the ledger |
//! | `svg`, `legend`, `bars`, `panel` | the picture: what happened, its rows, and below them the exact total |
//! | `marks`, `axis`, `markup` | the marks of many spans, round numbers, and the SVG itself |
//! | `chrome` | the Chrome trace |
//!
//! Invariants: without `--timeline` nothing is recorded; a timeline that cannot be written changes no result.

mod assembly;
mod axis;
mod bars;
mod chrome;
mod file;
mod growth;
mod legend;
mod lives;
mod marks;
mod markup;
mod model;
mod panel;
mod recording;
mod svg;

use std::io::{self, ErrorKind};

use common::cli::{self, exit_code};
use common::{Segment, Snapshot, span, worker_file};

use crate::args::{Picture, PictureFormat};
use crate::error::Result;
use crate::narration::Narrator;
use crate::outcome::Outcome;
use file::PictureFile;
use model::Model;
pub use recording::Recording;

/// The requested pictures, and what is recorded for them.
pub struct Timeline {
    files: Vec<PictureFile>,
    recording: Option<Recording>,
}

impl Timeline {
    /// Checks that the files of the requested pictures can be written.
    pub fn prepare(pictures: &[Picture]) -> Result<Self> {
        let files = pictures.iter().map(PictureFile::prepare).collect::<Result<_>>()?;
        Ok(Self { files, recording: None })
    }

    /// Begins to record, if a picture is requested.
    pub fn begin(&mut self, segment: &Segment, narrator: &Narrator) -> Result<()> {
        if !self.files.is_empty() {
            self.recording = Some(Recording::begin(segment)?);
            if worker_file::room() < worker_file::MOST {
                let limit = cli::RAISE_FILE_SIZE;
                narrator
                    .note(format_args!("the timeline may show only the first {} spans; {limit}", span::most_spans()));
            }
        }
        Ok(())
    }

    /// The file for the workers' spans.
    pub fn workers_path(&self) -> Option<String> {
        self.recording.as_ref().map(Recording::path)
    }

    /// Records an event, if a picture is requested.
    pub fn record(&mut self, event: impl FnOnce(&mut Recording)) {
        self.recording.as_mut().map(event);
    }

    /// Writes the pictures; returns the exit code of the run.
    ///
    /// A failure is reported, and turns exit code 0 into 1.
    pub fn write(&mut self, segment: &Segment, outcome: &Outcome, narrator: &Narrator, code: u8) -> u8 {
        let Some(recording) = self.recording.take() else { return code };
        let snapshot = match Snapshot::of(segment) {
            Ok(snapshot) => snapshot,
            Err(error) => return failed(&format!("cannot draw the timeline: {error}"), None, code),
        };
        let model = assembly::assemble(&recording, &snapshot, segment.created(), outcome);
        let mut code = code;
        for file in std::mem::take(&mut self.files) {
            let (path, folder) = (file.path().display().to_string(), file.folder().display().to_string());
            match file.write(|format, sink| draw(&model, format, sink)) {
                Ok(()) => narrator.step(format_args!("wrote the timeline {path}")),
                Err(error) => {
                    let hint = hint(&error, &folder);
                    code = failed(&format!("cannot write the timeline {path}: {error}"), hint.as_deref(), code);
                }
            }
        }
        code
    }
}

/// Reports a failure; returns the exit code of the run.
fn failed(what: &str, hint: Option<&str>, code: u8) -> u8 {
    cli::report(what, hint);
    if code == exit_code::COMPLETE { exit_code::INCOMPLETE } else { code }
}

/// What would make room for a picture.
fn hint(error: &io::Error, folder: &str) -> Option<String> {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Some(format!("make room: df -h {folder}; nothing is left of this picture, and an older one is still there"))
        }
        ErrorKind::FileTooLarge => Some(cli::RAISE_FILE_SIZE.to_owned()),
        _ => None,
    }
}

fn draw(model: &Model, format: PictureFormat, sink: &mut dyn io::Write) -> io::Result<()> {
    match format {
        PictureFormat::Svg => sink.write_all(svg::draw(model).as_bytes()),
        PictureFormat::Chrome => chrome::write(model, sink),
    }
}
