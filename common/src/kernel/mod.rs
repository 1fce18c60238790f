//! Kernels: what a worker computes before it contributes.
//!
//! Invariant: a kernel's result depends on its range alone, so that a worker launched again contributes the same.

mod prime_count;
mod sum_of_squares;

use std::ops::Range;

pub use prime_count::PrimeCount;
pub use sum_of_squares::SumOfSquares;

/// A computation over a range of iterations.
pub trait Kernel: Sync {
    /// The name by which `--kernel` chooses it.
    fn name(&self) -> &str;

    /// What it computes, in one line.
    fn about(&self) -> &str;

    /// The most iterations for which the result is exact.
    fn most_iterations(&self) -> u64 {
        u64::MAX
    }

    /// Computes the result over `range`, and calls `watch` every few milliseconds.
    ///
    /// # Errors
    /// [`Stopped`] as soon as `watch` returns it.
    fn compute(&self, range: Range<u64>, watch: &mut dyn Watch) -> Result<i128, Stopped>;
}

/// Who looks on while a kernel computes.
pub trait Watch {
    /// Tells that `done` iterations of the range are done.
    ///
    /// # Errors
    /// [`Stopped`] if the kernel is to return at once.
    fn step(&mut self, done: u64) -> Result<(), Stopped>;
}

/// The worker was asked to stop; there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// A watch that never stops the kernel, for calling one directly.
///
/// ```
/// use common::kernel::{Kernel, SumOfSquares, Unwatched};
/// assert_eq!(SumOfSquares.compute(0..4, &mut Unwatched), Ok(0 + 1 + 4 + 9));
/// ```
pub struct Unwatched;

impl Watch for Unwatched {
    fn step(&mut self, _done: u64) -> Result<(), Stopped> {
        Ok(())
    }
}

/// The kernels that come with the project.
#[must_use]
pub fn built_in() -> &'static [&'static dyn Kernel] {
    &[&SumOfSquares, &PrimeCount]
}

/// The kernel of that name, if it is among `kernels`.
#[must_use]
pub fn find<'a>(kernels: &[&'a dyn Kernel], name: &str) -> Option<&'a dyn Kernel> {
    kernels.iter().copied().find(|kernel| kernel.name() == name)
}
