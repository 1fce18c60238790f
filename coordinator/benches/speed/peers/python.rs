//! The Python interpreters, and what they measure on a shared value.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::measurement::BenchError;

/// The environment variable that names an interpreter with this project's package.
const VARIABLE: &str = "KILLPROOF_PYTHON";

/// Where a shared value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Package {
    Multiprocessing,
    Killproof,
}

impl Package {
    pub fn name(self) -> &'static str {
        match self {
            Self::Multiprocessing => "multiprocessing",
            Self::Killproof => "killproof",
        }
    }
}

/// A function of `value.py`.
#[derive(Clone, Copy, Debug)]
pub enum ValueOperation {
    /// `v.add(1)`
    Add,
    /// `v += 1`
    AddInPlace,
    /// `with v.get_lock(): v.value += 1`
    WithLock,
}

impl ValueOperation {
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::AddInPlace => "add_in_place",
            Self::WithLock => "with_lock",
        }
    }
}

/// An interpreter, looked for when first used.
pub struct Interpreter {
    program: OsString,
    found: OnceCell<Result<Found, BenchError>>,
    /// Whether it can import this project's package.
    has_package: OnceCell<bool>,
}

struct Found {
    path: PathBuf,
    version: String,
}

impl Interpreter {
    fn new(program: OsString) -> Self {
        Self { program, found: OnceCell::new(), has_package: OnceCell::new() }
    }

    pub fn python3() -> Self {
        Self::new("python3".into())
    }

    /// The one that the environment names, else `python3`.
    pub fn with_package() -> Self {
        Self::new(std::env::var_os(VARIABLE).unwrap_or_else(|| "python3".into()))
    }

    /// Its version, once it was used.
    pub fn version(&self) -> Option<String> {
        let version = &self.found.get()?.as_ref().ok()?.version;
        Some(format!("{version}{}", if self.has_package.get() == Some(&true) { " with killproof" } else { "" }))
    }

    pub fn command(&self) -> Result<Command, BenchError> {
        let found = self.found.get_or_init(|| self.find()).as_ref();
        Ok(Command::new(&found.map_err(Clone::clone)?.path))
    }

    /// Skipped if the package cannot be imported.
    pub fn command_for(&self, package: Package) -> Result<Command, BenchError> {
        let command = self.command()?;
        let imports =
            || self.command().is_ok_and(|mut command| prints(command.args(["-c", "import killproof"])).is_some());
        if package == Package::Killproof && !self.has_package.get_or_init(imports) {
            return Err(BenchError::skipped(format_args!(
                "{} cannot import killproof; next: pip install ./python, or {VARIABLE}=INTERPRETER",
                self.program.display(),
            )));
        }
        Ok(command)
    }

    /// Finds the interpreter itself: the program may be a slow wrapper script.
    fn find(&self) -> Result<Found, BenchError> {
        let query = "import sys; print(sys.executable); print('Python', sys.version.split()[0])";
        let program = self.program.display();
        let output = prints(Command::new(&self.program).args(["-c", query]));
        let output = output.ok_or_else(|| BenchError::skipped(format_args!("{program} is missing")))?;
        let (path, version) =
            output.split_once('\n').ok_or_else(|| BenchError::skipped(format_args!("{program} prints no path")))?;
        Ok(Found { path: path.into(), version: version.trim().to_owned() })
    }
}

/// What a command prints, if it succeeds.
pub fn prints(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
