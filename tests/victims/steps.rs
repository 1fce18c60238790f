//! What a victim does: one stretch of the protocol between two signals to itself, where its tracer stops it.

use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

use crate::chunk_steps::{self, Order};
use crate::common::{
    Cells, Claim, Condition, Ledger, Number, Scalar, Segment, SegmentName, SharedArray, TakeOver, Terms, remove,
};

pub fn main() {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().expect("victim ACTION NAME [TICKET [SIZE ORPHAN]]");
    let (action, name) = (next(), next());
    let name: SegmentName = name.parse().expect("the name is legal");
    let mut number = || next().parse().expect("it is a number");
    let mut order = || Order { ticket: number(), size: number().into(), orphan: number() };
    match action.as_str() {
        "commit" => commit(&name, number()),
        "first" => chunk_steps::first(&name, &order()),
        "chunk" => chunk_steps::commit(&name, &order()),
        "set-aside" => chunk_steps::set_aside(&name, &order()),
        "reopen" => chunk_steps::reopen(&name),
        "change" => change(&name, number(), number(), &next()),
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
        let contribution = contribution(ticket, segment.terms().cells);
        mark(Signal::WINCH);
        let mut guard = Ledger::of(&segment).lock_within(Duration::MAX).expect("the lock is sound");
        let _ = guard.commit(&claim, contribution);
        drop(guard);
    }
    mark(Signal::USR2);
}

pub fn take(segment: &Segment, ticket: u32) -> Option<Claim> {
    match Ledger::of(segment).lock_within(Duration::MAX).expect("the lock is sound").take(ticket) {
        Ok(TakeOver::Taken(claim)) => Some(claim),
        _ => None,
    }
}

/// Lock, change cells of an array (`src/crash_rig/array_changes.rs`), unlock.
fn change(name: &SegmentName, step: u32, size: u32, kind: &str) {
    if kind == "i32" { change_of::<i32>(name, step, size) } else { change_of::<i64>(name, step, size) }
}

fn change_of<T: Scalar + From<i32>>(name: &SegmentName, step: u32, size: u32) {
    let array = SharedArray::<T>::attach(name).expect("the array is there");
    let index = |offset: u32| (step + offset * 5) as usize % array.len();
    let value = |index: usize| T::from(-(step.cast_signed()) * 100 - i32::try_from(index).expect("it is small"));
    let changes: Vec<(usize, T)> = (0..size).map(index).map(|index| (index, value(index))).collect();
    mark(Signal::USR1);
    mark(Signal::WINCH);
    let mut guard = array.lock().expect("the lock is sound");
    guard.replace(&changes).expect("the record is sound");
    drop(guard);
    mark(Signal::USR2);
}

/// Lock, recover what another victim left, unlock.
fn recover(name: &SegmentName) {
    let segment = Segment::attach(name).expect("the segment is there");
    mark(Signal::USR1);
    drop(Ledger::of(&segment).lock_within(Duration::MAX));
    mark(Signal::USR2);
}

fn create(name: &SegmentName) {
    let terms = Terms { slots: 8, ..Terms::by_hand("none", 1) };
    drop(Segment::create(name, &terms));
}

/// What a ticket contributes to each cell (`src/crash_rig/contributions.rs`).
fn contribution(ticket: u32, cells: u32) -> Cells<Number> {
    (1..=cells).map(|cell| Number::Integer(i128::from(cell) * i128::from(ticket) * 1_000_003)).collect()
}

/// Stops for the tracer; without one, signal 28 (WINCH) is ignored and the others end the process.
pub fn mark(signal: Signal) {
    kill_process(getpid(), signal).expect("a process may signal itself");
}
