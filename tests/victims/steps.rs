//! What a victim does: one stretch of the protocol between two signals to itself, at which its tracer stops it.

use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

use crate::common::{Claim, Condition, Segment, SegmentName, TakeOver, Terms, remove};

pub fn main() {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().expect("victim ACTION NAME [TICKET]");
    let (action, name) = (next(), next());
    let name: SegmentName = name.parse().expect("the name is legal");
    match action.as_str() {
        "commit" => commit(&name, next().parse().expect("a ticket is a number")),
        "recover" => recover(&name),
        "create" => create(&name),
        "remove" => drop(remove(&name, Condition::Unattached)),
        _ => panic!("no action {action}"),
    }
}

/// Claim, lock, commit, unlock.
fn commit(name: &SegmentName, ticket: u32) {
    let segment = Segment::attach(name).expect("the segment is there");
    mark(Signal::USR1);
    if let Some(claim) = take(&segment, ticket) {
        mark(Signal::WINCH);
        let mut guard = segment.lock_within(Duration::MAX).expect("the lock is sound");
        let _ = guard.commit(&claim, contribution(ticket));
        drop(guard);
    }
    mark(Signal::USR2);
}

fn take(segment: &Segment, ticket: u32) -> Option<Claim> {
    match segment.lock_within(Duration::MAX).expect("the lock is sound").take(ticket) {
        Ok(TakeOver::Taken(claim)) => Some(claim),
        _ => None,
    }
}

/// Lock, recover what another victim left, unlock.
fn recover(name: &SegmentName) {
    let segment = Segment::attach(name).expect("the segment is there");
    mark(Signal::USR1);
    drop(segment.lock_within(Duration::MAX));
    mark(Signal::USR2);
}

fn create(name: &SegmentName) {
    let terms = Terms { slots: 8, ..Terms::by_hand("none", 1) };
    drop(Segment::create(name, &terms));
}

/// What a ticket contributes: no sum of some of them is the sum of others.
fn contribution(ticket: u32) -> i128 {
    i128::from(ticket) * 1_000_003
}

/// Stops for the tracer; without one, signal 28 (WINCH) is ignored and the others end the process.
fn mark(signal: Signal) {
    kill_process(getpid(), signal).expect("a process may signal itself");
}
