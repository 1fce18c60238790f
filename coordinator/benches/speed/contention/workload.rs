//! What one process does: an operation, again and again.

use std::time::Duration;

use common::{BootTime, Claim, Ledger, Phase, Segment, SegmentName, SharedValue, TakeOver, Then};

use super::operation::Operation;
use crate::baseline::BaselineLocks;
use crate::measurement::BenchError;

/// How many claims one attachment takes: the kernel walks the list of its locks for each further one.
const BATCH: u32 = 100;

/// One process's share of the work.
pub struct Workload<'a> {
    pub operation: Operation,
    pub locks: &'a BaselineLocks,
    pub name: &'a SegmentName,
    pub first_ticket: u32,
    pub count: u32,
}

/// When a process worked, in nanoseconds, and how many operations it completed.
pub struct Run {
    pub began: u64,
    pub ended: u64,
    pub done: u32,
}

impl Workload<'_> {
    /// Prepares, calls `start`, and repeats the operation `count` times or until another process has done so.
    pub fn run(&self, start: impl FnOnce() -> Result<(), BenchError>) -> Result<Run, BenchError> {
        let Self { operation, locks, name, first_ticket, count } = *self;
        match operation {
            Operation::Contribution => {
                let claims = claims(name, first_ticket, count)?;
                let segment = Segment::attach(name)?;
                let ledger = Ledger::of(&segment);
                // As a worker does; it also faults the pages in.
                for claim in &claims {
                    ledger.enter(claim, Phase::Waiting);
                }
                start()?;
                repeat(locks, count, |index| {
                    ledger.lock_within(Duration::MAX)?.commit(&claims[index as usize], 5_i128)?;
                    Ok(())
                })
            }
            Operation::Chunk => {
                let segment = Segment::attach(name)?;
                let ledger = Ledger::of(&segment);
                let claim = ledger.lock_within(Duration::MAX)?.join()?;
                let one = Then::Take { size: 1, orphan: None };
                let mut chunk = ledger.lock_within(Duration::MAX)?.first_chunk(&claim, one)?;
                start()?;
                repeat(locks, count, |_| {
                    if let Some(held) = chunk.take() {
                        chunk = ledger.lock_within(Duration::MAX)?.commit_chunk(&claim, &held, 5_i128, one)?;
                    }
                    Ok(())
                })
            }
            Operation::ValueAdd => {
                let value = SharedValue::<i32>::attach(name)?;
                start()?;
                repeat(locks, count, |_| Ok(value.add(5).map(drop)?))
            }
            Operation::RobustMutex => repeat_add(locks, count, start, BaselineLocks::robust_add),
            Operation::PlainMutex => repeat_add(locks, count, start, BaselineLocks::plain_add),
            Operation::RawSyncMutex => repeat_add(locks, count, start, BaselineLocks::raw_sync_add),
            Operation::AtomicAdd => repeat_add(locks, count, start, BaselineLocks::atomic_add),
        }
    }
}

fn repeat_add(
    locks: &BaselineLocks,
    count: u32,
    start: impl FnOnce() -> Result<(), BenchError>,
    add: impl Fn(&BaselineLocks),
) -> Result<Run, BenchError> {
    start()?;
    repeat(locks, count, |_| {
        add(locks);
        Ok(())
    })
}

fn repeat(
    locks: &BaselineLocks,
    count: u32,
    mut operation: impl FnMut(u32) -> common::Result<()>,
) -> Result<Run, BenchError> {
    let began = BootTime::now().0;
    let mut done = 0;
    while done < count && !locks.is_stopped() {
        operation(done)?;
        done += 1;
    }
    if done == count {
        locks.stop();
    }
    Ok(Run { began, ended: BootTime::now().0, done })
}

/// Claims the tickets from `first` on. A commit checks a claim against the segment only, so the claims stay valid after
/// their attachments are dropped.
fn claims(name: &SegmentName, first: u32, count: u32) -> Result<Vec<Claim>, BenchError> {
    let mut claims = Vec::new();
    for batch in (first..first + count).step_by(BATCH as usize) {
        let segment = Segment::attach(name)?;
        for ticket in batch..(batch + BATCH).min(first + count) {
            match Ledger::of(&segment).lock_within(Duration::MAX)?.take(ticket)? {
                TakeOver::Taken(claim) => claims.push(claim),
                TakeOver::AlreadyDone => return Err(BenchError::failed(format_args!("ticket {ticket} is done"))),
            }
        }
    }
    Ok(claims)
}
