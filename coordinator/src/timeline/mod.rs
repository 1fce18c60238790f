//! A picture of a run: who did what and when, and how the value grew.
//!
//! | module | what |
//! |---|---|
//! | `file` | the pictures' files: opened before the run, written after it |
//! | `record` | what the coordinator sees itself, and the file in which workers note their spans |
//! | `model`, `lives` | one row a ticket, put together from both and from the ledger |
//! | `growth` | how the shared value changed |
//! | `svg`, `panel` | the picture: its rows, and below them the value |
//! | `marks`, `axis`, `markup` | what is drawn of many spans, round numbers, and the SVG itself |
//! | `trace` | the Chrome trace |
//!
//! Invariants: without `--timeline` nothing of this happens; with it, a timeline that cannot be drawn spoils no result.

mod axis;
mod file;
mod growth;
mod lives;
mod marks;
mod markup;
mod model;
mod panel;
mod record;
mod svg;
mod trace;

use std::io;

use common::{Segment, cli, exit_code};
use rustix::process::WaitStatus;

use crate::args::{Picture, PictureFormat};
use crate::error::Result;
use crate::narrate::Narrator;
use crate::outcome::Outcome;
use file::PictureFile;
use model::Model;
use record::Recording;

/// The pictures that are wanted, and what is recorded for them.
pub struct Timeline {
    files: Vec<PictureFile>,
    recording: Option<Recording>,
}

impl Timeline {
    /// Opens the files of the pictures that are wanted, if any.
    pub fn prepare(pictures: &[Picture]) -> Result<Self> {
        let files = pictures.iter().map(PictureFile::open).collect::<Result<_>>()?;
        Ok(Self { files, recording: None })
    }

    /// Begins to record, if anything is wanted.
    pub fn begin(&mut self, segment: &Segment) -> Result<()> {
        if !self.files.is_empty() {
            self.recording = Some(Recording::begin(segment)?);
        }
        Ok(())
    }

    /// Where workers are to note what they do.
    pub fn workers_path(&self) -> Option<String> {
        self.recording.as_ref().map(Recording::path)
    }

    /// A worker is about to be launched.
    pub fn launching(&mut self) {
        if let Some(recording) = &mut self.recording {
            recording.launching();
        }
    }

    /// The worker was launched.
    pub fn launched(&mut self, ticket: u32, pid: u32) {
        if let Some(recording) = &mut self.recording {
            recording.launched(ticket, pid);
        }
    }

    /// A worker that was launched has ended just now.
    pub fn ended(&mut self, segment: &Segment, ticket: u32, pid: u32, status: WaitStatus) {
        if let Some(recording) = &mut self.recording {
            recording.ended(segment, ticket, pid, status);
        }
    }

    /// The worker of a ticket, which this coordinator did not launch, is gone since just now.
    pub fn left(&mut self, ticket: u32) {
        if let Some(recording) = &mut self.recording {
            recording.left(ticket);
        }
    }

    /// Writes the pictures; returns the exit code that the run ends with.
    ///
    /// A failure is told, and is an incomplete run if nothing else was wrong.
    pub fn write(self, segment: &Segment, outcome: &Outcome, narrator: &Narrator, code: u8) -> Result<u8> {
        let Some(recording) = self.recording else { return Ok(code) };
        let snapshot = segment.snapshot()?;
        let model = Model::new(&recording, &snapshot, segment.created(), outcome);
        let mut code = code;
        for file in self.files {
            let path = file.path().display().to_string();
            match file.write(|format, sink| draw(&model, format, sink)) {
                Ok(()) => narrator.step(format_args!("wrote the timeline {path}")),
                Err(error) => {
                    cli::report(&format!("cannot write the timeline {path}: {error}"), None);
                    code = if code == exit_code::COMPLETE { exit_code::INCOMPLETE } else { code };
                }
            }
        }
        Ok(code)
    }
}

fn draw(model: &Model, format: PictureFormat, sink: &mut dyn io::Write) -> io::Result<()> {
    match format {
        PictureFormat::Svg => sink.write_all(svg::draw(model).as_bytes()),
        PictureFormat::Trace => trace::write(model, sink),
    }
}
