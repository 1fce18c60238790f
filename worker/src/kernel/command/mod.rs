//! What the kernels `exec` and `serve` share: shell commands, their processes, and numbers as text.

mod group;
mod numbers;
mod pipe;

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use common::failpoint::Failpoint;
use common::oom::OomKills;
use common::{Exit, refusal};
use rustix::io::Errno;
use rustix::process::WaitIdStatus;

pub use group::Group;
pub use numbers::{most_bytes, numbers, shown};
pub use pipe::Pipe;

use super::{Failure, Stopped, Task, Watch};

/// How often the watch is called. A signal to the worker ends the wait at once.
pub const LOOK_UP: Duration = Duration::from_millis(20);

/// The command in a shell, with its own process group and the run's name and the worker's number in its environment.
pub fn shell(command: &str, task: &Task) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).process_group(0);
    shell.env("KILLPROOF_NAME", &task.name).env("KILLPROOF_WORKER", task.worker.to_string());
    shell
}

/// Starts a command, in several attempts if the system has no room for a process now.
pub fn start<T>(spawn: impl Fn() -> io::Result<T>, watch: &mut dyn Watch) -> Result<T, Failure> {
    for refusals in 1.. {
        let started = if Failpoint::Commanding.refuses() { Err(Errno::AGAIN.into()) } else { spawn() };
        let error = match started {
            Ok(started) => return Ok(started),
            Err(error) => error,
        };
        let Some(pause) = refusal::pause(refusals).filter(|_| refusal::is_temporary(&error)) else {
            let times = if refusals == 1 { "once".to_owned() } else { format!("{refusals} times") };
            return Err(Failure::Failed(format!("cannot start sh (tried {times}): {error}")));
        };
        rest(pause, watch)?;
    }
    unreachable!("the attempts are bounded")
}

/// Pauses, unless the worker must stop.
fn rest(pause: Duration, watch: &mut dyn Watch) -> Result<(), Stopped> {
    let until = Instant::now() + pause;
    loop {
        watch.step(0)?;
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        thread::sleep(left.min(LOOK_UP));
    }
}

/// How a command ended, in the words of a report. A death by SIGKILL is asked for what the out-of-memory killer has killed since
/// `kills`.
pub fn exit(status: WaitIdStatus, kills: OomKills) -> (Exit, String) {
    let (exit, how) = if let Some(code) = status.exit_status() {
        (Exit::Code(low(code)), format!("exit code {code}"))
    } else {
        let signal = status.terminating_signal().unwrap_or(0);
        (Exit::Signal(low(signal)), format!("killed by signal {signal}"))
    };
    match is_killed(exit).then(|| kills.since("meanwhile")).flatten() {
        Some(killed) => (exit, format!("{how}; {killed}")),
        None => (exit, how),
    }
}

/// Whether a command died of SIGKILL, or its shell says so of a process in it.
pub fn is_killed(exit: Exit) -> bool {
    matches!(exit, Exit::Signal(9) | Exit::Code(137))
}

/// Why a command failed that took longer than it may.
pub fn took_too_long(timeout: Option<Duration>) -> Failure {
    Failure::Failed(format!("took longer than {}", humantime::format_duration(timeout.unwrap_or_default())))
}

/// An exit code or the number of a signal, which have eight bits (`wait(2)`).
fn low(number: i32) -> u8 {
    u8::try_from(number & 0xff).unwrap_or(0)
}
