//! Starting a process that ends with its parent, and that its parent can wait for.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use common::process::is_ignored;
use rustix::process::{Signal, getpid, getppid, kill_process, set_parent_process_death_signal};

use super::actions::restore_default;

/// Starts the process. When the calling thread ends, however it does, the kernel kills the process.
///
/// `PR_SET_PDEATHSIG` takes the thread for the parent (prctl(2)), so workers start processes from their main thread. The
/// process's own children are not killed with it.
///
/// # Errors
/// As [`Command::spawn`].
pub fn spawn_for_life(command: &mut Command) -> io::Result<Child> {
    // While SIGCHLD is ignored, children leave no status to wait for (wait(2), "Notes").
    if is_ignored(libc::SIGCHLD) {
        restore_default(libc::SIGCHLD);
    }
    let parent = getpid();
    let die_with_parent = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // If the parent died before this call, no signal would come.
        if getppid() == Some(parent) { Ok(()) } else { Ok(kill_process(getpid(), Signal::KILL)?) }
    };
    // SAFETY: the closure runs between fork and exec, where other threads' locks may be held for ever. It takes no lock and
    // allocates nothing: it makes four system calls that touch only this process, and turns an errno into an error in place.
    unsafe { command.pre_exec(die_with_parent) };
    command.spawn()
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    /// Ignoring a signal concerns the whole process, so the test runs itself again in another process.
    #[test]
    fn the_end_of_a_process_is_heard_of_where_sigchld_was_ignored() {
        const IGNORING: &str = "SPAWN_TEST_IGNORING";
        if std::env::var_os(IGNORING).is_some() {
            // SAFETY: ignoring a signal involves no handler.
            let _ = unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
            assert!(is_ignored(libc::SIGCHLD));
            let mut process = spawn_for_life(Command::new("sh").args(["-c", "exit 3"])).unwrap();
            assert_eq!(process.wait().unwrap().code(), Some(3));
            return;
        }
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "sys::spawn::tests::the_end_of_a_process_is_heard_of_where_sigchld_was_ignored"]);
        let status = again.env(IGNORING, "").stdout(Stdio::null()).status().unwrap();
        assert!(status.success());
    }
}
