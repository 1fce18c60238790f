//! Descendants: the processes that this process's children start, and may leave behind.
//!
//! A subreaper becomes the parent of its descendants whose own parent dies, whatever session or group they moved to
//! (`PR_SET_CHILD_SUBREAPER(2const)`). So it finds them among its children, and can end them.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, getpid, kill_process, set_child_subreaper, waitid, waitpid,
};

use crate::process;

/// How long to wait for the end of killed processes. One in the middle of a disk operation may take longer.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// How often to look whether killed processes have ended.
const PAUSE: Duration = Duration::from_millis(2);

/// The descendants of this process.
pub struct Descendants {
    which: Which,
    /// Those that were killed and are not reaped yet. A dying process has no environment to read any more.
    dying: RefCell<Vec<u32>>,
}

/// Which children are to be ended.
enum Which {
    /// Each one.
    All,
    /// Those with this entry in their environment: this process has children that it did not start.
    Marked(String),
    /// None.
    Nothing,
}

impl Descendants {
    /// From now on this process is the parent of its descendants whose own parent dies.
    ///
    /// If it has children already, left by the program that it was before its `exec`, or is process 1 of its namespace, where
    /// all orphans arrive, then only those with `mark` in their environment (`NAME=value`) are its to end; without a mark,
    /// none.
    #[must_use]
    pub fn adopt(mark: Option<String>) -> Self {
        let is_alone = !exist() && !getpid().is_init();
        let which = match mark {
            _ if !is_proc_of_own_namespace() => Which::Nothing,
            _ if is_alone => Which::All,
            Some(mark) => Which::Marked(mark),
            None => Which::Nothing,
        };
        // Cannot fail since Linux 3.4. Otherwise orphans go to process 1, as without the call. Also if none is to be ended: at
        // this process's own end they go to the next subreaper, and not past it before.
        let _ = set_child_subreaper(Some(getpid()));
        Self { which, dying: RefCell::default() }
    }

    /// Whether only those with the mark in their environment are its to end.
    #[must_use]
    pub fn need_mark(&self) -> bool {
        matches!(self.which, Which::Marked(_))
    }

    /// Kills the children that are not spared, and reaps those that have ended. Returns who was there: call it again until
    /// that is nobody, since the children of a killed process come after it.
    pub fn end(&self, is_spared: impl Fn(u32) -> bool) -> Vec<u32> {
        if matches!(self.which, Which::Nothing) || !exist() {
            return Vec::new();
        }
        let mut found = children();
        found.retain(|pid| !is_spared(*pid) && is_child(*pid));
        let (mut ours, others): (Vec<u32>, Vec<u32>) =
            found.into_iter().partition(|pid| self.dying.borrow().contains(pid) || self.is_ours(*pid));
        // A child keeps its id until this process reaps it, so no other process is hit. One of another user cannot be ended.
        ours.retain(|pid| process::id(*pid).is_some_and(|id| kill_process(id, Signal::KILL) != Err(Errno::PERM)));
        self.dying.replace(ours.clone());
        for id in ours.iter().filter_map(|pid| process::id(*pid)) {
            reap(id);
        }
        // In its end a process shows no mark, and its children are not here yet.
        ours.extend(others.into_iter().filter(|pid| process::is_ending(*pid)));
        ours
    }

    /// The same until nobody is left, for at most [`PATIENCE`]. Returns who is left.
    pub fn end_all(&self, is_spared: impl Fn(u32) -> bool) -> Vec<u32> {
        let began = Instant::now();
        loop {
            let left = self.end(&is_spared);
            if left.is_empty() || began.elapsed() >= PATIENCE {
                return left;
            }
            sleep(PAUSE);
        }
    }

    /// Reaps the children that have ended. Call it only while nobody waits for a child of this process.
    pub fn reap(&self) {
        while matches!(self.which, Which::All) && matches!(rustix::process::wait(any_child()), Ok(Some(_))) {}
    }

    fn is_ours(&self, pid: u32) -> bool {
        match &self.which {
            Which::All => true,
            Which::Marked(mark) => environment(pid).split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes()),
            Which::Nothing => false,
        }
    }
}

/// The environment with which a process was started; empty if it is gone.
///
/// It is empty for a moment in the middle of an exec, too (`environ_read`, fs/proc/base.c): then it is read once more.
fn environment(pid: u32) -> Vec<u8> {
    let read = || fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    match read() {
        empty if empty.is_empty() => {
            sleep(PAUSE);
            read()
        }
        environment => environment,
    }
}

/// Waits for a child for a moment only: one that the kernel does not let end stays behind. Returns whether it was reaped.
#[must_use]
pub fn reap_within(child: Pid, patience: Duration) -> bool {
    let began = Instant::now();
    while !reap(child) {
        if began.elapsed() >= patience {
            return false;
        }
        sleep(PAUSE);
    }
    true
}

/// Whether the child has ended: it is reaped then, unless another thread has done so.
fn reap(child: Pid) -> bool {
    matches!(waitpid(Some(child), any_child()), Ok(Some(_)) | Err(Errno::CHILD))
}

/// Whether this process has children, alive or not.
fn exist() -> bool {
    finds(WaitId::All)
}

/// Whether it is a child of this process, alive or not.
fn is_child(pid: u32) -> bool {
    process::id(pid).is_some_and(|id| finds(WaitId::Pid(id)))
}

fn finds(which: WaitId<'_>) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let every_kind = WaitIdOptions::from_bits_retain(libc::__WALL.cast_unsigned());
    !matches!(waitid(which, options | every_kind), Err(Errno::CHILD))
}

/// Whether `/proc` shows ids as this process's system calls mean them: it may be mounted for an outer PID namespace.
fn is_proc_of_own_namespace() -> bool {
    let shown = fs::read_link("/proc/self").ok();
    shown.and_then(|shown| shown.to_str()?.parse().ok()) == Some(std::process::id())
}

/// Without waiting, and also for children of `clone` that send no SIGCHLD (`__WALL`, waitpid(2)).
fn any_child() -> WaitOptions {
    WaitOptions::NOHANG | WaitOptions::from_bits_retain(libc::__WALL.cast_unsigned())
}

/// The children of this process.
fn children() -> Vec<u32> {
    // A kernel without CONFIG_PROC_CHILDREN has no such files (proc_pid_task(5)).
    children_of_threads().unwrap_or_else(|_| children_by_parent())
}

/// By `/proc/self/task/TID/children`. It is reliable for a process that reaps its children itself: nobody else takes one out
/// of the list while it is read.
fn children_of_threads() -> io::Result<Vec<u32>> {
    let mut children = Vec::new();
    for thread in fs::read_dir("/proc/self/task")? {
        let text = fs::read_to_string(thread?.path().join("children"))?;
        children.extend(text.split_ascii_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    Ok(children)
}

/// By the parents of all processes.
fn children_by_parent() -> Vec<u32> {
    let own = std::process::id();
    let all = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| process::parent(*pid) == Some(own)).collect()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// The children of the test's process are those of all its tests, so each test runs itself again in another process.
    fn in_a_process_of_its_own(test: &str, run: impl FnOnce()) {
        const ALONE: &str = "DESCENDANTS_TEST_ALONE";
        if std::env::var_os(ALONE).is_some() {
            return run();
        }
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", &format!("descendants::tests::{test}"), "--test-threads", "1"]);
        let output = again.env(ALONE, "").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }

    fn start(script: &str) -> Pid {
        spawn(Command::new("sh").args(["-c", script]))
    }

    fn spawn(command: &mut Command) -> Pid {
        Pid::from_child(&command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn is_alive(pid: Pid) -> bool {
        rustix::process::test_kill_process(pid).is_ok()
    }

    /// Fault 54.
    #[test]
    fn what_moved_to_another_session_is_ended_too() {
        in_a_process_of_its_own("what_moved_to_another_session_is_ended_too", || {
            let descendants = Descendants::adopt(None);
            assert!(!exist());
            let leader = start("setsid sh -c 'sleep 20 & sleep 20' & sleep 20 & exit 0");
            assert!(reap_within(leader, Duration::from_secs(30)));
            assert!(exist() && children_of_threads().is_ok_and(|found| !found.is_empty()));
            assert_eq!(descendants.end_all(|_| false), [0; 0]);
            assert!(!exist());
        });
    }

    #[test]
    fn a_spared_child_lives_and_both_ways_find_it() {
        in_a_process_of_its_own("a_spared_child_lives_and_both_ways_find_it", || {
            let descendants = Descendants::adopt(None);
            let (lucky, other) = (start("exec sleep 20"), start("exec sleep 20"));
            let is_spared = |pid| process::id(pid) == Some(lucky);
            assert_eq!(children().len(), 2);
            assert_eq!(children_by_parent().len(), 2);
            assert_eq!(descendants.end_all(is_spared), [0; 0]);
            assert!(is_alive(lucky) && !is_alive(other));
            assert_eq!(descendants.end_all(|_| false), [0; 0]);
        });
    }

    /// What `sh -c 'something & exec coordinator'` leaves to the coordinator is not its own.
    #[test]
    fn a_process_with_children_of_its_own_ends_only_what_bears_its_mark() {
        in_a_process_of_its_own("a_process_with_children_of_its_own_ends_only_what_bears_its_mark", || {
            let stranger = start("exec sleep 20");
            let unmarked = Descendants::adopt(None);
            assert_eq!(unmarked.end_all(|_| false), [0; 0]);
            let marked = Descendants::adopt(Some("DESCENDANTS_TEST_MARK=7".to_owned()));
            let own = spawn(Command::new("sleep").arg("20").env("DESCENDANTS_TEST_MARK", "7"));
            assert_eq!(marked.end_all(|_| false), [0; 0]);
            assert!(is_alive(stranger) && !is_alive(own));
            let _ = kill_process(stranger, Signal::KILL);
            assert!(reap_within(stranger, Duration::from_secs(30)));
        });
    }

    /// Fault 51: a child that does not end is no reason to wait for ever.
    #[test]
    fn a_child_that_does_not_end_is_left_after_a_moment() {
        in_a_process_of_its_own("a_child_that_does_not_end_is_left_after_a_moment", || {
            let child = start("exec sleep 20");
            assert!(!reap_within(child, Duration::from_millis(20)));
            let _ = kill_process(child, Signal::KILL);
            assert!(reap_within(child, Duration::from_secs(30)));
            assert!(reap_within(child, Duration::ZERO), "it is nobody's child any more");
        });
    }
}
