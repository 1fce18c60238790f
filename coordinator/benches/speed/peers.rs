//! Others that do the same: two Python programs, MPI, Boost.Interprocess; compiled in the bench's folder when first wanted.

use std::cell::{OnceCell, RefCell};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench::{Bench, printed, timed};
use crate::measure::{Outcome, Trouble};

const PROGRAM_A: &str = include_str!("peers/program_a.py");
const PROGRAM_B: &str = include_str!("peers/program_b.py");
const LOCK_VALUE: &str = include_str!("peers/lock_value.py");
const MPI: &str = include_str!("peers/mpi.c");
const BOOST: &str = include_str!("peers/boost.cpp");

type Ready = OnceCell<Result<PathBuf, Trouble>>;

/// What was found of them.
#[derive(Default)]
pub struct Peers {
    python: Ready,
    mpi: Ready,
    boost: Ready,
    versions: RefCell<Vec<String>>,
}

impl Peers {
    /// The versions of those that took part.
    pub fn versions(&self) -> Vec<String> {
        self.versions.borrow().clone()
    }

    /// Program A, with that start method of `multiprocessing`.
    pub fn python_a(&self, bench: &Bench, method: &str, expected: &str) -> Outcome {
        timed(self.python(bench, "program_a.py", PROGRAM_A, &[method])?, expected)
    }

    /// Program B without its delay.
    pub fn python_b(&self, bench: &Bench, method: &str, expected: &str) -> Outcome {
        timed(self.python(bench, "program_b.py", PROGRAM_B, &[method, "0"])?, expected)
    }

    /// `with lock: value.value += 1`, an operation.
    pub fn python_lock(&self, bench: &Bench, processes: u32, count: u32) -> Outcome {
        let arguments = [&processes.to_string() as &str, &count.to_string()];
        printed(self.python(bench, "lock_value.py", LOCK_VALUE, &arguments)?)
    }

    /// Program B without its delay, by four ranks.
    pub fn mpi_b(&self, bench: &Bench, expected: &str) -> Outcome {
        let mut command = self.mpi(bench, 4)?;
        command.arg("program-b");
        timed(command, expected)
    }

    /// Lock, add, unlock on the window of the first rank, an operation.
    pub fn mpi_lock(&self, bench: &Bench, ranks: u32, count: u32) -> Outcome {
        let mut command = self.mpi(bench, ranks)?;
        command.arg("lock").arg(count.to_string());
        printed(command)
    }

    /// Program B without its delay, by four processes that open the memory by its name.
    pub fn boost_b(&self, bench: &Bench, expected: &str) -> Outcome {
        let mut command = Command::new(self.boost(bench)?);
        command.arg("program-b");
        timed(command, expected)
    }

    /// Lock, add, unlock of an `interprocess_mutex`, an operation.
    pub fn boost_lock(&self, bench: &Bench, processes: u32, count: u32) -> Outcome {
        let mut command = Command::new(self.boost(bench)?);
        command.args(["lock", &processes.to_string(), &count.to_string()]);
        printed(command)
    }

    fn python(&self, bench: &Bench, name: &str, text: &str, arguments: &[&str]) -> Result<Command, Trouble> {
        // The interpreter itself: what has the name may be a script that looks for it, which takes its time.
        let ask = "import sys; print(sys.executable); print('Python', sys.version.split()[0])";
        let interpreter = self.python.get_or_init(|| {
            let said = said(Command::new("python3").args(["-c", ask])).ok_or_else(|| skipped("python3 is missing"))?;
            let (path, version) = said.split_once('\n').ok_or_else(|| skipped("python3 does not say where it is"))?;
            self.versions.borrow_mut().push(version.trim().to_owned());
            Ok(PathBuf::from(path))
        });
        let program = bench.program(name);
        fs::write(&program, text)?;
        let mut command = Command::new(interpreter.as_deref().map_err(Clone::clone)?);
        command.arg(program).args(arguments);
        Ok(command)
    }

    fn mpi(&self, bench: &Bench, ranks: u32) -> Result<Command, Trouble> {
        let program = self.mpi.get_or_init(|| {
            let mut compiler = Command::new("mpicc");
            let program = compile(bench, "mpi.c", MPI, &mut compiler, "mpicc is missing (Debian: libopenmpi-dev)")?;
            let version =
                said(Command::new("mpiexec").arg("--version")).ok_or_else(|| skipped("mpiexec is missing"))?;
            self.versions.borrow_mut().push(version.lines().next().unwrap_or("MPI").to_owned());
            Ok(program)
        });
        let mut command = Command::new("mpiexec");
        command.args(["-n", &ranks.to_string()]).arg(program.as_deref().map_err(Clone::clone)?);
        // Open MPI refuses to be started by root, and more ranks than cores, unless it is told so.
        command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
        command.env("OMPI_MCA_rmaps_base_oversubscribe", "1");
        command.env("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe");
        Ok(command)
    }

    fn boost(&self, bench: &Bench) -> Result<&Path, Trouble> {
        let program = self.boost.get_or_init(|| {
            let mut compiler = Command::new("g++");
            compiler.args(["-std=c++17", "-pthread"]);
            let missing = "g++ is missing";
            let program =
                compile(bench, "boost.cpp", BOOST, &mut compiler, missing).map_err(|trouble| match trouble {
                    Trouble::Skipped(why) if why != missing => skipped("no Boost headers (Debian: libboost-dev)"),
                    other => other,
                })?;
            self.versions.borrow_mut().extend(said(Command::new(&program).arg("version")));
            Ok(program)
        });
        program.as_deref().map_err(Clone::clone)
    }
}

fn compile(bench: &Bench, name: &str, text: &str, compiler: &mut Command, missing: &str) -> Result<PathBuf, Trouble> {
    let source = bench.program(name);
    fs::write(&source, text)?;
    let program = source.with_extension("");
    let program = program.file_name().and_then(|name| name.to_str()).unwrap_or("peer");
    bench.folder.compile(compiler.arg("-O2").arg(&source), program, missing)
}

/// What a command prints, if it succeeds.
fn said(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn skipped(why: &str) -> Trouble {
    Trouble::Skipped(why.to_owned())
}
