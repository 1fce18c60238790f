//! A fingerprint of the layout.

use std::mem::{offset_of, size_of};

use super::{Core, Entry, Header, Identity, Live, Redo, Slot, VERSION};
use crate::sys::mutex::RawMutex;

/// A fingerprint of every offset of the layout. A build with another layout refuses our segments.
pub const LAYOUT_HASH: u64 = hash(&[
    VERSION as u64,
    size_of::<Header>() as u64,
    size_of::<Slot>() as u64,
    size_of::<RawMutex>() as u64,
    size_of::<Entry>() as u64,
    offset_of!(Entry, value) as u64,
    offset_of!(Entry, contribution) as u64,
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
    offset_of!(Live, reported) as u64,
    offset_of!(Live, first_open) as u64,
    offset_of!(Live, orphan) as u64,
    offset_of!(Core, mutex) as u64,
    offset_of!(Core, published) as u64,
    offset_of!(Core, applied) as u64,
    offset_of!(Core, value) as u64,
    offset_of!(Redo, ticket) as u64,
    offset_of!(Redo, has_chunk) as u64,
    offset_of!(Redo, claim) as u64,
    offset_of!(Redo, entry) as u64,
    offset_of!(Redo, done) as u64,
    offset_of!(Redo, done_count) as u64,
    offset_of!(Redo, recoveries) as u64,
    offset_of!(Redo, chunk) as u64,
    offset_of!(Redo, chunks) as u64,
    offset_of!(Redo, iterations) as u64,
    offset_of!(Redo, cursor) as u64,
    offset_of!(Redo, stolen_from) as u64,
    offset_of!(Redo, given_out) as u64,
    offset_of!(Header, identity) as u64,
    offset_of!(Header, terms) as u64,
    offset_of!(Header, live) as u64,
    offset_of!(Header, core) as u64,
    offset_of!(Header, redo) as u64,
    offset_of!(Header, text) as u64,
    offset_of!(Slot, claim) as u64,
    offset_of!(Slot, entry) as u64,
    offset_of!(Slot, pid) as u64,
    offset_of!(Slot, phase) as u64,
    offset_of!(Slot, launches) as u64,
    offset_of!(Slot, chunk) as u64,
    offset_of!(Slot, chunks) as u64,
    offset_of!(Slot, iterations) as u64,
    offset_of!(Slot, attached_at) as u64,
    offset_of!(Slot, computed_ns) as u64,
    offset_of!(Slot, slept_ns) as u64,
    offset_of!(Slot, lock_wait_ns) as u64,
    offset_of!(Slot, committed_at) as u64,
    offset_of!(Slot, progress) as u64,
    usize::BITS as u64,
    cfg!(target_endian = "big") as u64,
]);

/// FNV-1a over the bytes of `words` (<http://www.isthe.com/chongo/tech/comp/fnv/>): a guard against accidents, not against attackers.
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
