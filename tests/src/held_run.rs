//! Runs that last as long as a test wants.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::Command;
use crate::test_env::TestEnv;

/// Runs whose workers compute until the test releases them.
pub struct HeldRun<'a> {
    env: &'a TestEnv,
    /// The workers wait until this file exists.
    gate: PathBuf,
}

impl<'a> HeldRun<'a> {
    /// Holds the runs of that environment.
    pub fn new(env: &'a TestEnv) -> Self {
        Self { env, gate: env.path().join("gate") }
    }

    /// A run in which each worker adds 1 after the release.
    pub fn command(&self, workers: &str, args: &[&str]) -> Command {
        let script = self.script();
        self.env.coordinator(["-w", workers, "--delay", "0", "--exec", &script]).args(args).plain_environment()
    }

    /// The shell command of each worker.
    pub fn script(&self) -> String {
        format!("{}; echo 1", self.wait())
    }

    /// A shell command that waits for the release.
    pub fn wait(&self) -> String {
        format!("until [ -e '{}' ]; do sleep 0.02; done", self.gate.display())
    }

    /// The file whose creation releases the workers.
    pub fn gate(&self) -> &Path {
        &self.gate
    }

    /// Lets the workers end.
    pub fn release(&self) {
        fs::write(&self.gate, "").expect("the gate can be created");
    }

    /// Holds the runs that start from now on.
    pub fn hold_again(&self) {
        fs::remove_file(&self.gate).expect("the gate was open");
    }
}
