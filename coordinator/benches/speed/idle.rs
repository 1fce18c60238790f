//! What the coordinator's CPU does while its workers compute or sleep: nothing, as far as it can be measured.

use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::bench::{Bench, command, cpu_time, interrupt};
use crate::measure::Bound::AtMost;
use crate::measure::Question::Itself;
use crate::measure::{Group, Outcome, Samples, Trouble, Unit};

/// Until all workers have been launched, and how long the coordinator is then looked at.
const LAUNCHED: Duration = Duration::from_millis(500);
const WATCHED: Duration = Duration::from_secs(3);

pub fn measure(bench: &Bench, groups: &mut Vec<Samples>) {
    let at_most = Itself(AtMost(0.010));
    let group = Group::new("coordinator's CPU in a minute", Unit::Seconds, 1)
        .add_slow(1, "while 4 workers sleep", at_most.clone(), || cpu_a_minute("--delay 60s -n 1 -q"))
        .add_slow(1, "while 2 workers compute", at_most.clone(), || cpu_a_minute("-w 2 -n 4e12 -q"))
        .add_slow(1, "while 2 workers share a range out", at_most, || cpu_a_minute("--split -w 2 -n 4e12 -q"));
    groups.extend(group.run("idle", bench.options));
}

/// Looks at a run for some seconds and ends it.
fn cpu_a_minute(arguments: &str) -> Outcome {
    let mut child = command(&format!("{arguments} --grace 0")).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    sleep(LAUNCHED);
    let (began, before) = (Instant::now(), cpu_time(&child));
    sleep(WATCHED);
    let (watched, after) = (began.elapsed(), cpu_time(&child));
    interrupt(&child);
    let status = child.wait()?;
    // Otherwise it had ended before, and the time of a process that has ended does not grow.
    if status.code() != Some(common::exit_code::INTERRUPTED.into()) {
        return Err(Trouble::Failed(format!("ended with {status}")));
    }
    Ok((after? - before?) * 60.0 / watched.as_secs_f64())
}
