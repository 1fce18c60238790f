//! Random numbers that nobody can guess.

use rand::TryRng;
use rand::rngs::SysRng;

/// A random number, by `getrandom(2)`.
///
/// One system call; a thread's generator of the `rand` crate would be seeded first.
#[must_use]
pub fn random() -> u64 {
    SysRng.try_next_u64().unwrap_or_else(|_| rand::random())
}
