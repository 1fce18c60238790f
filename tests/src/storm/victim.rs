//! The processes that a storm kills.

use std::fs;
use std::process::{Child, Command, ExitStatus};

/// A process that is killed with the test at the latest.
pub struct Victim(Child);

impl Victim {
    /// Starts it.
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("a victim can be started"))
    }

    /// Kills it if it is alive, and reaps it.
    #[must_use]
    pub fn kill(mut self) -> ExitStatus {
        self.0.kill().expect("it can be killed until it is reaped");
        self.0.wait().expect("a child can be waited for")
    }

    /// Its exit status, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("a child can be waited for")
    }

    /// Whether it waits for the lock.
    #[must_use]
    pub fn waits(&self) -> bool {
        waits_for_lock(self.0.id())
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether the thread sleeps in a futex call. `/proc/PID/syscall` (proc(5)) begins with the number of the call.
#[must_use]
pub fn waits_for_lock(thread: u32) -> bool {
    let call = fs::read_to_string(format!("/proc/{thread}/syscall")).unwrap_or_default();
    call.starts_with(&format!("{} ", libc::SYS_futex))
}
