//! A fingerprint of the layout, and the proof that nothing in it is padding.

use std::mem::{offset_of, size_of};

use super::{Core, Entry, Header, Identity, Live, Redo, SET_ASIDE, SetAside, SetAsideRecord, Slot, VERSION};
use crate::sys::mutex::RawMutex;

/// Hashes the offset of each field that is named, and what else two builds must agree on.
///
/// All fields are named: their sizes must add up to the type's, so that no byte of a segment is padding.
macro_rules! hash_of_offsets {
    ($($type:ident { $($field:ident),+ })+) => {{
        $(assert!(0 $(+ size_of_field(|value: &$type| &value.$field))+ == size_of::<$type>());)+
        hash(&[
            VERSION as u64,
            size_of::<Header>() as u64,
            size_of::<Slot>() as u64,
            size_of::<RawMutex>() as u64,
            size_of::<Entry>() as u64,
            size_of::<SetAside>() as u64,
            SET_ASIDE as u64,
            $($(offset_of!($type, $field) as u64,)+)+
            usize::BITS as u64,
            cfg!(target_endian = "big") as u64,
        ])
    }};
}

/// The size of the field that the function borrows.
const fn size_of_field<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

/// A fingerprint of every offset of the layout. A build with another layout refuses our segments.
pub const LAYOUT_HASH: u64 = hash_of_offsets! {
    Entry { value, contribution }
    Identity {
        magic, version, ready, layout_hash, size, c_library, slot_count, pid_namespace, nonce, created_at, checksum,
        padding
    }
    Live { lifecycle, stop, notice, coordinator_pid, closed_at, reported, first_open, orphan, cleared_deaths, padding }
    Core { mutex, published, applied, value, padding }
    Redo {
        ticket, has_chunk, claim, entry, done, done_count, recoveries, chunk, chunks, iterations, cursor, stolen_from,
        set_aside, first_epoch, changes, given_out
    }
    SetAside { range, cause, count }
    SetAsideRecord { after, chunks, chunk_count, used, padding }
    Header { identity, terms, live, core, redo, set_aside, text }
    Slot {
        claim, entry, pid, phase, first_epoch, last_exit, chunk, chunks, iterations, attached_at, computed_ns, slept_ns, lock_wait_ns,
        committed_at, progress
    }
};

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
