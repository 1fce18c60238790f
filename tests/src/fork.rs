//! Forks of a program of the tests' own.
#![expect(unsafe_code, reason = "fork, _exit and close_range have no safe interface")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// The exit code of a child that panicked.
const PANICKED: i32 = 101;

/// Forks; nothing in the child.
pub fn fork_here() -> Option<Pid> {
    // SAFETY: the programs of the tests fork with one thread; or what the child does takes no lock that another thread may
    // hold, except for those of malloc, which glibc's fork takes care of.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "a process can fork: {}", std::io::Error::last_os_error());
    Pid::from_raw(pid)
}

/// Runs `child` in a forked process, which then ends without destructors of its parent's.
pub fn fork(child: impl FnOnce()) -> Pid {
    fork_here().unwrap_or_else(|| {
        let code = catch_unwind(AssertUnwindSafe(child)).map_or(PANICKED, |()| 0);
        // SAFETY: the call ends the process.
        unsafe { libc::_exit(code) }
    })
}

/// Closes all descriptors from 3 on, as daemons do. What owns one of them must not be dropped or used.
pub fn close_all() {
    // SAFETY: the call touches no memory.
    let answer = unsafe { libc::close_range(3, u32::MAX, 0) };
    assert_eq!(answer, 0, "the kernel is 5.9 or newer");
}

/// Waits for a child, which must not have failed.
pub fn join(pid: Pid) {
    let status = waitpid(Some(pid), WaitOptions::empty()).expect("it is a child").expect("it has ended").1;
    assert_eq!(status.exit_status(), Some(0), "the child failed: {status:?}");
}

/// Kills a child where it stands, and reaps it.
pub fn kill(pid: Pid) {
    kill_process(pid, Signal::KILL).expect("it is a child");
    let status = waitpid(Some(pid), WaitOptions::empty()).expect("it is a child").expect("it has ended").1;
    assert_eq!(status.terminating_signal(), Some(Signal::KILL.as_raw()), "it lived: {status:?}");
}
