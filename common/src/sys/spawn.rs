//! Starting a process that does not outlive the one that started it, and that it can wait for.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use rustix::process::{Signal, getpid, getppid, kill_process, set_parent_process_death_signal};

use super::disposition;

/// Starts the process. When the thread that calls this ends, however it does, the kernel kills the process.
///
/// That is what `PR_SET_PDEATHSIG` means by the parent (prctl(2)), and why workers start processes from their main thread.
/// What the process has started itself is not killed with it.
///
/// # Errors
/// As [`Command::spawn`].
pub fn spawn_for_life(command: &mut Command) -> io::Result<Child> {
    // The children of a process that was started with SIGCHLD ignored leave no status to wait for (wait(2), "Notes").
    if disposition::is_ignored(libc::SIGCHLD) {
        disposition::restore(libc::SIGCHLD);
    }
    let parent = getpid();
    let die_with_parent = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // It may have died before that, and then nothing would come any more.
        if getppid() == Some(parent) { Ok(()) } else { Ok(kill_process(getpid(), Signal::KILL)?) }
    };
    // SAFETY: the closure runs between fork and exec, where other threads' locks may be held for ever. It takes none and
    // allocates nothing: it makes four system calls that touch this process alone, and an errno becomes an error in place.
    unsafe { command.pre_exec(die_with_parent) };
    command.spawn()
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    /// A parent that ignores it may have started this one; that is a state of the whole process, so this test has another
    /// process do it.
    #[test]
    fn the_end_of_a_process_is_heard_of_where_sigchld_was_ignored() {
        const IGNORING: &str = "SPAWN_TEST_IGNORING";
        if std::env::var_os(IGNORING).is_some() {
            // SAFETY: ignoring a signal involves no handler.
            let _ = unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
            assert!(disposition::is_ignored(libc::SIGCHLD));
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
