//! The program that does nothing, compiled when a bench starts: what any process costs.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::group::{Outcome, Trouble};

/// A folder for what is compiled, which goes away with the bench.
pub struct Folder {
    folder: tempfile::TempDir,
    empty: OnceCell<Result<PathBuf, Trouble>>,
}

impl Folder {
    pub fn new() -> Result<Self, Trouble> {
        Ok(Self { folder: tempfile::tempdir()?, empty: OnceCell::new() })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The empty Rust program.
    pub fn empty(&self) -> Result<&Path, Trouble> {
        let built = self.empty.get_or_init(|| {
            let source = self.path().join("empty.rs");
            fs::write(&source, "fn main() {}\n")?;
            self.compile(Command::new(rustc()).arg("-O").arg(source), "empty", "rustc is missing")
        });
        built.as_deref().map_err(Clone::clone)
    }

    /// Runs a compiler that is to write a program of that name.
    pub fn compile(&self, compiler: &mut Command, name: &str, missing: &str) -> Result<PathBuf, Trouble> {
        let program = self.path().join(name);
        let output = compiler.arg("-o").arg(&program).output().map_err(|_| Trouble::Skipped(missing.to_owned()))?;
        if output.status.success() {
            return Ok(program);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let error = said.lines().find(|line| line.contains("error")).unwrap_or("it says nothing");
        Err(Trouble::Skipped(format!("{name} does not compile: {}", error.chars().take(60).collect::<String>())))
    }
}

/// The compiler that cargo uses.
pub fn rustc() -> OsString {
    std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

/// Seconds from starting `count` processes at once to the end of the last one.
pub fn spawn_and_reap(count: usize, program: &Path, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    let began = Instant::now();
    let children: Vec<Child> = (0..count).map(|_| command.spawn()).collect::<Result<_, _>>()?;
    for mut child in children {
        let status = child.wait()?;
        if !status.success() {
            return Err(Trouble::Failed(format!("{} ended with {status}", program.display())));
        }
    }
    Ok(began.elapsed().as_secs_f64())
}
