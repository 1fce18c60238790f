//! A program that is more than a worker, as an interpreter with scripts is: its kernels do not call their watch and get their
//! names at run time, and it goes on when its worker has ended.
#![expect(clippy::unnecessary_wraps, reason = "the functions have one type")]

use std::cell::Cell;
use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{self, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::sleep;
use std::time::Duration;

use common::{Number, SegmentName, SharedValue};
use harness::fork;
use rustix::process::{Signal, WaitOptions, child_subreaper, getpid, kill_process, setsid, waitpid};
use worker::{Contribution, Failure, Kernel, Task, Watch, run};

/// Longer than any test waits.
const LIFE: Duration = Duration::from_secs(150);

type Function = fn(&Task) -> Result<Contribution, Failure>;

/// What a script of the host would define.
struct Scripted {
    name: String,
    function: Function,
}

impl Kernel for Scripted {
    fn name(&self) -> &str {
        &self.name
    }

    fn about(&self) -> &'static str {
        "a function that does not watch"
    }

    fn cells(&self) -> Option<u32> {
        None
    }

    fn watches(&self) -> bool {
        false
    }

    fn compute(&self, task: &Task, _watch: &mut dyn Watch) -> Result<Contribution, Failure> {
        (self.function)(task)
    }
}

/// The length of the range, in the first of several cells.
fn length(task: &Task) -> Contribution {
    let rest = (1..task.terms.cells).map(|_| Number::Integer(0));
    std::iter::once(Number::Integer((task.range.end - task.range.start).into())).chain(rest).collect()
}

fn count(task: &Task) -> Result<Contribution, Failure> {
    Ok(length(task))
}

/// The first computation of a test starts a process in a session of its own, records itself and that one, and stays.
fn stuck(task: &Task) -> Result<Contribution, Failure> {
    let record = PathBuf::from(env::var_os("HOST_RECORD").expect("the test sets it"));
    if let Ok(record) = File::options().create_new(true).write(true).open(record) {
        stay(record);
    }
    Ok(length(task))
}

/// Each computation records itself, and what it has started, and stays.
fn endless(_: &Task) -> Result<Contribution, Failure> {
    let record = env::var_os("HOST_RECORD").expect("the test sets it");
    let record = File::options().create(true).append(true).open(record).expect("it can be opened");
    stay(record);
    Err(Failure::Failed("nobody has ended it".to_owned()))
}

/// Starts a process in a session of its own, records this process and that one, and stays for longer than any test waits.
fn stay(mut record: File) {
    let mut child = Command::new("setsid");
    let child = child.args(["sleep", "150"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let line = format!("{} {}\n", process::id(), child.expect("setsid is there").id());
    record.write_all(line.as_bytes()).expect("it can be written");
    sleep(LIFE);
}

/// Fails for iteration 3, with a traceback that is the same in the first two attempts.
fn luckless(task: &Task) -> Result<Contribution, Failure> {
    thread_local!(static ATTEMPTS: Cell<u32> = const { Cell::new(0) });
    if task.range.start != 3 {
        return Ok(length(task));
    }
    let line = ATTEMPTS.replace(ATTEMPTS.get() + 1) / 2 + 7;
    Err(Failure::Failed(format!(
        "Luck: out of it (script, line {line})\nTraceback (most recent call last):\n  File \"script\", line {line}, in \
         luckless\nLuck: out of it\n"
    )))
}

/// Forks a child that SIGTERM must end, as `multiprocessing` expects it, and one that outlives the kernel.
fn forks(task: &Task) -> Result<Contribution, Failure> {
    let terminated = fork::fork(|| sleep(LIFE));
    kill_process(terminated, Signal::TERM).expect("it is a child");
    let (_, status) = waitpid(Some(terminated), WaitOptions::empty()).expect("it is a child").expect("it has ended");
    assert_eq!(status.terminating_signal(), Some(Signal::TERM.as_raw()), "{status:?}");
    fork::fork(|| {
        setsid().expect("a child leads no group");
        sleep(LIFE);
    });
    Ok(length(task))
}

/// The child returns as its parent does, with a wrong result.
fn returns_twice(task: &Task) -> Result<Contribution, Failure> {
    let Some(child) = fork::fork_here() else { return Ok(1_000_000.into()) };
    let ended = waitpid(Some(child), WaitOptions::empty()).expect("it is a child");
    assert!(ended.is_some_and(|(_, status)| status.exit_status() != Some(0)));
    Ok(length(task))
}

/// Tries to run a worker in a worker, and in a forked child of one.
fn nests(task: &Task) -> Result<Contribution, Failure> {
    let again = || assert_eq!(run(env::args_os(), &[]), 2);
    again();
    fork::join(fork::fork(again));
    Ok(length(task))
}

fn main() {
    let functions: [(&str, Function); 7] = [
        ("count", count),
        ("stuck", stuck),
        ("endless", endless),
        ("luckless", luckless),
        ("forks", forks),
        ("returns-twice", returns_twice),
        ("nests", nests),
    ];
    // A name that only this process knows.
    let prefix = env::var("HOST_PREFIX").unwrap_or_default();
    let scripted = functions.map(|(name, function)| Scripted { name: format!("{prefix}{name}"), function });
    let kernels = scripted.each_ref().map(|kernel| -> &dyn Kernel { kernel });
    let args: Vec<OsString> = env::args_os().collect();
    if env::var_os("HOST_GOES_ON").is_none() {
        process::exit(run(args, &kernels).into());
    }
    go_on(&args, &kernels);
}

/// Runs workers until none finds anything to do, and checks that the process is what it was before.
fn go_on(args: &[OsString], kernels: &[&dyn Kernel]) {
    let interrupted = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(Signal::INT.as_raw(), Arc::clone(&interrupted)).expect("it can be handled");
    loop {
        let code = run(args.iter().cloned(), kernels);
        println!("ended with {code}");
        if code != 0 {
            break;
        }
        assert_eq!(child_subreaper(), Ok(None));
        kill_process(getpid(), Signal::INT).expect("it is this process");
        assert!(interrupted.swap(false, Relaxed), "the host's own handler is back");
    }
    let name: SegmentName = format!("{}-value", args[2].display()).parse().expect("the name is legal");
    let value = SharedValue::create(&name, 1).expect("the name is free");
    let file = File::options().write(true).open(name.path()).expect("it can be opened");
    file.set_len(0).expect("it can be cut");
    assert!(value.add(1).is_err(), "a truncation is an error again");
    drop(value);
    // The default action is back, too: nothing comes after this.
    kill_process(getpid(), Signal::TERM).expect("it is this process");
    println!("it lives on");
}
