//! The segment's bytes: what lies where.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 128 | [`Identity`]: magic, version, layout, size, C library, namespace, nonce, checksum; never changes once ready |
//! | 128 | 128 | [`Header::terms`]: the run's terms as words; never changes once ready |
//! | 256 | 64 | [`Live`]: lifecycle, stop request, notice, coordinator |
//! | 320 | 64 | [`Core`]: the mutex, the commit's sequence numbers, **the value at offset 376** |
//! | 384 | 64 | [`Redo`]: the commit under way, and the counts |
//! | 448 | 3648 | [`Header::text`]: kernel and worker executable |
//! | 4096 | 128 each | one [`Slot`] a ticket |
//! | behind them | 4 each | the log: tickets in the order of their commits |
//!
//! Invariant: every field is an atomic or the mutex, so any bit pattern is a valid `Header` and a shared reference to it
//! is sound whatever other processes do to the bytes. What the bits *mean* is checked when they are read.

use std::mem::{offset_of, size_of};
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};

use crate::sys::mutex::RawMutex;

/// The first eight bytes of every segment of ours, of any version: `shmledg` and a NUL, little-endian.
pub const MAGIC: u64 = u64::from_le_bytes(*b"shmledg\0");

/// The version of this layout.
pub const VERSION: u32 = 1;

/// How many words the terms take.
pub const TERMS_WORDS: usize = 16;

/// How many bytes the texts of the terms have.
pub const TEXT_BYTES: usize = 4096 - 448;

/// The most tickets that one segment has room for.
pub const MOST_SLOTS: u32 = 2_000_000;

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
    pub told: AtomicU64,
    /// Hint: of the tickets for workers started by hand, those below this one are done.
    pub first_open: AtomicU32,
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

/// The state after the commit under way, absolute, so that applying it twice is applying it once.
#[repr(C, align(64))]
pub struct Redo {
    pub ticket: AtomicU32,
    pub reserved: AtomicU32,
    pub value: AtomicU64,
    pub contribution: [AtomicU64; 2],
    pub claim: AtomicU64,
    pub done: AtomicU64,
    /// Not part of the record: how many tickets are done.
    pub done_count: AtomicU64,
    /// Not part of the record: how many times a lock was taken over from a dead owner.
    pub recoveries: AtomicU64,
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
    /// Epoch and state in one word (`ledger::state`): one store takes a ticket over or finishes it.
    pub claim: AtomicU64,
    pub contribution: [AtomicU64; 2],
    pub value_after: AtomicU64,
    pub pid: AtomicU32,
    pub phase: AtomicU32,
    pub launches: AtomicU32,
    pub reserved: AtomicU32,
    pub attached_at: AtomicU64,
    pub computed_ns: AtomicU64,
    pub slept_ns: AtomicU64,
    pub lock_wait_ns: AtomicU64,
    pub committed_at: AtomicU64,
    /// Iterations done so far.
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
    assert!(offset_of!(Header, text) == 448);
};

/// A fingerprint of every offset above, so that a build with another layout refuses this one's segments.
pub const LAYOUT_HASH: u64 = hash(&[
    VERSION as u64,
    size_of::<Header>() as u64,
    size_of::<Slot>() as u64,
    size_of::<RawMutex>() as u64,
    offset_of!(Identity, magic) as u64,
    offset_of!(Identity, version) as u64,
    offset_of!(Identity, ready) as u64,
    offset_of!(Identity, layout_hash) as u64,
    offset_of!(Identity, size) as u64,
    offset_of!(Identity, c_library) as u64,
    offset_of!(Identity, slot_count) as u64,
    offset_of!(Identity, pid_namespace) as u64,
    offset_of!(Identity, nonce) as u64,
    offset_of!(Identity, created_at) as u64,
    offset_of!(Identity, checksum) as u64,
    offset_of!(Live, lifecycle) as u64,
    offset_of!(Live, stop) as u64,
    offset_of!(Live, notice) as u64,
    offset_of!(Live, coordinator_pid) as u64,
    offset_of!(Live, closed_at) as u64,
    offset_of!(Live, told) as u64,
    offset_of!(Live, first_open) as u64,
    offset_of!(Core, mutex) as u64,
    offset_of!(Core, published) as u64,
    offset_of!(Core, applied) as u64,
    offset_of!(Core, value) as u64,
    offset_of!(Redo, ticket) as u64,
    offset_of!(Redo, value) as u64,
    offset_of!(Redo, contribution) as u64,
    offset_of!(Redo, claim) as u64,
    offset_of!(Redo, done) as u64,
    offset_of!(Redo, done_count) as u64,
    offset_of!(Redo, recoveries) as u64,
    offset_of!(Header, identity) as u64,
    offset_of!(Header, terms) as u64,
    offset_of!(Header, live) as u64,
    offset_of!(Header, core) as u64,
    offset_of!(Header, redo) as u64,
    offset_of!(Header, text) as u64,
    offset_of!(Slot, claim) as u64,
    offset_of!(Slot, contribution) as u64,
    offset_of!(Slot, value_after) as u64,
    offset_of!(Slot, pid) as u64,
    offset_of!(Slot, phase) as u64,
    offset_of!(Slot, launches) as u64,
    offset_of!(Slot, attached_at) as u64,
    offset_of!(Slot, computed_ns) as u64,
    offset_of!(Slot, slept_ns) as u64,
    offset_of!(Slot, lock_wait_ns) as u64,
    offset_of!(Slot, committed_at) as u64,
    offset_of!(Slot, progress) as u64,
    usize::BITS as u64,
    cfg!(target_endian = "big") as u64,
]);

/// FNV-1a over the bytes of `words` (<http://www.isthe.com/chongo/tech/comp/fnv/>): no secret, a guard against accidents.
pub const fn hash(words: &[u64]) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    let mut word = 0;
    while word < words.len() {
        let bytes = words[word].to_le_bytes();
        let mut byte = 0;
        while byte < bytes.len() {
            state = (state ^ bytes[byte] as u64).wrapping_mul(0x0100_0000_01b3);
            byte += 1;
        }
        word += 1;
    }
    state
}

/// Where the parts behind the header lie, for a number of slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// How many tickets there is room for.
    pub slots: u32,
}

impl Extent {
    /// Offset of the first slot.
    pub const SLOTS_AT: usize = PAGE;

    /// The extent for `slots` tickets, if that many are allowed.
    pub fn new(slots: u32) -> Option<Self> {
        (1..=MOST_SLOTS).contains(&slots).then_some(Self { slots })
    }

    /// Offset of the log.
    pub fn log_at(self) -> usize {
        Self::SLOTS_AT + self.slots as usize * size_of::<Slot>()
    }

    /// Bytes of the whole segment: whole pages.
    pub fn size(self) -> usize {
        (self.log_at() + self.slots as usize * size_of::<AtomicU32>()).next_multiple_of(PAGE)
    }
}

/// A segment's parts, be they mapped or copied.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub header: &'a Header,
    pub slots: &'a [Slot],
    /// Ticket numbers, first commit first.
    pub log: &'a [AtomicU32],
}

impl<'a> View<'a> {
    /// The slot of a ticket; tickets are numbered from 1.
    pub fn slot(self, ticket: u32) -> Option<&'a Slot> {
        self.slots.get(usize::try_from(ticket.checked_sub(1)?).ok()?)
    }
}

/// Splits a 128-bit number into the two words that hold it, low word first.
#[expect(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
pub fn halves(number: i128) -> [u64; 2] {
    let bits = number.cast_unsigned();
    [bits as u64, (bits >> 64) as u64]
}

/// Joins what [`halves`] split.
pub fn whole([low, high]: [u64; 2]) -> i128 {
    (u128::from(low) | u128::from(high) << 64).cast_signed()
}
