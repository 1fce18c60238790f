//! What a victim does with chunks; the marks are those of `steps.rs`.

use std::ops::Range;
use std::time::Duration;

use rustix::process::Signal;

use crate::common::{Cause, Cells, Claim, Ledger, LockedLedger, Number, Segment, SegmentName, Then};
use crate::steps::{mark, take};

/// The victim's arguments: its ticket, and what to take.
pub struct Order {
    pub ticket: u32,
    /// Iterations of a new chunk.
    pub size: u64,
    /// The ticket whose chunk to take over instead; 0 for a new chunk.
    pub orphan: u32,
}

/// Claim; lock, first chunk, unlock.
pub fn first(name: &SegmentName, order: &Order) {
    let segment = Segment::attach(name).expect("the segment is there");
    mark(Signal::USR1);
    if let Some(claim) = take(&segment, order.ticket) {
        mark(Signal::WINCH);
        let mut guard = Ledger::of(&segment).lock_within(Duration::MAX).expect("the lock is sound");
        let _ = guard.first_chunk(&claim, then(order));
        drop(guard);
    }
    mark(Signal::USR2);
}

/// Claim and first chunk; lock, commit of the chunk (which takes the next one), unlock.
pub fn commit(name: &SegmentName, order: &Order) {
    with_chunk(name, order, |guard, claim, chunk| {
        let contribution = contribution(&chunk, guard.segment().terms().cells);
        let _ = guard.commit_chunk(claim, &chunk, contribution, then(order));
    });
}

/// Claim and first chunk; lock, the chunk is set aside, and the next one taken, unlock.
pub fn set_aside(name: &SegmentName, order: &Order) {
    with_chunk(name, order, |guard, claim, chunk| {
        let _ = guard.set_aside(claim, &chunk, Cause::Failed, 1, then(order));
    });
}

/// Lock, what is set aside is given out again and the done tickets are opened, unlock.
pub fn reopen(name: &SegmentName) {
    let segment = Segment::attach(name).expect("the segment is there");
    mark(Signal::USR1);
    mark(Signal::WINCH);
    let mut guard = Ledger::of(&segment).lock_within(Duration::MAX).expect("the lock is sound");
    let _ = guard.reopen();
    drop(guard);
    mark(Signal::USR2);
}

fn with_chunk(name: &SegmentName, order: &Order, work: impl FnOnce(&mut LockedLedger<'_>, &Claim, Range<u64>)) {
    let segment = Segment::attach(name).expect("the segment is there");
    mark(Signal::USR1);
    if let Some(claim) = take(&segment, order.ticket) {
        let mut guard = Ledger::of(&segment).lock_within(Duration::MAX).expect("the lock is sound");
        let chunk = guard.first_chunk(&claim, Then::Take { size: order.size, orphan: None });
        drop(guard);
        if let Ok(Some(chunk)) = chunk {
            mark(Signal::WINCH);
            let mut guard = Ledger::of(&segment).lock_within(Duration::MAX).expect("the lock is sound");
            work(&mut guard, &claim, chunk);
            drop(guard);
        }
    }
    mark(Signal::USR2);
}

fn then(order: &Order) -> Then {
    Then::Take { size: order.size, orphan: Some(order.orphan).filter(|orphan| *orphan != 0) }
}

/// What a chunk contributes to each cell: each range has another sum (`src/crash_rig/chunks.rs`).
fn contribution(chunk: &Range<u64>, cells: u32) -> Cells<Number> {
    let sum: i128 = chunk.clone().map(|iteration| 1_i128 << (2 * iteration)).sum();
    (1..=cells).map(|cell| Number::Integer(i128::from(cell) * sum)).collect()
}
