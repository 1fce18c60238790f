//! Kernels: what a worker computes before it contributes.
//!
//! Invariant: a kernel's result depends only on its task, so a restarted worker contributes the same.

mod command;
mod exec;
mod monte_carlo_pi;
mod prime_count;
mod prime_digits;
mod serve;
mod sieve;
mod simd;
mod sum_of_squares;

use std::ffi::OsStr;
use std::ops::Range;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command};
use common::cli::{nearest, question};
use common::{Cells, Exit, Number, Terms};

pub(crate) use command::is_killed;
pub use exec::Exec;
pub(crate) use exec::StderrTo;
pub use monte_carlo_pi::MonteCarloPi;
pub use prime_count::PrimeCount;
pub use prime_digits::PrimeDigits;
pub use serve::Serve;
pub use sum_of_squares::SumOfSquares;

use simd::InstructionSet;

/// A kernel's result: a number for each cell of the shared value.
pub type Contribution = Cells<Number>;

/// A computation over a range of iterations.
pub trait Kernel: Sync {
    /// The name for `--kernel`.
    fn name(&self) -> &str;

    /// Its description in one line.
    fn about(&self) -> &str;

    /// How many cells a contribution fills; nothing for a kernel that fills any number of cells.
    fn cells(&self) -> Option<u32> {
        Some(1)
    }

    /// How many iterations a worker's first chunk has with `--chunk auto`. Its time tells how many the next ones have.
    ///
    /// More than 1 for a kernel of which a few iterations take no longer than one.
    fn first_chunk(&self) -> u64 {
        1
    }

    /// The most iterations for which the result is exact: the end of the largest range.
    fn most_iterations(&self) -> u64 {
        u64::MAX
    }

    /// Whether it starts processes for each range, which it ends and reaps before it returns. Signals to the worker then wait until it calls `watch`.
    fn starts_processes(&self) -> bool {
        false
    }

    /// Whether it keeps processes from one range to the next, until [`Self::finish`]. Signals to the worker then wait until it calls
    /// `watch`.
    fn keeps_processes(&self) -> bool {
        false
    }

    /// Whether `compute` calls its watch every few milliseconds.
    ///
    /// One that does not, such as a function of an interpreter, ends with the process in the middle of its computation when the run
    /// must stop or a signal comes; so does whatever it has started. Its chunk is then nobody's, and is computed again.
    fn watches(&self) -> bool {
        true
    }

    /// Computes the contribution of the task's range.
    ///
    /// Call `watch` every few milliseconds: it reports progress and returns an error when the run must stop.
    ///
    /// A process that it forks has no part in the run. That process must end with `_exit(2)`: if it returns instead, it ends with
    /// an error and contributes nothing.
    ///
    /// # Errors
    /// [`Failure::Stopped`] as soon as `watch` returns it; [`Failure::Failed`] if the computation fails.
    fn compute(&self, task: &Task, watch: &mut dyn Watch) -> Result<Contribution, Failure>;

    /// Called once, by a worker that leaves in an orderly way, before what it has started is killed. An interpreter can end it
    /// better.
    fn finish(&self) {}
}

/// A kernel's task: the whole range of its run, or a chunk of it.
#[derive(Clone, Debug)]
pub struct Task {
    /// The iterations.
    pub range: Range<u64>,
    /// The seed of random numbers: the same for all workers of a run. Combine it with the number of the iteration.
    pub seed: u64,
    /// The terms of the run. `iterations` is the end of the whole range, of which the run may compute a part.
    pub terms: Terms,
    /// The name of the segment; empty outside a run.
    pub name: String,
    /// The worker's number, from 1: its ticket; 0 outside a run.
    pub worker: u32,
    /// Which attempt of this worker at this range it is, from 1.
    pub attempt: u32,
    /// Where the stderr of a command goes.
    pub(crate) stderr: StderrTo,
}

impl Task {
    /// A task for calling a kernel directly.
    #[must_use]
    pub fn over(range: Range<u64>) -> Self {
        let terms = Terms { iterations: range.end, ..Terms::by_hand("", 1) };
        Self { range, seed: 0, terms, name: String::new(), worker: 0, attempt: 1, stderr: StderrTo::default() }
    }
}

/// Checks that the kernel is exact on the task's range.
///
/// # Errors
/// [`Failure::Failed`] beyond [`Kernel::most_iterations`].
fn must_be_exact(kernel: &impl Kernel, task: &Task) -> Result<(), Failure> {
    let (end, most) = (task.range.end, kernel.most_iterations());
    if end <= most {
        return Ok(());
    }
    Err(Failure::Failed(format!("{} is exact up to iteration {most}, and the range ends at {end}", kernel.name())))
}

/// The observer of a computing kernel.
pub trait Watch {
    /// Reports that `done` iterations of the task's range are done.
    ///
    /// # Errors
    /// [`Stopped`] if the kernel must return at once.
    fn step(&mut self, done: u64) -> Result<(), Stopped>;
}

/// The worker was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// Why a kernel has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The worker was asked to stop.
    Stopped,
    /// The computation failed for this reason. Another attempt may succeed.
    ///
    /// The first line is what reports show. Further lines, such as a traceback, are written to the worker's stderr, unless they are
    /// those of the attempt before.
    Failed(String),
    /// The command that computes it ended in this way, for this reason, as above. Another attempt may succeed.
    Command(Exit, String),
}

impl Failure {
    /// The same, with more about its reason.
    pub(crate) fn with(self, more: &str) -> Self {
        match self {
            Self::Stopped => Self::Stopped,
            Self::Failed(why) => Self::Failed(why + more),
            Self::Command(exit, why) => Self::Command(exit, why + more),
        }
    }
}

impl From<Stopped> for Failure {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// A watch that never stops the kernel, for calling one directly.
///
/// ```
/// use worker::kernel::{Kernel, SumOfSquares, Task, Unwatched};
/// assert_eq!(SumOfSquares.compute(&Task::over(0..4), &mut Unwatched), Ok((0 + 1 + 4 + 9).into()));
/// ```
pub struct Unwatched;

impl Watch for Unwatched {
    fn step(&mut self, _done: u64) -> Result<(), Stopped> {
        Ok(())
    }
}

/// The instruction set of the built-in kernels on this processor: `avx512-ifma`, `avx512` or `avx2`; else `baseline` on x86-64 and `portable` elsewhere.
///
/// ```
/// let known = ["avx512-ifma", "avx512", "avx2", "baseline", "portable"];
/// assert!(known.contains(&worker::kernel::instruction_set()));
/// ```
#[must_use]
pub fn instruction_set() -> &'static str {
    InstructionSet::best().name()
}

/// The built-in kernels.
#[must_use]
pub fn built_in() -> &'static [&'static dyn Kernel] {
    static SERVE: Serve = Serve::new();
    static ALL: [&dyn Kernel; 6] = [&SumOfSquares, &PrimeCount, &PrimeDigits, &MonteCarloPi, &Exec, &SERVE];
    &ALL
}

/// The hint for an unknown kernel: the most similar name, and all names.
#[must_use]
pub fn known(kernels: &[&dyn Kernel], wanted: &str) -> String {
    let names: Vec<&str> = kernels.iter().map(|kernel| kernel.name()).collect();
    let near = nearest(wanted, names.iter().copied());
    format!("{}kernels: {}", question(near), names.join(", "))
}

/// The kernel of that name; nothing if it is not among `kernels`.
#[must_use]
pub fn find<'a>(kernels: &[&'a dyn Kernel], name: &str) -> Option<&'a dyn Kernel> {
    kernels.iter().copied().find(|kernel| kernel.name() == name)
}

/// Parses the name of a kernel. Any name is valid, because a worker may have its own kernels; help and completions list the
/// built-in ones.
#[must_use]
pub fn kernel_parser() -> impl TypedValueParser<Value = String> {
    KernelParser
}

#[derive(Clone)]
struct KernelParser;

impl TypedValueParser for KernelParser {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let values = built_in().iter().map(|kernel| PossibleValue::new(kernel.name()).help(kernel.about()));
        Some(Box::new(values))
    }
}
