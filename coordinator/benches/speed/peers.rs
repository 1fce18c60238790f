//! Other implementations of the same tasks: Python, MPI, Boost.Interprocess and primesieve; those that are sources are compiled
//! when first measured.

mod python;

use std::cell::{OnceCell, RefCell};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::measurement::{BenchError, BuildDir, Sample};
use crate::subprocess::{self_measured, time};
use python::{Interpreter, prints};
pub use python::{Package, ValueOperation};

const PROGRAM_A: &str = include_str!("peers/program_a.py");
const PROGRAM_B: &str = include_str!("peers/program_b.py");
const LOCK_VALUE: &str = include_str!("peers/lock_value.py");
const VALUE: &str = include_str!("peers/value.py");
const MAP: &str = include_str!("peers/map.py");
const KERNEL: &str = include_str!("peers/kernel.py");
const MPI: &str = include_str!("peers/mpi.c");
const BOOST: &str = include_str!("peers/boost.cpp");

/// An executable, found or compiled once.
type Executable = OnceCell<Result<PathBuf, BenchError>>;

pub struct Peers<'a> {
    build_dir: &'a BuildDir,
    /// The peer.
    python: Interpreter,
    /// The one that has this project's package.
    python_with_package: Interpreter,
    mpi: Executable,
    boost: Executable,
    primesieve: Executable,
    versions: RefCell<Vec<String>>,
}

impl<'a> Peers<'a> {
    pub fn new(build_dir: &'a BuildDir) -> Self {
        let (mpi, boost, primesieve) = Default::default();
        let (python, python_with_package) = (Interpreter::python3(), Interpreter::with_package());
        Self { build_dir, python, python_with_package, mpi, boost, primesieve, versions: RefCell::default() }
    }

    /// The versions of the peers measured.
    pub fn versions(&self) -> Vec<String> {
        let mut versions = self.versions.borrow().clone();
        versions.extend([&self.python, &self.python_with_package].into_iter().filter_map(Interpreter::version));
        versions.dedup();
        versions
    }

    /// Program A with that start method of `multiprocessing`.
    pub fn python_a(&self, method: &str, expected: &str) -> Sample {
        time(self.python("program_a.py", PROGRAM_A, &[method])?, expected)
    }

    /// Program B without its delay.
    pub fn python_b(&self, method: &str, expected: &str) -> Sample {
        time(self.python("program_b.py", PROGRAM_B, &[method, "0"])?, expected)
    }

    /// Seconds of `with lock: value.value += 1`.
    pub fn python_lock(&self, processes: u32, count: u32) -> Sample {
        let arguments = [&processes.to_string() as &str, &count.to_string()];
        self_measured(self.python("lock_value.py", LOCK_VALUE, &arguments)?)
    }

    /// Seconds of that operation on a shared value of `multiprocessing` or of this project's package.
    pub fn python_value(&self, package: Package, operation: ValueOperation, processes: u32, count: u32) -> Sample {
        let mut command = self.python_with_package.command_for(package)?;
        command.arg(self.build_dir.write("value.py", VALUE)?).args([package.name(), operation.name()]);
        command.args([processes.to_string(), count.to_string()]);
        self_measured(command)
    }

    /// Seconds of a map of trivial items, with that start method of `multiprocessing`.
    pub fn python_map(&self, package: Package, method: &str, items: u32) -> Sample {
        let mut command = self.python_with_package.command_for(package)?;
        command.arg(self.build_dir.write("map.py", MAP)?).args([package.name(), method, &items.to_string()]);
        self_measured(command)
    }

    /// Seconds of a run of this project's package whose kernel computes nothing.
    pub fn python_kernel(&self, chunk: u32, chunks: u32) -> Sample {
        let mut command = self.python_with_package.command_for(Package::Killproof)?;
        command.arg(self.build_dir.write("kernel.py", KERNEL)?).args([chunk.to_string(), chunks.to_string()]);
        self_measured(command)
    }

    /// Program B without its delay, by four ranks.
    pub fn mpi_b(&self, expected: &str) -> Sample {
        let mut command = self.mpi(4)?;
        command.arg("program-b");
        time(command, expected)
    }

    /// Seconds of lock, add, unlock on the window of the first rank.
    pub fn mpi_lock(&self, ranks: u32, count: u32) -> Sample {
        let mut command = self.mpi(ranks)?;
        command.arg("lock").arg(count.to_string());
        self_measured(command)
    }

    /// Program B without its delay, by four processes that open the memory by name.
    pub fn boost_b(&self, expected: &str) -> Sample {
        let mut command = Command::new(self.boost()?);
        command.arg("program-b");
        time(command, expected)
    }

    /// Seconds of lock, add, unlock of an `interprocess_mutex`.
    pub fn boost_lock(&self, processes: u32, count: u32) -> Sample {
        let mut command = Command::new(self.boost()?);
        command.args(["lock", &processes.to_string(), &count.to_string()]);
        self_measured(command)
    }

    /// The number of primes in a range, by so many threads.
    pub fn primesieve(&self, start: u64, end: u64, threads: u32, expected: &str) -> Sample {
        let program = self.primesieve.get_or_init(|| {
            let version = prints(Command::new("primesieve").arg("--version"));
            let version =
                version.ok_or_else(|| BenchError::skipped("primesieve is missing (Debian: primesieve-bin)"))?;
            self.versions.borrow_mut().extend(version.split(',').next().map(str::to_owned));
            Ok("primesieve".into())
        });
        let mut command = Command::new(program.as_deref().map_err(Clone::clone)?);
        // Its last number belongs to the range.
        command.args([start, end - 1].map(|bound| bound.to_string())).args([
            "--quiet",
            "--threads",
            &threads.to_string(),
        ]);
        time(command, expected)
    }

    fn python(&self, name: &str, source: &str, arguments: &[&str]) -> Result<Command, BenchError> {
        let mut command = self.python.command()?;
        command.arg(self.build_dir.write(name, source)?).args(arguments);
        Ok(command)
    }

    fn mpi(&self, ranks: u32) -> Result<Command, BenchError> {
        let program = self.mpi.get_or_init(|| {
            let missing = "mpicc is missing (Debian: libopenmpi-dev)";
            let program = self.compile("mpi.c", MPI, &mut Command::new("mpicc"), missing)?;
            let version = prints(Command::new("mpiexec").arg("--version"));
            let version = version.ok_or_else(|| BenchError::skipped("mpiexec is missing"))?;
            self.versions.borrow_mut().push(version.lines().next().unwrap_or("MPI").to_owned());
            Ok(program)
        });
        let mut command = Command::new("mpiexec");
        command.args(["-n", &ranks.to_string()]).arg(program.as_deref().map_err(Clone::clone)?);
        // By default, Open MPI refuses to run as root, and to run more ranks than cores.
        command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
        command.env("OMPI_MCA_rmaps_base_oversubscribe", "1");
        command.env("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe");
        Ok(command)
    }

    fn boost(&self) -> Result<&Path, BenchError> {
        let program = self.boost.get_or_init(|| {
            let mut compiler = Command::new("g++");
            compiler.args(["-std=c++17", "-pthread"]);
            let missing = "g++ is missing";
            let program = self.compile("boost.cpp", BOOST, &mut compiler, missing).map_err(|error| match error {
                BenchError::Skipped(reason) if reason != missing => {
                    BenchError::skipped("Boost headers are missing (Debian: libboost-dev)")
                }
                error => error,
            })?;
            self.versions.borrow_mut().extend(prints(Command::new(&program).arg("version")));
            Ok(program)
        });
        program.as_deref().map_err(Clone::clone)
    }

    /// Compiles the source into a program named after it.
    fn compile(&self, name: &str, text: &str, compiler: &mut Command, missing: &str) -> Result<PathBuf, BenchError> {
        let source = self.build_dir.write(name, text)?;
        let program = name.split_once('.').map_or(name, |(stem, _)| stem);
        self.build_dir.compile(compiler.arg("-O2").arg(&source), program, missing)
    }
}
