//! A contending process: this executable, started again.
//!
//! The child prepares and prints `ready`; the parent answers with the time to begin; the child prints its [`Run`].

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::Duration;

use common::BootTime;

use super::fixture::Fixture;
use super::operation::Operation;
use super::workload::{Run, Workload};
use crate::baseline::BaselineLocks;
use crate::measurement::BenchError;

/// The argument that makes this executable a contending process.
pub const CHILD_ARGUMENT: &str = "--contend";

/// How long a child spins rather than sleeps before it begins, so that it begins on time.
const SPIN: Duration = Duration::from_micros(300);

/// The parent's side; kills the child when dropped.
pub struct ContendingProcess {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl ContendingProcess {
    pub fn start(operation: Operation, fixture: &Fixture, first_ticket: u32, count: u32) -> Result<Self, BenchError> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(CHILD_ARGUMENT).arg(format!("{operation:?}")).arg(fixture.locks.path()).arg(fixture.name.as_str());
        command.args([first_ticket.to_string(), count.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (stdin, stdout) = pipes.ok_or_else(|| BenchError::failed("no pipes"))?;
        Ok(Self { child, stdin, stdout: BufReader::new(stdout) })
    }

    pub fn wait_until_ready(&mut self) -> Result<(), BenchError> {
        match self.read_line()?.as_str() {
            "ready" => Ok(()),
            line => Err(BenchError::failed(format_args!("a contending process printed {line:?}"))),
        }
    }

    /// Sets the time to begin, in nanoseconds.
    pub fn begin_at(&mut self, time: u64) -> Result<(), BenchError> {
        Ok(writeln!(self.stdin, "{time}")?)
    }

    pub fn read_run(&mut self) -> Result<Run, BenchError> {
        let line = self.read_line()?;
        let mut words = line.split(' ');
        let mut word = || words.next().ok_or_else(|| BenchError::failed("a contending process ended early"));
        Ok(Run { began: word()?.parse()?, ended: word()?.parse()?, done: word()?.parse()? })
    }

    fn read_line(&mut self) -> Result<String, BenchError> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for ContendingProcess {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The child's side.
pub fn run_child(arguments: impl Iterator<Item = String>) -> ExitCode {
    match contend(&arguments.collect::<Vec<_>>()) {
        Ok(Run { began, ended, done }) => {
            println!("{began} {ended} {done}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: a contending process {error}");
            ExitCode::FAILURE
        }
    }
}

fn contend(arguments: &[String]) -> Result<Run, BenchError> {
    let [operation, locks, name, first_ticket, count] = arguments else {
        return Err(BenchError::failed("wrong arguments"));
    };
    let workload = Workload {
        operation: Operation::named(operation).ok_or_else(|| BenchError::failed("unknown operation"))?,
        locks: &BaselineLocks::open(locks.as_ref())?,
        name: &name.parse()?,
        first_ticket: first_ticket.parse()?,
        count: count.parse()?,
    };
    workload.run(wait_for_begin)
}

fn wait_for_begin() -> Result<(), BenchError> {
    println!("ready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let begin: u64 = line.trim_end().parse()?;
    let left = || Duration::from_nanos(begin.saturating_sub(BootTime::now().0));
    sleep(left().saturating_sub(SPIN));
    while !left().is_zero() {
        std::hint::spin_loop();
    }
    Ok(())
}
