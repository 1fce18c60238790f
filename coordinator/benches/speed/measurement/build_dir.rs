//! The temporary directory for the programs that a bench compiles.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use super::sample::BenchError;

/// Removed with its content when dropped.
pub struct BuildDir {
    dir: tempfile::TempDir,
    empty_program: OnceCell<Result<PathBuf, BenchError>>,
}

impl BuildDir {
    pub fn new() -> io::Result<Self> {
        Ok(Self { dir: tempfile::tempdir()?, empty_program: OnceCell::new() })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a source file.
    pub fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.path(name);
        fs::write(&path, text)?;
        Ok(path)
    }

    /// Runs a compiler that writes the program of that name; `missing` is the error if there is no such compiler.
    pub fn compile(&self, compiler: &mut Command, name: &str, missing: &str) -> Result<PathBuf, BenchError> {
        let program = self.path(name);
        let output = compiler.arg("-o").arg(&program).output().map_err(|_| BenchError::skipped(missing))?;
        if output.status.success() {
            return Ok(program);
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        let error = stderr.lines().find(|line| line.contains("error")).unwrap_or("no error message");
        let error: String = error.chars().take(60).collect();
        Err(BenchError::skipped(format_args!("{name} does not compile: {error}")))
    }

    /// A Rust program that does nothing: the cost of any process.
    pub fn empty_program(&self) -> Result<&Path, BenchError> {
        let program = self.empty_program.get_or_init(|| {
            let source = self.write("empty.rs", "fn main() {}\n")?;
            self.compile(Command::new(rustc()).arg("-O").arg(source), "empty", "rustc is missing")
        });
        program.as_deref().map_err(Clone::clone)
    }
}

/// The compiler that cargo uses.
pub fn rustc() -> OsString {
    std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}
