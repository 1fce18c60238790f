//! The cost of a run as it grows: the time for one more worker, and the coordinator's memory.

use std::fs;
use std::io::{PipeReader, PipeWriter, Write};
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use crate::bench::Bench;
use crate::measurement::Comparison::{NotCompared, ThisOverReference};
use crate::measurement::Target::AtMost;
use crate::measurement::{BenchError, Group, GroupResult, Sample, Unit};
use crate::subprocess::{coordinator, time_coordinator};

const COUNTS: [u32; 5] = [10, 4, 100, 1000, 10_000];

/// Constant means: within 20 %.
const CONSTANT: f64 = 1.2;

/// How long the peak must not grow to count as final: the kernel updates its page counters in steps.
const STEADY: Duration = Duration::from_secs(3);

pub fn measure(bench: &Bench, results: &mut Vec<GroupResult>) {
    let mut group = Group::new("workers: --jobs 2 --delay 0 -n 1000", Unit::Seconds, bench.options.rounds(5, 2));
    for count in COUNTS {
        let rounds = if count == 10_000 { bench.options.rounds(3, 1) } else { bench.options.rounds(5, 2) };
        group = group.add_slow(rounds, &row_name(count), NotCompared, move || {
            time_coordinator(&arguments(count), &total(count))
        });
    }
    if let Some(mut result) = group.run("workers", bench.options) {
        for range in [[10, 100], [100, 1000], [1000, 10_000]] {
            let comparison = if range[0] == 10 { NotCompared } else { ThisOverReference(AtMost(CONSTANT)) };
            result.derive(&one_more(range), comparison, Some(&one_more([10, 100])), |sample| {
                let [few, many] = range;
                Some((sample(&row_name(many))? - sample(&row_name(few))?) / f64::from(many - few))
            });
        }
        results.push(result);
    }
    let mut group = Group::new("coordinator's peak memory", Unit::Bytes, 1);
    for count in [10, 100, 1000, 10_000] {
        let comparison = if count == 10 { NotCompared } else { ThisOverReference(AtMost(CONSTANT)) };
        group = group.add_slow(1, &row_name(count), comparison, move || memory(count));
    }
    results.extend(group.run("workers", bench.options));
}

fn arguments(workers: u32) -> String {
    format!("-w {workers} --jobs 2 --delay 0 -n 1000 -q")
}

/// The result as an i32: each worker adds the sum of the first thousand squares.
fn total(workers: u32) -> String {
    332_833_500_u32.wrapping_mul(workers).cast_signed().to_string()
}

fn row_name(workers: u32) -> String {
    format!("{workers} workers")
}

fn one_more([few, many]: [u32; 2]) -> String {
    format!("one worker more, {few} to {many}")
}

fn memory(workers: u32) -> Sample {
    // The coordinator blocks on the full pipe right after it has checked the whole ledger: its peak is behind it.
    let (reader, writer) = full_pipe()?;
    let mut child = coordinator(&arguments(workers)).stdout(writer).spawn()?;
    let memory = peak_memory(&child);
    drop(reader);
    child.wait()?;
    memory
}

/// A pipe without room: a write to it blocks.
fn full_pipe() -> std::io::Result<(PipeReader, PipeWriter)> {
    let (reader, mut writer) = std::io::pipe()?;
    let flags = fcntl_getfl(&writer)?;
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK)?;
    while writer.write(&[b'.'; 4096]).is_ok() {}
    fcntl_setfl(&writer, flags)?;
    Ok((reader, writer))
}

/// Waits until the process's peak memory is steady; in bytes.
///
/// Not `ru_maxrss` of `wait4(2)`: that includes the memory of the process that forked.
fn peak_memory(child: &Child) -> Sample {
    let (mut peak, mut since) = (None, Instant::now());
    while since.elapsed() < STEADY {
        sleep(Duration::from_millis(2));
        let current = high_water_mark(child);
        if current != peak {
            (peak, since) = (current, Instant::now());
        }
    }
    peak.ok_or_else(|| BenchError::failed("/proc does not show its memory"))
}

/// `VmHWM` of `/proc/PID/status` (`proc_pid_status(5)`).
fn high_water_mark(child: &Child) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    Some(kibibytes?.parse::<f64>().ok()? * 1024.0)
}
