//! Kernels: what a worker computes before it contributes.
//!
//! Invariant: a kernel's result depends on its task alone, so that a worker launched again contributes the same.

mod exec;
mod monte_carlo_pi;
mod prime_count;
mod prime_digits;
mod sieve;
mod simd;
mod sum_of_squares;

use std::ffi::OsStr;
use std::ops::Range;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command};
use common::cli::{nearest, question};
use common::{Cells, Number, Terms};

pub use exec::Exec;
pub use monte_carlo_pi::MonteCarloPi;
pub use prime_count::PrimeCount;
pub use prime_digits::PrimeDigits;
pub use sum_of_squares::SumOfSquares;

use simd::InstructionSet;

/// What a kernel gives: a number for each cell of the shared value.
pub type Contribution = Cells<Number>;

/// A computation over a range of iterations.
pub trait Kernel: Sync {
    /// The name by which `--kernel` chooses it.
    fn name(&self) -> &str;

    /// What it computes, in one line.
    fn about(&self) -> &str;

    /// How many cells a contribution fills; nothing if as many as the segment has.
    fn cells(&self) -> Option<u32> {
        Some(1)
    }

    /// The most iterations for which the result is exact.
    fn most_iterations(&self) -> u64 {
        u64::MAX
    }

    /// Whether it starts processes, which it ends before it returns: then signals that end a worker wait until it looks at
    /// its watch.
    fn starts_processes(&self) -> bool {
        false
    }

    /// Computes what the task's range contributes, and calls `watch` every few milliseconds.
    ///
    /// # Errors
    /// [`Failure::Stopped`] as soon as `watch` returns it; [`Failure::Failed`] if there is no result.
    fn compute(&self, task: &Task, watch: &mut dyn Watch) -> Result<Contribution, Failure>;
}

/// What a kernel is to compute: the whole range of its run or a chunk of it.
#[derive(Clone, Debug)]
pub struct Task {
    /// The iterations.
    pub range: Range<u64>,
    /// What random numbers are drawn from, together with the number of the iteration: the same for all workers of a run.
    pub seed: u64,
    /// The terms of the run; `iterations` is the end of the whole range.
    pub terms: Terms,
}

impl Task {
    /// The range by itself, for calling a kernel directly.
    #[must_use]
    pub fn over(range: Range<u64>) -> Self {
        let terms = Terms { iterations: range.end, ..Terms::by_hand("", 1) };
        Self { range, seed: 0, terms }
    }
}

/// Who looks on while a kernel computes.
pub trait Watch {
    /// Tells that `done` iterations of the task's range are done.
    ///
    /// # Errors
    /// [`Stopped`] if the kernel is to return at once.
    fn step(&mut self, done: u64) -> Result<(), Stopped>;
}

/// The worker was asked to stop; there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The worker was asked to stop.
    Stopped,
    /// It cannot be computed, for this reason; another attempt may do better.
    Failed(String),
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

/// The name of the instruction set that the loops of the built-in kernels use on this processor:
/// `avx512-ifma`, `avx512` or `avx2`; else `baseline` on x86-64 and `portable` elsewhere.
///
/// ```
/// let known = ["avx512-ifma", "avx512", "avx2", "baseline", "portable"];
/// assert!(known.contains(&worker::kernel::instruction_set()));
/// ```
#[must_use]
pub fn instruction_set() -> &'static str {
    InstructionSet::best().name()
}

/// The kernels that come with the project.
#[must_use]
pub fn built_in() -> &'static [&'static dyn Kernel] {
    &[&SumOfSquares, &PrimeCount, &PrimeDigits, &MonteCarloPi, &Exec]
}

/// What to say of a name that no kernel has: the one that may have been meant, and those that there are.
#[must_use]
pub fn known(kernels: &[&dyn Kernel], wanted: &str) -> String {
    let names: Vec<&str> = kernels.iter().map(|kernel| kernel.name()).collect();
    let near = nearest(wanted, names.iter().copied());
    format!("{}kernels: {}", question(near), names.join(", "))
}

/// The kernel of that name, if it is among `kernels`.
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
