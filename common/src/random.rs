//! Numbers that nobody can guess.

use rand::TryRng;
use rand::rngs::SysRng;

/// A random number, by `getrandom(2)`.
///
/// The generator of a thread would first ask the processor what it can do (CPUID), which under a hypervisor takes longer
/// than everything else that a process needs one number for.
#[must_use]
pub fn random() -> u64 {
    SysRng.try_next_u64().unwrap_or_else(|_| rand::random())
}
