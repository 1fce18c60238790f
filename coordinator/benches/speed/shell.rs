//! Commands as kernels, against what a shell offers for a command and a list.

use std::process::{Command, Stdio};

use crate::bench::Bench;
use crate::measurement::Comparison::{Absolute, NotCompared, ReferenceOverThis};
use crate::measurement::Target::{AtMost, Unbounded};
use crate::measurement::{BenchError, Group, GroupResult, Sample, Unit};
use crate::subprocess::{coordinator, time};

/// Ranges of one iteration in a round.
const COMMANDS: u32 = 400;
const SERVED: u32 = 20_000;

/// Answers each range with its length.
const SERVER: &str = "import sys
for line in sys.stdin:
    start, end = map(int, line.split())
    print(end - start, flush=True)
";

pub fn measure(bench: &Bench, results: &mut Vec<GroupResult>) {
    let all = COMMANDS.to_string();
    let group = Group::new("one command of sh -c, two at once", Unit::Seconds, bench.options.rounds(11, 3))
        .add("coordinator --split --chunk 1 --exec", NotCompared, || {
            each(split(COMMANDS, 2, "--exec", "echo 1 # {start}"), COMMANDS, &all)
        })
        .add("seq | xargs -P 2 sh -c", ReferenceOverThis(AtMost(1.0)), || {
            pipeline("xargs", &format!("seq {COMMANDS} | xargs -P 2 -I {{}} sh -c 'echo 1 # {{}}'"))
        })
        .add_slow(bench.options.rounds(3, 1), "seq | parallel -j 2", ReferenceOverThis(Unbounded), || {
            pipeline("parallel", &format!("seq {COMMANDS} | parallel -j 2 'echo 1 #' {{}}"))
        });
    results.extend(group.run("shell", bench.options));

    let all = SERVED.to_string();
    let serve = |workers: u32| {
        let script = bench.build_dir.write("server.py", SERVER)?;
        missing("python3")?;
        let server = format!("exec python3 {}", script.display());
        each(split(SERVED, workers, "--serve", &server), SERVED, &all)
    };
    let group = Group::new("one range of --serve, from Python", Unit::Seconds, bench.options.rounds(7, 3))
        .add("one worker", Absolute(AtMost(30e-6)), || serve(1))
        .add("two workers", NotCompared, || serve(2));
    results.extend(group.run("shell", bench.options));
}

fn split(n: u32, workers: u32, option: &str, command: &str) -> Command {
    let mut run = coordinator(&format!("--split --chunk 1 -n {n} -w {workers} -q"));
    run.args([option, command]);
    run
}

/// Seconds for each of so many; fails unless the output ends with `expected`.
fn each(command: Command, count: u32, expected: &str) -> Sample {
    Ok(time(command, expected)? / f64::from(count))
}

/// Seconds for each command of a pipeline that runs [`COMMANDS`] of them.
fn pipeline(program: &str, line: &str) -> Sample {
    missing(program)?;
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).stdin(Stdio::null());
    each(shell, COMMANDS, "1")
}

/// A skip if the machine lacks that program.
fn missing(program: &str) -> Result<(), BenchError> {
    let found = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    found.map(drop).map_err(|_| BenchError::skipped(format_args!("{program} is missing")))
}
