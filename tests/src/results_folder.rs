//! A folder for the results of shards, and the segments of its job.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::Command;
use crate::test_env::{TestEnv, until};

/// A folder for `--results`. A test that leaves a segment of its job in `/dev/shm`, or a temporary file in the folder, fails.
pub struct ResultsFolder<'a> {
    env: &'a TestEnv,
    path: PathBuf,
}

impl<'a> ResultsFolder<'a> {
    /// The folder of that name in the test's; the first run makes it.
    pub fn new(env: &'a TestEnv, label: &str) -> Self {
        Self { env, path: env.path().join(label) }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A run that leaves its result here.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Command {
        self.env.coordinator(["--split", "--results"]).args([&self.path]).args(args)
    }

    /// The names of its files, in order.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.path).into_iter().flatten();
        let names = entries.map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// A file of it, as JSON.
    #[track_caller]
    pub fn json(&self, name: &str) -> Value {
        let text = fs::read_to_string(self.path.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}: {text}"))
    }

    /// Replaces the file of that name.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path.join(name), text).expect("it can be written");
    }

    /// The name of the segment for a part of its job.
    pub fn segment(&self, part: &str) -> String {
        format!("{}{part}", self.prefix().expect("it has a job"))
    }

    /// Waits until a run of that part, which no other one is before, is at work; returns its segment's name.
    #[track_caller]
    pub fn until_begun(&self, part: &str) -> String {
        until("the run to begin", || !self.segments().is_empty());
        let name = self.segment(part);
        self.env.until_status(&name, |status| status["split"]["given_out"] != "0");
        name
    }

    fn prefix(&self) -> Option<String> {
        let job: Value = serde_json::from_str(&fs::read_to_string(self.path.join("job.json")).ok()?).ok()?;
        Some(format!("shard-{}-", job["id"].as_str()?))
    }

    /// The job's segments in `/dev/shm`.
    pub fn segments(&self) -> Vec<PathBuf> {
        let Some(prefix) = self.prefix() else { return Vec::new() };
        let is_own = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix));
        self.env.all_segments().into_iter().filter(is_own).collect()
    }
}

impl Drop for ResultsFolder<'_> {
    fn drop(&mut self) {
        let left = self.segments();
        for path in &left {
            let _ = fs::remove_file(path);
        }
        let temporary: Vec<String> = self.names().into_iter().filter(|name| name.starts_with('.')).collect();
        assert!((left.is_empty() && temporary.is_empty()) || std::thread::panicking(), "left: {left:?}, {temporary:?}");
    }
}
