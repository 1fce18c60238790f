//! The file in which launched workers report why they failed.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;

use common::cli::FailureReport;
use common::{Segment, worker_file};

/// How many bytes are read at a time.
const BLOCK: usize = 1 << 16;

/// The reports of launched workers.
pub struct FailureReports {
    /// Without a file, workers report on stderr.
    file: Option<File>,
    /// How far the file is read.
    read: u64,
    /// What is read and not taken yet, by process.
    reports: HashMap<u32, FailureReport>,
}

impl FailureReports {
    /// Creates the file.
    pub fn new(segment: &Segment) -> Self {
        let file = worker_file::create("failures", FailureReport::head(segment.nonce()).as_bytes()).ok();
        Self { file, read: 0, reports: HashMap::new() }
    }

    /// The path of the file, valid while this process lives.
    pub fn path(&self) -> Option<String> {
        self.file.as_ref().map(worker_file::path)
    }

    /// What a worker that has ended reported, if it did.
    pub fn take(&mut self, pid: u32) -> Option<FailureReport> {
        self.read_new();
        self.reports.remove(&pid)
    }

    fn read_new(&mut self) {
        let Some(file) = &self.file else { return };
        let (mut bytes, mut block) = (Vec::new(), vec![0; BLOCK]);
        while let Ok(count @ 1..) = file.read_at(&mut block, self.read + bytes.len() as u64) {
            bytes.extend_from_slice(&block[..count]);
        }
        // The rest is of a worker that is still writing.
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        self.read += whole as u64;
        let text = String::from_utf8_lossy(&bytes[..whole]);
        self.reports.extend(text.lines().filter_map(FailureReport::from_line).map(|report| (report.pid, report)));
    }
}
