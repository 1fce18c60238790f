//! A worker that takes chunk after chunk of a range, and records what it does outside the segment.
//!
//! `split-storm-victim NAME RECORD HOLD` attaches to the segment NAME and contributes sums of squares until nothing
//! is left, with the lock held for HOLD microseconds at each commit. To the file RECORD it appends `intent TICKET START
//! END CONTRIBUTION` before a commit and `applied TICKET START END CONTRIBUTION` after it.

#[path = "record.rs"]
mod record;

use std::env::args;
use std::fs::File;
use std::ops::Range;
use std::time::{Duration, Instant};

use common::{Claim, Ledger, LockedLedger, Segment, SegmentName, Then, TicketError};
use rustix::process::getppid;

fn main() {
    let mut args = args().skip(1);
    let [name, record, hold] = [(); 3].map(|()| args.next().expect("three arguments"));
    let name: SegmentName = name.parse().expect("the name is legal");
    let mut record = File::options().append(true).open(record).expect("the record is there");
    let hold = Duration::from_micros(hold.parse().expect("a number of microseconds"));
    let segment = Segment::attach(&name).expect("the segment is there");
    let claim = lock(&segment).join();
    match claim {
        Ok(claim) => share(&segment, &claim, &mut record, hold),
        Err(TicketError::NothingLeft { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

/// The steps of a worker; it holds the lock where a kill hurts.
fn share(segment: &Segment, claim: &Claim, record: &mut File, hold: Duration) {
    let parent = getppid();
    let mut then = next(segment, 0);
    let mut guard = lock(segment);
    let mut chunk = guard.first_chunk(claim, then).expect("the ticket is its own");
    drop(guard);
    while let Some(held) = chunk {
        let contribution = squares(held.end) - squares(held.start);
        append(record, "intent", claim, &held, contribution);
        // An orphan leaves, because nobody else would end it; the others leave now and then.
        let leaves = getppid() != parent || held.start % 101 == 100;
        then = if leaves { Then::Leave } else { next(segment, held.start) };
        let mut guard = lock(segment);
        let locked = Instant::now();
        while locked.elapsed() < hold {
            std::hint::spin_loop();
        }
        chunk = guard.commit_chunk(claim, &held, contribution, then).expect("the chunk is its own");
        drop(guard);
        append(record, "applied", claim, &held, contribution);
    }
}

/// A chunk that a dead worker left, or a new one of any size.
fn next(segment: &Segment, seed: u64) -> Then {
    Then::Take { size: 1 + seed * 7 % 150, orphan: Ledger::of(segment).orphan().expect("the kernel can be asked") }
}

fn lock(segment: &Segment) -> LockedLedger<'_> {
    Ledger::of(segment).lock(|_, _| {}).expect("the lock is sound")
}

/// The sum of the squares below that number.
fn squares(end: u64) -> i128 {
    let end = i128::from(end);
    end * (end - 1) * (2 * end - 1) / 6
}

fn append(record: &mut File, what: &str, claim: &Claim, chunk: &Range<u64>, contribution: i128) {
    let (ticket, Range { start, end }) = (claim.ticket(), chunk);
    record::append(record, &format!("{what:<7} {ticket:>6} {start:>10} {end:>10} {contribution:>26}\n"));
}
