//! Steps a real process with ptrace(2), and kills it between two instructions.
//!
//! Invariant: a traced process is killed and reaped when this is dropped; one thread spawns and traces it, as ptrace
//! requires.
#![expect(
    unsafe_code,
    reason = "ptrace and pre_exec have no safe interface; this is the one test module that needs them"
)]

mod registers;

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
    /// Whether it gets its signals.
    hears: bool,
    /// The signal that it stopped for.
    signal: Option<i32>,
    /// Its exit code, once it has one.
    code: Option<i32>,
}

/// Why a traced process stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// After one instruction.
    Step,
    /// At the beginning or the end of a system call.
    Call,
    /// It was about to get this signal.
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
        Self::start_as_it_is(command)
    }

    /// The same, with the stdin, stdout and stderr that the command has.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_as_it_is(mut command: Command) -> io::Result<Self> {
        // SAFETY: between fork and exec the closure makes one system call, which is async-signal-safe, and reads errno.
        unsafe { command.pre_exec(|| answer(ptrace(libc::PTRACE_TRACEME, 0, 0)).map(drop)) };
        let child = command.spawn()?;
        let pid = Pid::from_raw(child.id().cast_signed()).expect("a child's id is positive");
        // From here on the child is known by its id; dropping `Child` neither kills nor reaps it.
        let mut traced = Self { pid, has_ended: false, hears: false, signal: None, code: None };
        if traced.wait() != Stop::Step {
            return Err(io::Error::other("the traced program did not stop at its start"));
        }
        answer(ptrace(libc::PTRACE_SETOPTIONS, traced.id(), OPTIONS))?;
        Ok(traced)
    }

    /// Lets it have its signals, which are dropped otherwise: for a program that needs SIGCHLD.
    #[must_use]
    pub fn with_its_signals(mut self) -> Self {
        self.hears = true;
        self
    }

    /// Continues until the next stop.
    pub fn go(&mut self, gait: Gait) -> Stop {
        let request = match gait {
            Gait::Run => libc::PTRACE_CONT,
            Gait::Step => libc::PTRACE_SINGLESTEP,
            Gait::Call => libc::PTRACE_SYSCALL,
        };
        let signal = self.signal.take().filter(|_| self.hears).unwrap_or(0);
        let signal = usize::try_from(signal).expect("a signal's number is positive");
        if self.has_ended || ptrace(request, self.id(), signal) == -1 { Stop::End } else { self.wait() }
    }

    /// Runs to the beginning of that system call, counted from 0, and makes it fail with that error. Returns whether there
    /// was such a call.
    ///
    /// # Errors
    /// `Unsupported` where this module does not know the processor's registers.
    pub fn fail_call(&mut self, call: usize, errno: i32) -> io::Result<bool> {
        let mut begun = 0;
        loop {
            match self.go(Gait::Call) {
                Stop::End => return Ok(false),
                Stop::Call if registers::is_beginning(self.id())? => begun += 1,
                _ => continue,
            }
            if begun > call {
                break;
            }
        }
        self.refuse(errno)?;
        Ok(true)
    }

    /// Runs to the beginning of the next system call with that number (`libc::SYS_…`). Returns whether there is one.
    ///
    /// # Errors
    /// As [`Self::fail_call`].
    pub fn run_to_call(&mut self, number: libc::c_long) -> io::Result<bool> {
        loop {
            match self.go(Gait::Call) {
                Stop::End => return Ok(false),
                Stop::Call if registers::is_beginning(self.id())? && registers::number(self.id())? == number => {
                    return Ok(true);
                }
                _ => {}
            }
        }
    }

    /// Makes the system call fail at whose beginning it is; it is not made.
    ///
    /// # Errors
    /// As [`Self::fail_call`].
    pub fn refuse(&mut self, errno: i32) -> io::Result<()> {
        registers::skip_call(self.id())?;
        self.deny(errno)
    }

    /// Lets the system call at whose beginning it is look as if it had failed with that error; it is made.
    ///
    /// # Errors
    /// As [`Self::fail_call`].
    pub fn deny(&mut self, errno: i32) -> io::Result<()> {
        while self.go(Gait::Call) != Stop::Call {
            if self.has_ended {
                return Ok(());
            }
        }
        registers::fail_call(self.id(), errno)
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

    /// Sends it a signal, which it gets when it continues.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(self.pid, signal);
    }

    /// Kills it where it stopped, and reaps it.
    pub fn kill(mut self) {
        self.end();
    }

    /// Lets it run to its end; returns its exit code, unless a signal ended it.
    pub fn finish(mut self) -> Option<i32> {
        while self.go(Gait::Run) != Stop::End {}
        self.code
    }

    fn end(&mut self) {
        if !self.has_ended {
            let _ = kill_process(self.pid, Signal::KILL);
            while self.wait() != Stop::End {}
        }
    }

    fn wait(&mut self) -> Stop {
        match waitpid(Some(self.pid), WaitOptions::empty()) {
            Ok(Some((_, status))) if status.stopped() => {
                let stop = stop(status);
                self.signal = if let Stop::Signal(signal) = stop { Some(signal) } else { None };
                stop
            }
            ended => {
                self.has_ended = true;
                self.code = self.code.or(ended.ok().flatten().and_then(|(_, status)| status.exit_status()));
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

/// A running process that this thread traces, until the thread ends.
///
/// While it is traced, only its tracer can reap it (ptrace(2)): killed, it stays as it is for its parent.
pub struct Seized(());

/// Traces a running process without stopping it.
///
/// # Errors
/// As `PTRACE_SEIZE`: `PermissionDenied` where tracing is not permitted.
pub fn seize(pid: u32) -> io::Result<Seized> {
    answer(ptrace(libc::PTRACE_SEIZE, pid.cast_signed(), 0)).map(|_| Seized(()))
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
