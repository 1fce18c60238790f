//! Offsets of layout version 6, repeated here: a layout that moves them must get another version.

pub const READY: usize = 12;
pub const C_LIBRARY: usize = 32;
pub const SLOT_COUNT: usize = 36;
pub const CHECKSUM: usize = 64;
pub const TERMS: usize = 128;
pub const LIVE: usize = 256;
pub const MUTEX: usize = 320;
pub const PUBLISHED: usize = 360;
pub const APPLIED: usize = 368;
pub const DONE_COUNT: usize = 432;
pub const RECOVERIES: usize = 440;
pub const TEXT: usize = 576;
pub const SLOTS: usize = 4096;
pub const LOG: usize = SLOTS + 4 * 128;
