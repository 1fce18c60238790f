//! Steps a real process with ptrace(2), and kills it between two instructions.
//!
//! Invariant: a traced process is killed and reaped when this is dropped; one thread spawns and traces it, as ptrace
//! requires.
#![expect(
    unsafe_code,
    reason = "ptrace and pre_exec have no safe interface; this is the one test module that needs them"
)]

use std::ffi::c_void;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, waitpid};

/// A dead tracer's victims are killed; stops at system calls are distinguishable.
const OPTIONS: usize = (libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACESYSGOOD).cast_unsigned() as usize;

/// A process that is stopped, or has ended.
pub struct Traced {
    pid: Pid,
    has_ended: bool,
}

/// Why a traced process stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// After one instruction.
    Step,
    /// At the beginning or the end of a system call.
    Call,
    /// It was about to get this signal, which is dropped.
    Signal(i32),
    /// It has ended.
    End,
}

/// How a traced process continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gait {
    /// Until a signal.
    Run,
    /// One instruction.
    Step,
    /// To the next beginning or end of a system call.
    Call,
}

impl Traced {
    /// Starts a program, stopped before its first instruction.
    ///
    /// # Errors `PermissionDenied` where tracing is not permitted; any other if the program cannot be started.
    pub fn start(mut command: Command) -> io::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // SAFETY: between fork and exec the closure makes one system call, which is async-signal-safe, and reads errno.
        unsafe { command.pre_exec(|| answer(ptrace(libc::PTRACE_TRACEME, 0, 0)).map(drop)) };
        let child = command.spawn()?;
        let pid = Pid::from_raw(child.id().cast_signed()).expect("a child's id is positive");
        // From here on the child is known by its id; dropping `Child` neither kills nor reaps it.
        let mut traced = Self { pid, has_ended: false };
        if traced.wait() != Stop::Step {
            return Err(io::Error::other("the traced program did not stop at its start"));
        }
        answer(ptrace(libc::PTRACE_SETOPTIONS, traced.id(), OPTIONS))?;
        Ok(traced)
    }

    /// Continues until the next stop. Signals are never delivered.
    pub fn go(&mut self, gait: Gait) -> Stop {
        let request = match gait {
            Gait::Run => libc::PTRACE_CONT,
            Gait::Step => libc::PTRACE_SINGLESTEP,
            Gait::Call => libc::PTRACE_SYSCALL,
        };
        if self.has_ended || ptrace(request, self.id(), 0) == -1 { Stop::End } else { self.wait() }
    }

    /// Runs until it is about to get that signal; returns whether it got there.
    pub fn run_to(&mut self, mark: Signal) -> bool {
        loop {
            match self.go(Gait::Run) {
                Stop::Signal(signal) if signal == mark.as_raw() => return true,
                Stop::End => return false,
                _ => {}
            }
        }
    }

    /// Kills it where it stopped, and reaps it.
    pub fn kill(mut self) {
        self.end();
    }

    /// Lets it run to its end.
    pub fn finish(mut self) {
        while self.go(Gait::Run) != Stop::End {}
    }

    fn end(&mut self) {
        if !self.has_ended {
            let _ = kill_process(self.pid, Signal::KILL);
            while self.wait() != Stop::End {}
        }
    }

    fn wait(&mut self) -> Stop {
        match waitpid(Some(self.pid), WaitOptions::empty()) {
            Ok(Some((_, status))) if status.stopped() => stop(status),
            _ => {
                self.has_ended = true;
                Stop::End
            }
        }
    }

    fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.end();
    }
}

fn stop(status: WaitStatus) -> Stop {
    // With PTRACE_O_TRACESYSGOOD this bit marks stops at system calls.
    const CALL: i32 = libc::SIGTRAP | 0x80;
    match status.stopping_signal() {
        Some(libc::SIGTRAP) => Stop::Step,
        Some(CALL) => Stop::Call,
        signal => Stop::Signal(signal.unwrap_or(0)),
    }
}

fn ptrace(request: libc::c_uint, pid: i32, data: usize) -> libc::c_long {
    // SAFETY: none of the requests made here reads or writes this process's memory; address and data are plain numbers.
    unsafe { libc::ptrace(request, pid, std::ptr::null_mut::<c_void>(), data as *mut c_void) }
}

fn answer(code: libc::c_long) -> io::Result<libc::c_long> {
    if code == -1 { Err(io::Error::last_os_error()) } else { Ok(code) }
}
