//! What every section needs: the wishes, the executables, the peers.

use std::fs;
use std::io::{PipeReader, PipeWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process};

use crate::measure::{Folder, Options, Outcome, Trouble};
use crate::peers::Peers;

pub struct Bench<'a> {
    pub options: &'a Options,
    pub folder: Folder,
    pub peers: Peers,
}

impl<'a> Bench<'a> {
    pub fn prepare(options: &'a Options) -> Result<Self, Trouble> {
        let worker = Path::new(COORDINATOR).with_file_name("worker");
        if !worker.exists() {
            let folder = worker.parent().unwrap_or(&worker).display();
            return Err(Trouble::Failed(format!("no worker in {folder}\nhint: cargo build --release")));
        }
        Ok(Self { options, folder: Folder::new()?, peers: Peers::default() })
    }

    /// A program of the folder.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Cargo builds it for this bench (<https://doc.rust-lang.org/cargo/reference/environment-variables.html>).
const COORDINATOR: &str = env!("CARGO_BIN_EXE_coordinator");

/// The coordinator's command.
pub fn command(arguments: &str) -> Command {
    let mut command = Command::new(COORDINATOR);
    command.args(arguments.split_whitespace()).stdin(Stdio::null());
    command
}

/// Seconds that the coordinator's command takes, which is to print a line that ends with `expected`.
pub fn coordinator(arguments: &str, expected: &str) -> Outcome {
    timed(command(arguments), expected)
}

/// Seconds that a command takes, from its start to its end, if it prints what it is to print.
pub fn timed(mut command: Command, expected: &str) -> Outcome {
    let began = Instant::now();
    let output = command.output()?;
    let took = began.elapsed();
    // In any line: mpiexec passes the lines of its processes on in no certain order.
    let is_there = String::from_utf8_lossy(&output.stdout).lines().any(|line| line.ends_with(expected));
    if output.status.success() && is_there {
        return Ok(took.as_secs_f64());
    }
    let said = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
    let said = String::from_utf8_lossy(said).lines().last().unwrap_or("nothing").chars().take(80).collect::<String>();
    Err(Trouble::Failed(format!("{}, and it said {said:?}", output.status)))
}

/// The figure that a command prints, which measures itself.
pub fn printed(mut command: Command) -> Outcome {
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let figure = text.lines().last().and_then(|line| line.trim().parse().ok());
    figure.filter(|_| output.status.success()).ok_or_else(|| {
        let said = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("nothing").to_owned();
        Trouble::Failed(format!("{}, and it said {said:?}", output.status))
    })
}

/// The most memory that the process has had when it needs no more for a while, in bytes: `VmHWM` of `/proc/PID/status`
/// (`proc_pid_status(5)`).
///
/// Not `ru_maxrss` of `wait4(2)`, in which the memory of the process that started it counts too.
pub fn peak_memory(child: &Child, a_while: Duration) -> Outcome {
    let (mut peak, mut since) = (None, Instant::now());
    while since.elapsed() < a_while {
        sleep(Duration::from_millis(2));
        let now = status(child, "VmHWM:");
        if now != peak {
            (peak, since) = (now, Instant::now());
        }
    }
    peak.ok_or_else(|| Trouble::Failed("its memory cannot be read".to_owned()))
}

/// A pipe that is full: who writes to it waits.
pub fn full_pipe() -> std::io::Result<(PipeReader, PipeWriter)> {
    let (reader, mut writer) = std::io::pipe()?;
    let flags = fcntl_getfl(&writer)?;
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK)?;
    while writer.write(&[b'.'; 4096]).is_ok() {}
    fcntl_setfl(&writer, flags)?;
    Ok((reader, writer))
}

fn status(child: &Child, field: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB"));
    Some(kibibytes?.parse::<f64>().ok()? * 1024.0)
}

/// Seconds that the process's threads were on a CPU: `/proc/PID/task/TID/schedstat`, which counts nanoseconds.
pub fn cpu_time(child: &Child) -> Outcome {
    let mut total = 0.0;
    for thread in fs::read_dir(format!("/proc/{}/task", child.id()))? {
        let line = fs::read_to_string(thread?.path().join("schedstat"))?;
        total += line.split(' ').next().unwrap_or_default().parse::<f64>()? * 1e-9;
    }
    // Whatever runs was on a CPU to get there.
    if total > 0.0 {
        Ok(total)
    } else {
        Err(Trouble::Skipped("this kernel does not count it (CONFIG_SCHED_INFO)".to_owned()))
    }
}

/// Asks the process to end, as Ctrl-C does.
pub fn interrupt(child: &Child) {
    // It may have ended; it is not reaped before, so the id is its own.
    let _ = kill_process(id(child), Signal::INT);
}

fn id(child: &Child) -> Pid {
    Pid::from_child(child)
}
