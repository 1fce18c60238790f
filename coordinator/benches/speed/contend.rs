//! One lock and the processes that want it at the same time: this executable, started again.
//!
//! Each prepares, says that it is ready, and is told when to start. The first that has done all of its operations stops the
//! others, so that all contend for the whole time that is counted.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

use common::{Claim, Instant, Mode, Phase, Segment, SegmentName, SharedValue, TakeOver, Terms, Then};

use crate::baseline::BaselineLocks;
use crate::measure::{Outcome, Trouble};
use crate::operation::{ALL, Operation};

/// The argument that makes this executable one of the contending processes.
pub const ROLE: &str = "--contend";

/// How many claims one attachment takes: the kernel walks the list of its locks for each further one.
const BATCH: u32 = 100;

/// How long after the signal all begin, and how much of it they wait awake.
const NOTICE: Duration = Duration::from_millis(2);
const AWAKE: Duration = Duration::from_micros(300);

type Attempt<T> = Result<T, Box<dyn Error>>;

/// What one process did, and from when to when.
struct Stretch {
    began: u64,
    ended: u64,
    done: u32,
}

/// Seconds an operation takes in a process that has the lock to itself.
pub fn alone(operation: Operation, count: u32) -> Outcome {
    attempt(|| {
        let place = Place::new(operation, count)?;
        let stretch = work(operation, &place.locks, &place.name, 1, count, || Ok(()))?;
        Ok(seconds_each(&[stretch], count))
    })
}

/// Seconds an operation takes while that many processes do it, each at most `count` times.
pub fn together(operation: Operation, processes: u32, count: u32) -> Outcome {
    attempt(|| {
        let mut place = Place::new(operation, processes * count)?;
        let mut contenders = (0..processes)
            .map(|index| Contender::start(operation, &place, 1 + index * count, count))
            .collect::<Attempt<Vec<_>>>()?;
        for contender in &mut contenders {
            let said = contender.read()?;
            if said != "ready" {
                return Err(format!("a contending process says {said:?}").into());
            }
        }
        place.unlink()?;
        let begin = Instant::now().0 + u64::try_from(NOTICE.as_nanos())?;
        for contender in &mut contenders {
            writeln!(contender.stdin, "{begin}")?;
        }
        let stretches = contenders.iter_mut().map(Contender::stretch).collect::<Attempt<Vec<_>>>()?;
        Ok(seconds_each(&stretches, count))
    })
}

fn attempt(measure: impl FnOnce() -> Attempt<f64>) -> Outcome {
    measure().map_err(|error| Trouble::Failed(error.to_string()))
}

/// Until the first one has done all of its own.
#[expect(clippy::cast_precision_loss, reason = "milliseconds in nanoseconds")]
fn seconds_each(stretches: &[Stretch], count: u32) -> f64 {
    let began = stretches.iter().map(|stretch| stretch.began).min().unwrap_or(0);
    let ended = stretches.iter().filter(|stretch| stretch.done == count).map(|stretch| stretch.ended).min();
    let done: u32 = stretches.iter().map(|stretch| stretch.done).sum();
    (ended.unwrap_or(began).saturating_sub(began)) as f64 * 1e-9 / f64::from(done)
}

/// What the operation works on.
struct Place {
    locks: BaselineLocks,
    name: SegmentName,
    /// Ours until it is unlinked; nothing for what needs no segment.
    segment: Option<Segment>,
    value: Option<SharedValue<i32>>,
}

impl Place {
    fn new(operation: Operation, slots: u32) -> Attempt<Self> {
        static PLACES: AtomicU32 = AtomicU32::new(0);
        let name = format!("speed-{}-{}", std::process::id(), PLACES.fetch_add(1, Ordering::Relaxed)).parse()?;
        let by_hand = Terms::by_hand("sum-of-squares", 1);
        let terms = match operation {
            Operation::Contribution => Some(Terms { slots, ..by_hand }),
            Operation::Chunk => Some(Terms { mode: Mode::Split, iterations: 1 << 40, slots: 64, ..by_hand }),
            _ => None,
        };
        let segment = terms.map(|terms| Segment::create(&name, &terms)).transpose()?;
        let value = if operation == Operation::Value { Some(SharedValue::create(&name, 0)?) } else { None };
        Ok(Self { locks: BaselineLocks::create()?, name, segment, value })
    }

    /// Takes the name away, once all are attached: then a bench that is killed leaves nothing.
    fn unlink(&mut self) -> Attempt<()> {
        drop(self.value.take());
        if let Some(segment) = self.segment.take() {
            segment.unlink()?;
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // It may be unlinked already.
        let _ = self.unlink();
    }
}

/// Does the operation `count` times, or until somebody else has done so.
fn work(
    operation: Operation,
    locks: &BaselineLocks,
    name: &SegmentName,
    first: u32,
    count: u32,
    start: impl FnOnce() -> Attempt<()>,
) -> Attempt<Stretch> {
    match operation {
        Operation::Contribution => {
            let claims = claims(name, first, count)?;
            let segment = Segment::attach(name)?;
            // As a worker does, and so that the pages are there.
            for claim in &claims {
                segment.enter(claim, Phase::Waiting);
            }
            start()?;
            repeat(locks, count, |index| {
                segment.lock_within(Duration::MAX)?.commit(&claims[index as usize], 5_i128).map(drop)
            })
        }
        Operation::Chunk => {
            let segment = Segment::attach(name)?;
            let claim = segment.lock_within(Duration::MAX)?.join()?;
            let one = Then::Take { size: 1, orphan: None };
            let mut chunk = segment.lock_within(Duration::MAX)?.first_chunk(&claim, one)?;
            start()?;
            repeat(locks, count, |_| {
                if let Some(held) = chunk.take() {
                    chunk = segment.lock_within(Duration::MAX)?.commit_chunk(&claim, &held, 5_i128, one)?;
                }
                Ok(())
            })
        }
        Operation::Value => {
            let value = SharedValue::<i32>::attach(name)?;
            start()?;
            repeat(locks, count, |_| value.add(5).map(drop))
        }
        Operation::Robust => bare(locks, count, start, BaselineLocks::robust_add),
        Operation::Plain => bare(locks, count, start, BaselineLocks::plain_add),
        Operation::RawSync => bare(locks, count, start, BaselineLocks::raw_sync_add),
        Operation::Atomic => bare(locks, count, start, BaselineLocks::atomic_add),
    }
}

fn bare(
    locks: &BaselineLocks,
    count: u32,
    start: impl FnOnce() -> Attempt<()>,
    add: impl Fn(&BaselineLocks),
) -> Attempt<Stretch> {
    start()?;
    repeat(locks, count, |_| {
        add(locks);
        Ok(())
    })
}

fn repeat(locks: &BaselineLocks, count: u32, mut operation: impl FnMut(u32) -> common::Result<()>) -> Attempt<Stretch> {
    let began = Instant::now().0;
    let mut done = 0;
    while done < count && !locks.is_stopped() {
        operation(done)?;
        done += 1;
    }
    if done == count {
        locks.stop();
    }
    Ok(Stretch { began, ended: Instant::now().0, done })
}

/// A claim on each of the tickets from `first` on. What is checked at a commit stands in the segment, so they hold after
/// the attachments through which they were taken.
fn claims(name: &SegmentName, first: u32, count: u32) -> Attempt<Vec<Claim>> {
    let mut claims = Vec::new();
    for batch in (first..first + count).step_by(BATCH as usize) {
        let segment = Segment::attach(name)?;
        for ticket in batch..(batch + BATCH).min(first + count) {
            match segment.lock_within(Duration::MAX)?.take(ticket)? {
                TakeOver::Taken(claim) => claims.push(claim),
                TakeOver::AlreadyDone => return Err(format!("ticket {ticket} is done").into()),
            }
        }
    }
    Ok(claims)
}

/// One of the processes; killed if it is given up.
struct Contender {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Contender {
    fn start(operation: Operation, place: &Place, first: u32, count: u32) -> Attempt<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ROLE).arg(format!("{operation:?}")).arg(place.locks.path()).arg(place.name.as_str());
        command.args([first.to_string(), count.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (stdin, stdout) = pipes.ok_or("no pipes")?;
        Ok(Self { child, stdin, stdout: BufReader::new(stdout) })
    }

    fn read(&mut self) -> Attempt<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    fn stretch(&mut self) -> Attempt<Stretch> {
        let line = self.read()?;
        let mut words = line.split(' ');
        let mut word = || words.next().ok_or("a contending process ended early");
        Ok(Stretch { began: word()?.parse()?, ended: word()?.parse()?, done: word()?.parse()? })
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        // It has ended, or something went wrong and it waits for ever.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The part of one of the processes.
pub fn take_part(arguments: impl Iterator<Item = String>) -> ExitCode {
    match contend(&arguments.collect::<Vec<_>>()) {
        Ok(Stretch { began, ended, done }) => {
            println!("{began} {ended} {done}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: a contending process: {error}");
            ExitCode::FAILURE
        }
    }
}

fn contend(arguments: &[String]) -> Attempt<Stretch> {
    let [operation, locks, name, first, count] = arguments else { return Err("arguments of its own bench".into()) };
    let operation = ALL.into_iter().find(|known| format!("{known:?}") == *operation).ok_or("an operation")?;
    let locks = BaselineLocks::open(locks.as_ref())?;
    work(operation, &locks, &name.parse()?, first.parse()?, count.parse()?, wait_for_signal)
}

fn wait_for_signal() -> Attempt<()> {
    println!("ready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let begin: u64 = line.trim_end().parse()?;
    let left = || Duration::from_nanos(begin.saturating_sub(Instant::now().0));
    sleep(left().saturating_sub(AWAKE));
    while !left().is_zero() {
        std::hint::spin_loop();
    }
    Ok(())
}
