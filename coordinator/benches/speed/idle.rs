//! The coordinator's CPU time while its workers compute or sleep.

use std::fs;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::bench::Bench;
use crate::measurement::Comparison::Absolute;
use crate::measurement::Target::AtMost;
use crate::measurement::{BenchError, Group, GroupResult, Sample, Unit};
use crate::subprocess::coordinator;

/// Until all workers are launched.
const LAUNCH: Duration = Duration::from_millis(500);
/// How long the coordinator's CPU time is observed.
const OBSERVATION: Duration = Duration::from_secs(3);

pub fn measure(bench: &Bench, results: &mut Vec<GroupResult>) {
    let at_most = Absolute(AtMost(0.010));
    let group = Group::new("coordinator's CPU in a minute", Unit::Seconds, 1)
        .add_slow(1, "while 4 workers sleep", at_most, || cpu_time_a_minute("--delay 60s -n 1 -q"))
        .add_slow(1, "while 2 workers compute", at_most, || cpu_time_a_minute("-w 2 -n 4e12 -q"))
        .add_slow(1, "while 2 workers share a range out", at_most, || cpu_time_a_minute("--split -w 2 -n 4e12 -q"));
    results.extend(group.run("idle", bench.options));
}

/// Observes a run and interrupts it.
fn cpu_time_a_minute(arguments: &str) -> Sample {
    let mut command = coordinator(&format!("{arguments} --grace 0"));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    sleep(LAUNCH);
    let (began, before) = (Instant::now(), cpu_time(&child));
    sleep(OBSERVATION);
    let (observed, after) = (began.elapsed(), cpu_time(&child));
    // It may have ended; its PID is not reused before `wait`.
    let _ = kill_process(Pid::from_child(&child), Signal::INT);
    let status = child.wait()?;
    // A run that had ended by itself used no CPU time: that is no measurement.
    if status.code() != Some(common::cli::exit_code::INTERRUPTED.into()) {
        return Err(BenchError::failed(format_args!("ended with {status}")));
    }
    Ok((after? - before?) * 60.0 / observed.as_secs_f64())
}

/// Seconds that the process's threads were on a CPU: `/proc/PID/task/TID/schedstat` counts nanoseconds.
fn cpu_time(child: &Child) -> Sample {
    let mut total = 0.0;
    for thread in fs::read_dir(format!("/proc/{}/task", child.id()))? {
        let line = fs::read_to_string(thread?.path().join("schedstat"))?;
        total += line.split(' ').next().unwrap_or_default().parse::<f64>()? * 1e-9;
    }
    // A running process has been on a CPU, so 0 means that the kernel does not count.
    if total > 0.0 {
        Ok(total)
    } else {
        Err(BenchError::skipped("this kernel does not count CPU time (CONFIG_SCHED_INFO)"))
    }
}
