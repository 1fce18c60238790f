//! Random numbers that nobody can guess.

use rand::TryRng;
use rand::rngs::SysRng;

/// A random number, by `getrandom(2)`.
///
/// A thread's generator would first ask the processor for its features (CPUID). In a virtual machine that takes longer than
/// anything else that a short process does.
#[must_use]
pub fn random() -> u64 {
    SysRng.try_next_u64().unwrap_or_else(|_| rand::random())
}
