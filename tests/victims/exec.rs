//! A worker that takes the lock and then executes another program: `exec-under-test NAME`.

use std::os::unix::process::CommandExt;
use std::process::Command;

use common::{Ledger, Segment, SegmentName};

fn main() {
    let name: SegmentName = std::env::args().nth(1).expect("a segment's name").parse().expect("the name is legal");
    let segment = Segment::attach(&name).expect("the segment is there");
    let mut guard = Ledger::of(&segment).lock(|_, _| {}).expect("the lock is sound");
    let _claim = guard.join().expect("there is a ticket");
    // No destructor runs before: the lock is held during the exec.
    let error = Command::new("sleep").arg("600").exec();
    panic!("sleep cannot be started: {error}");
}
