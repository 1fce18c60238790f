//! The segment's bytes: what lies where.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 128 | [`Identity`]: magic, version, layout, size, C library, namespace, nonce, checksum; never changes once ready |
//! | 128 | 128 | [`Header::terms`]: the run's terms as words; never changes once ready |
//! | 256 | 64 | [`Live`]: lifecycle, stop request, notice, coordinator |
//! | 320 | 64 | [`Core`]: the mutex, the commit's sequence numbers, **the value at offset 376** |
//! | 384 | 64 | [`Redo`]: the commit under way; how many tickets are done, and how many owners died |
//! | 448 | 64 | its other half: the chunk of that commit; how far a shared-out range is given out |
//! | 512 | 3584 | [`Header::text`]: kernel, worker executable and command |
//! | 4096 | 128 each | one [`Slot`] a ticket |
//! | behind them | 4 each | the log: tickets in the order of their commits |
//! | and for an array | 8 each | its cells but the first, which lies at offset 376 |
//! | | 24 each | an [`Entry`] for each of these cells in the commit under way |
//! | | 24 each | an [`Entry`] for each of these cells and each ticket, ticket by ticket |
//!
//! Invariant: every field is an atomic or the mutex, so any bit pattern is a valid `Header` and a shared reference to it
//! is sound whatever other processes do to the bytes. What the bits *mean* is checked when they are read.

mod fingerprint;
mod geometry;

use std::mem::{offset_of, size_of};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};

pub use fingerprint::{LAYOUT_HASH, hash};
pub use geometry::{Geometry, MOST_CELLS, MOST_ENTRIES, View};

use crate::sys::mutex::RawMutex;
use crate::value::{Number, ValueType};

/// The first eight bytes of every segment of ours, of any version: `shmledg` and a NUL, little-endian.
pub const MAGIC: u64 = u64::from_le_bytes(*b"shmledg\0");

/// The version of this layout.
pub const VERSION: u32 = 3;

/// How many words the terms take.
pub const TERMS_WORDS: usize = 16;

/// How many bytes the texts of the terms have.
pub const TEXT_BYTES: usize = 4096 - 512;

/// The unit in which segments are sized and allocated.
pub const PAGE: usize = 4096;

/// What makes a segment ours and this one.
#[repr(C, align(128))]
pub struct Identity {
    pub magic: AtomicU64,
    pub version: AtomicU32,
    /// 1 once everything else is in place; stored last with Release, loaded first with Acquire.
    pub ready: AtomicU32,
    pub layout_hash: AtomicU64,
    /// Bytes of the whole segment.
    pub size: AtomicU64,
    pub c_library: AtomicU32,
    pub slot_count: AtomicU32,
    /// Inode number of the PID namespace, 0 if unknown: a robust mutex judges its owner by a thread id in it.
    pub pid_namespace: AtomicU64,
    pub nonce: AtomicU64,
    /// When the segment was created (`CLOCK_BOOTTIME`, nanoseconds).
    pub created_at: AtomicU64,
    /// Over all of the above but `ready`, and the terms with their texts.
    pub checksum: AtomicU64,
}

/// What changes seldom while a run lives.
#[repr(C, align(64))]
pub struct Live {
    pub lifecycle: AtomicU32,
    /// Futex: workers sleep on it.
    pub stop: AtomicU32,
    /// Futex: counts what `wait` wants to hear of.
    pub notice: AtomicU32,
    /// Explains, never decides: the coordinator's lock on its role decides.
    pub coordinator_pid: AtomicU32,
    /// When the run was closed (`CLOCK_BOOTTIME`, nanoseconds), 0 before.
    pub closed_at: AtomicU64,
    /// How many commits, in the order of the log, a coordinator has printed.
    pub reported: AtomicU64,
    /// Hint: of the tickets for workers started by hand, those below this one are done.
    pub first_open: AtomicU32,
    /// Hint: a ticket whose worker is gone and whose chunk is to be taken over, or 0.
    pub orphan: AtomicU32,
}

/// The line that every commit fights for.
#[repr(C, align(64))]
pub struct Core {
    pub mutex: RawMutex,
    /// The number of the last commit that counts; one store to it is the commit.
    pub published: AtomicU64,
    /// The number of the last commit whose effects are all in place.
    pub applied: AtomicU64,
    pub value: AtomicU64,
}

/// What a commit makes of one cell.
#[repr(C)]
pub struct Entry {
    /// The cell after the commit.
    pub value: AtomicU64,
    /// All that its ticket has contributed to the cell.
    pub contribution: [AtomicU64; 2],
}

impl Entry {
    /// All that its ticket has contributed to a cell of that type.
    #[inline]
    pub fn contribution(&self, kind: ValueType) -> Number {
        Number::from_words(self.contribution.each_ref().map(|word| word.load(Relaxed)), kind.is_float())
    }
}

/// A stretch of the iterations: from the first word to the second, exclusive; empty if they are the same.
pub type Stretch = [AtomicU64; 2];

/// The state after the commit under way, absolute, so that applying it twice is applying it once.
///
/// Its first cache line is all that a commit touches which has no chunk.
#[repr(C, align(64))]
pub struct Redo {
    /// Whose commit it is; 0 for one that changes the cells alone.
    pub ticket: AtomicU32,
    /// 1 if the ticket's chunk is part of it, else 0: then the words from `chunk` to `stolen_from` are of an earlier record.
    pub has_chunk: AtomicU32,
    pub claim: AtomicU64,
    pub entry: Entry,
    pub done: AtomicU64,
    /// Not part of the record: how many tickets are done.
    pub done_count: AtomicU64,
    /// Not part of the record: how many times a lock was taken over from a dead owner.
    pub recoveries: AtomicU64,
    pub chunk: Stretch,
    pub chunks: AtomicU64,
    pub iterations: AtomicU64,
    pub cursor: AtomicU64,
    /// Whose chunk it takes over, 0 for nobody's.
    pub stolen_from: AtomicU32,
    pub padding: AtomicU32,
    /// Not part of the record: iterations below it were given out in chunks.
    pub given_out: AtomicU64,
}

/// The first page.
#[repr(C, align(4096))]
pub struct Header {
    pub identity: Identity,
    pub terms: [AtomicU64; TERMS_WORDS],
    pub live: Live,
    pub core: Core,
    pub redo: Redo,
    pub text: [AtomicU8; TEXT_BYTES],
}

/// One ticket: who has it, and what it contributed.
///
/// 128 bytes, so that neighbours share neither a cache line nor the pair of lines that Intel's spatial prefetcher
/// fetches together (Intel 64 and IA-32 Architectures Optimization Reference Manual, "Spatial Prefetcher").
#[repr(C, align(128))]
pub struct Slot {
    /// Epoch and state in one word (`redo::ClaimState`): one store takes a ticket over or finishes it.
    pub claim: AtomicU64,
    pub entry: Entry,
    pub pid: AtomicU32,
    pub phase: AtomicU32,
    pub launches: AtomicU32,
    pub padding: AtomicU32,
    /// The chunk that the ticket's worker computes.
    pub chunk: Stretch,
    /// How many chunks were applied.
    pub chunks: AtomicU64,
    /// How many iterations these had.
    pub iterations: AtomicU64,
    pub attached_at: AtomicU64,
    pub computed_ns: AtomicU64,
    pub slept_ns: AtomicU64,
    pub lock_wait_ns: AtomicU64,
    pub committed_at: AtomicU64,
    /// Iterations done so far, of the chunk if there are chunks.
    pub progress: AtomicU64,
}

const _: () = {
    assert!(size_of::<Header>() == PAGE);
    assert!(size_of::<Slot>() == 128);
    assert!(offset_of!(Header, terms) == 128);
    assert!(offset_of!(Header, live) == 256);
    assert!(offset_of!(Header, core) == 320);
    assert!(offset_of!(Header, core) + offset_of!(Core, value) == 376);
    assert!(offset_of!(Header, redo) == 384);
    assert!(size_of::<Redo>() == 128 && offset_of!(Redo, chunk) == 64);
    assert!(offset_of!(Header, text) == 512);
};
