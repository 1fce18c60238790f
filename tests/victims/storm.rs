//! A worker that contributes again and again, and records what it does outside the segment.
//!
//! `storm-victim NAME RECORD CONTRIBUTIONS HOLD` attaches to the segment NAME and makes that many contributions,
//! each with the lock held for HOLD microseconds. To the file RECORD it appends `intent TICKET CONTRIBUTION` before a
//! commit and `applied TICKET CONTRIBUTION` after it.

#[path = "record.rs"]
mod record;

use std::env::args;
use std::fs::File;
use std::time::{Duration, Instant};

use common::{Ledger, Segment, SegmentName};
use rustix::process::getppid;

fn main() {
    let mut args = args().skip(1);
    let [name, record, contributions, hold] = [(); 4].map(|()| args.next().expect("four arguments"));
    let name: SegmentName = name.parse().expect("the name is legal");
    let mut record = File::options().append(true).open(record).expect("the record is there");
    let contributions: u32 = contributions.parse().expect("a number of contributions");
    let hold = Duration::from_micros(hold.parse().expect("a number of microseconds"));
    let segment = Segment::attach(&name).expect("the segment is there");
    let parent = getppid();
    for _ in 0..contributions {
        contribute(&segment, &mut record, hold);
        if getppid() != parent {
            // Nobody else would end it.
            return;
        }
    }
}

/// The steps of a worker; it holds the lock where a kill hurts.
fn contribute(segment: &Segment, record: &mut File, hold: Duration) {
    let claim = Ledger::of(segment).lock(|_, _| {}).expect("the lock is sound").join().expect("there is a ticket");
    let ticket = i128::from(claim.ticket());
    // Wide and of both signs, so that a lost or double addition shows in the wrapped sum.
    let sign = if ticket % 2 == 0 { 1 } else { -1 };
    let contribution = sign * ticket * 0x9e37_79b9_7f4a_7c15;
    append(record, "intent", ticket, contribution);
    let mut guard = Ledger::of(segment).lock(|_, _| {}).expect("the lock is sound");
    let locked = Instant::now();
    while locked.elapsed() < hold {
        std::hint::spin_loop();
    }
    guard.commit(&claim, contribution).expect("the ticket is its own");
    drop(guard);
    append(record, "applied", ticket, contribution);
}

fn append(record: &mut File, what: &str, ticket: i128, contribution: i128) {
    record::append(record, &format!("{what:<7} {ticket:>10} {contribution:>44}\n"));
}
