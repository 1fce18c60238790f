//! A worker whose kernel forks a process that outlives it. The first computation of a run stays for ever; the others count
//! their iterations.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;
use std::{env, process};

use harness::fork;
use rustix::process::{WaitOptions, setsid, waitpid};
use worker::{Contribution, Failure, Kernel, Task, Watch, main_with};

/// Longer than any test waits.
const LIFE: Duration = Duration::from_secs(150);

struct Forking;

impl Kernel for Forking {
    fn name(&self) -> &'static str {
        "forking"
    }

    fn about(&self) -> &'static str {
        "the number of iterations; the first computation forks, and stays"
    }

    fn compute(&self, task: &Task, watch: &mut dyn Watch) -> Result<Contribution, Failure> {
        let record = PathBuf::from(env::var_os("FORKING_RECORD").expect("the test sets it"));
        if let Ok(record) = File::options().create_new(true).write(true).open(record) {
            let how = env::var("FORKING_HOW").expect("the test sets it");
            let worker = process::id();
            match how.as_str() {
                "child" => {
                    fork::fork(|| stay(&record, worker));
                }
                "daemon" => fork::join(fork::fork(|| {
                    setsid().expect("a child leads no group");
                    fork::fork(|| stay(&record, worker));
                })),
                // The child returns as its parent does.
                _ => {
                    let Some(child) = fork::fork_here() else { return Ok(1_000_000.into()) };
                    let ended = waitpid(Some(child), WaitOptions::empty()).expect("it is a child");
                    assert!(ended.is_some_and(|(_, status)| status.exit_status() != Some(0)));
                    return self.compute(task, watch);
                }
            }
            loop {
                watch.step(0)?;
                sleep(Duration::from_millis(5));
            }
        }
        Ok(i128::from(task.range.end - task.range.start).into())
    }
}

/// Records its worker and itself, and lives on.
fn stay(mut record: &File, worker: u32) {
    writeln!(record, "{worker} {}", process::id()).expect("it can be written");
    sleep(LIFE);
}

fn main() -> ExitCode {
    main_with(&[&Forking])
}
