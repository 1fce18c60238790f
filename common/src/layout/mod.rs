//! The layout of a segment's bytes.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 128 | [`Identity`]: magic, version, layout, size, C library, namespace, nonce, checksum; but for the namespace it never changes |
//! | 128 | 128 | [`Header::terms`]: the run's terms as words; never changes once ready |
//! | 256 | 64 | [`Live`]: lifecycle, stop request, notice, coordinator, owners' deaths |
//! | 320 | 64 | [`Core`]: the mutex, the commit's sequence numbers, **a single value at offset 376** |
//! | 384 | 64 | [`Redo`]: the redo record; how many tickets are done, and how many owners died |
//! | 448 | 64 | its other half: the record's chunk; how far a split run's range is given out |
//! | 512 | 64 | [`SetAsideRecord`]: the record's range that is set aside |
//! | 576 | 3520 | [`Header::text`]: kernel, worker executable and command |
//! | 4096 | 128 each | a [`Slot`] for each ticket |
//! | behind them | 4 each | the log: tickets in the order of their commits |
//! | and for an array | 1, 4 or 8 each | its cells, as C lays them out, from a multiple of 64 on |
//! | of a run | 24 each | an [`Entry`] of the redo record for each cell |
//! | | 24 each | an [`Entry`] of each ticket for each cell, ticket by ticket |
//! | without a run | as the cells | the redo record's changed cells (`redo::changes`) |
//! | and for a split run | 24 each | [`SET_ASIDE`] ranges that are set aside: a [`SetAside`] each |
//!
//! These are the offsets on x86-64, whose `pthread_mutex_t` has 40 bytes. On aarch64 it has 48; so [`Core`] has 128 bytes, and
//! what follows it lies 64 bytes further on.
//!
//! Invariant: every field is an atomic or the mutex, and there is no padding between them. So any bit pattern is a valid
//! `Header`, and a shared reference to it is sound whatever other processes do to the bytes. The *meaning* of the bits is
//! checked when they are read.

mod cells;
mod fingerprint;
mod geometry;

use std::mem::{offset_of, size_of};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};

pub use cells::CellSlice;
pub use fingerprint::{LAYOUT_HASH, hash};
pub use geometry::{Geometry, Kind, MOST_CELLS, MOST_ENTRIES, MOST_SHARED_CELLS, SET_ASIDE, View};

use crate::sys::mutex::RawMutex;
use crate::value::{Number, ValueType};

/// The first eight bytes of our segments, of any version: `shmledg` and a NUL, little-endian.
pub const MAGIC: u64 = u64::from_le_bytes(*b"shmledg\0");

/// The version of this layout.
pub const VERSION: u32 = 6;

/// The number of words of the terms.
pub const TERMS_WORDS: usize = 16;

/// The number of bytes of the terms' texts: the rest of the header.
pub const TEXT_BYTES: usize = PAGE
    - size_of::<Identity>()
    - TERMS_WORDS * size_of::<AtomicU64>()
    - size_of::<Live>()
    - size_of::<Core>()
    - size_of::<Redo>()
    - size_of::<SetAsideRecord>();

/// The unit in which segments are sized and allocated.
pub const PAGE: usize = 4096;

/// Identifies a segment.
#[repr(C, align(128))]
pub struct Identity {
    pub magic: AtomicU64,
    pub version: AtomicU32,
    /// 1 once everything else is in place. The rename that gives the segment its name comes after it, and orders it.
    pub ready: AtomicU32,
    pub layout_hash: AtomicU64,
    /// The size of the segment in bytes.
    pub size: AtomicU64,
    pub c_library: AtomicU32,
    pub slot_count: AtomicU32,
    /// The inode of the PID namespace: a robust mutex names its owner by a thread id of it. A `resume` in another namespace
    /// changes it, while it alone is present.
    pub pid_namespace: AtomicU64,
    pub nonce: AtomicU64,
    /// When the segment was created (`CLOCK_BOOTTIME`, nanoseconds).
    pub created_at: AtomicU64,
    /// A checksum over everything above except `ready` and `pid_namespace`, and over the terms with their texts.
    pub checksum: AtomicU64,
    pub padding: [AtomicU64; 7],
}

/// The words that change rarely while a run lives.
#[repr(C, align(64))]
pub struct Live {
    pub lifecycle: AtomicU32,
    /// Futex: workers sleep on it.
    pub stop: AtomicU32,
    /// Futex: counts notices.
    pub notice: AtomicU32,
    /// For explanations; only the coordinator's role decides.
    pub coordinator_pid: AtomicU32,
    /// When the run was closed (`CLOCK_BOOTTIME`, nanoseconds), 0 before.
    pub closed_at: AtomicU64,
    /// How many commits, in the order of the log, a coordinator has printed.
    pub reported: AtomicU64,
    /// Hint: the tickets for workers started by hand below this one are done.
    pub first_open: AtomicU32,
    /// Hint: a ticket with an orphaned chunk, or 0.
    pub orphan: AtomicU32,
    /// How many owners' deaths a program has cleared. With `Redo::recoveries` above it, the lock's guards report a death.
    pub cleared_deaths: AtomicU64,
    pub padding: [AtomicU64; 2],
}

/// The cache line that every commit needs.
#[repr(C, align(64))]
pub struct Core {
    pub mutex: RawMutex,
    /// The number of the last published commit. One store to it is the commit.
    pub published: AtomicU64,
    /// The number of the last applied commit.
    pub applied: AtomicU64,
    /// The only cell; unused for an array.
    pub value: AtomicU64,
    pub padding: [AtomicU64; CORE_PADDING],
}

/// The words behind [`Core::value`]: none with a mutex of 40 bytes.
const CORE_PADDING: usize = {
    let used = size_of::<RawMutex>() + 3 * size_of::<AtomicU64>();
    (used.next_multiple_of(64) - used) / size_of::<AtomicU64>()
};

/// A cell after a commit.
#[repr(C)]
pub struct Entry {
    /// The cell's value after the commit.
    pub value: AtomicU64,
    /// The ticket's sum for the cell.
    pub contribution: [AtomicU64; 2],
}

impl Entry {
    /// The ticket's sum for a cell of that type.
    #[inline]
    pub fn contribution(&self, kind: ValueType) -> Number {
        Number::from_words(self.contribution.each_ref().map(|word| word.load(Relaxed)), kind.is_float())
    }
}

/// A range of iterations: from the first word up to, but not including, the second.
pub type Stretch = [AtomicU64; 2];

/// The redo record: the state after a commit, absolute, so that applying it twice is applying it once.
///
/// A commit without a chunk touches only its first cache line.
#[repr(C, align(64))]
pub struct Redo {
    /// The ticket that commits; 0 for a commit that changes only the cells.
    pub ticket: AtomicU32,
    /// 1 if the record changes the ticket's chunk. If 0, the words from `chunk` to `set_aside` are from an earlier record.
    pub has_chunk: AtomicU32,
    pub claim: AtomicU64,
    pub entry: Entry,
    /// How many tickets are done after the commit.
    pub done: AtomicU64,
    /// Not part of the record: how many tickets are done.
    pub done_count: AtomicU64,
    /// Not part of the record: how many times the lock was acquired from a dead owner.
    pub recoveries: AtomicU64,
    pub chunk: Stretch,
    pub chunks: AtomicU64,
    pub iterations: AtomicU64,
    pub cursor: AtomicU64,
    /// The ticket from which the chunk is stolen; 0 if it is new.
    pub stolen_from: AtomicU32,
    /// Where [`SetAsideRecord`] goes: the place among the ranges that are set aside, from 1; 0 if it is from an earlier record.
    pub set_aside: AtomicU32,
    /// See [`Slot::first_epoch`].
    pub first_epoch: AtomicU32,
    /// For a shared array instead: how many cells the record changes; 0 for all.
    pub changes: AtomicU32,
    /// Not part of the record: the run's iterations below it are given out.
    pub given_out: AtomicU64,
}

/// A range of iterations that are given out, not applied, and held by nobody.
#[repr(C)]
pub struct SetAside {
    /// Empty in a free place.
    pub range: Stretch,
    /// Why it is set aside (`ledger::Cause`); 0 if it is to be given out again.
    pub cause: AtomicU32,
    /// How many attempts failed, or how many workers died.
    pub count: AtomicU32,
}

/// The part of the redo record that only commits touch which change a range that is set aside.
#[repr(C, align(64))]
pub struct SetAsideRecord {
    pub after: SetAside,
    pub chunks: AtomicU64,
    /// Not part of the record: how many chunks the run has set aside since it was begun or resumed.
    pub chunk_count: AtomicU64,
    /// Not part of the record: places behind this number were never used. It grows before the commit that uses a new place.
    pub used: AtomicU64,
    pub padding: [AtomicU64; 2],
}

/// The first page.
#[repr(C, align(4096))]
pub struct Header {
    pub identity: Identity,
    pub terms: [AtomicU64; TERMS_WORDS],
    pub live: Live,
    pub core: Core,
    pub redo: Redo,
    pub set_aside: SetAsideRecord,
    pub text: [AtomicU8; TEXT_BYTES],
}

/// One ticket: its worker and its contribution.
///
/// 128 bytes: neighbours share neither a cache line nor the pair of lines that Intel's spatial prefetcher fetches together
/// (Intel 64 and IA-32 Architectures Optimization Reference Manual, "Spatial Prefetcher").
#[repr(C, align(128))]
pub struct Slot {
    /// Epoch and state in one word (`redo::ClaimState`). One store takes a ticket over or finishes it.
    pub claim: AtomicU64,
    pub entry: Entry,
    pub pid: AtomicU32,
    pub phase: AtomicU32,
    /// Counts the deaths of workers that held the chunk: the claim's epoch minus this, in 32 bits.
    pub first_epoch: AtomicU32,
    /// Hint: how the ticket's last worker ended, as its coordinator saw it (`ledger::Exit`); 0 if nobody did.
    pub last_exit: AtomicU32,
    /// The chunk that the ticket holds.
    pub chunk: Stretch,
    /// How many chunks are applied.
    pub chunks: AtomicU64,
    /// The number of iterations in these chunks.
    pub iterations: AtomicU64,
    pub attached_at: AtomicU64,
    pub computed_ns: AtomicU64,
    pub slept_ns: AtomicU64,
    pub lock_wait_ns: AtomicU64,
    pub committed_at: AtomicU64,
    /// Iterations done so far: of the chunk in a split run, else of the whole range.
    pub progress: AtomicU64,
}

const _: () = {
    assert!(size_of::<Header>() == PAGE);
    assert!(size_of::<Slot>() == 128);
    assert!(size_of::<Redo>() == 128 && offset_of!(Redo, chunk) == 64);
    assert!(size_of::<SetAsideRecord>() == 64 && size_of::<SetAside>() == 24);
    assert!(offset_of!(Header, core) == 320);
    // What programs in C may rely on.
    #[cfg(target_arch = "x86_64")]
    assert!(offset_of!(Header, core) + offset_of!(Core, value) == 376);
    #[cfg(target_arch = "aarch64")]
    assert!(offset_of!(Header, core) + offset_of!(Core, value) == 384);
};
