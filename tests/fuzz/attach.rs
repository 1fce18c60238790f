//! Attaches to a segment with the fuzzer's bytes: a typed error, or a usable segment; never a crash.
//!
//! The input is a sequence of patches of three bytes, an offset and a value, to a sound segment with one contribution.
//! Run it with `cargo +nightly fuzz run --fuzz-dir tests/fuzz attach`; it leaves one file, `/dev/shm/fuzz-PID`.
#![no_main]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;
use std::time::Duration;

use common::{Ledger, Segment, SegmentName, Snapshot, Terms};
use libfuzzer_sys::fuzz_target;

/// The word that marks a segment as published. An attach waits for it, which would only slow the search.
const READY: std::ops::Range<usize> = 12..16;

struct Sound {
    name: SegmentName,
    file: File,
    bytes: Vec<u8>,
}

static SOUND: OnceLock<Sound> = OnceLock::new();

fn sound() -> Sound {
    let name: SegmentName = format!("fuzz-{}", std::process::id()).parse().expect("the name is legal");
    let segment = Segment::create(&name, &Terms { slots: 4, ..Terms::by_hand("none", 2) }).expect("the name is free");
    let mut guard = Ledger::of(&segment).lock_within(Duration::ZERO).expect("nobody holds it");
    let claim = guard.join().expect("there is room");
    guard.commit(&claim, 285).expect("it fits");
    drop(guard);
    let file = File::options().read(true).write(true).open(name.path()).expect("it is there");
    let bytes = std::fs::read(name.path()).expect("it can be read");
    Sound { name, file, bytes }
}

fuzz_target!(|patches: &[u8]| {
    let Sound { name, file, bytes } = SOUND.get_or_init(sound);
    let mut patched = bytes.clone();
    for patch in patches.chunks_exact(3) {
        let offset = usize::from(u16::from_le_bytes([patch[0], patch[1]])) % patched.len();
        if !READY.contains(&offset) {
            patched[offset] = patch[2];
        }
    }
    file.write_all_at(&patched, 0).expect("it can be written");
    if let Ok((snapshot, _)) = common::inspect(name) {
        let _ = snapshot.check();
    }
    let Ok(segment) = Segment::attach(name) else { return };
    let Ok(mut guard) = Ledger::of(&segment).lock_within(Duration::from_millis(1)) else { return };
    if let Ok(claim) = guard.join() {
        let _ = guard.commit(&claim, 1);
    }
    drop(guard);
    if let Ok(snapshot) = Snapshot::of(&segment) {
        let _ = snapshot.check();
    }
});
