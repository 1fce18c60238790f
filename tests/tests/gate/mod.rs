//! Runs that last as long as a test wants.

use std::fs;
use std::path::PathBuf;

use harness::{Command, Scene};

/// Runs that go on until they are let go.
pub struct Gate<'a> {
    scene: &'a Scene,
    pub path: PathBuf,
}

impl<'a> Gate<'a> {
    /// The gate of that scene, closed.
    pub fn new(scene: &'a Scene) -> Self {
        Self { scene, path: scene.path().join("gate") }
    }

    /// A run each of whose workers adds 1 once the gate is open.
    pub fn run(&self, workers: &str, args: &[&str]) -> Command {
        let command = self.command();
        plain_environment(self.scene.coordinator(["-w", workers, "--delay", "0", "--exec", &command]).args(args))
    }

    /// What each worker does.
    pub fn command(&self) -> String {
        format!("until [ -e '{}' ]; do sleep 0.02; done; echo 1", self.path.display())
    }

    /// Lets them go.
    pub fn open(&self) {
        fs::write(&self.path, "").expect("a file can be written");
    }
}

/// Whatever the terminal is that the tests run in.
pub fn plain_environment(command: Command) -> Command {
    command.with(|process| {
        process.env("TERM", "xterm").env_remove("NO_COLOR").env_remove("CLICOLOR").env_remove("CLICOLOR_FORCE");
    })
}
