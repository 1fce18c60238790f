//! Consistent copies of a segment: a seqlock reader.
//!
//! The commit's two sequence numbers frame each copy. A copy is consistent if both numbers are the same before and after it.

use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::fence;

use rustix::io::Errno;

use crate::layout::Core;
use crate::sys::segment_copy::{HeaderCopy, SegmentCopy};
use crate::terms::{Mode, Terms};

/// How often a copy of the header is tried. Each takes about a microsecond.
const HEADER_ATTEMPTS: u32 = 100_000;

/// How often a copy of the whole segment is tried.
const SEGMENT_ATTEMPTS: u32 = 20;

/// A copy of the segment, and whether all of it is of one moment; nothing if the file is too short.
pub(super) fn copy(file: BorrowedFd<'_>, terms: &Terms) -> Result<Option<(SegmentCopy, bool)>, Errno> {
    let (geometry, mut attempts) = (terms.shown_geometry(), 0);
    loop {
        attempts += 1;
        let Some(header) = header(file)? else { return Ok(None) };
        let before = numbers(&header.header().core);
        let Some(copy) = SegmentCopy::read(file, geometry, header)? else { return Ok(None) };
        if is_fixed_by_header(terms) {
            return Ok(Some((copy, true)));
        }
        // Acquire: as in `header`, for the rest of the copy.
        fence(Acquire);
        let Some(after) = HeaderCopy::read(file)? else { return Ok(None) };
        let is_consistent = before == numbers(&after.header().core);
        if is_consistent || attempts == SEGMENT_ATTEMPTS {
            return Ok(Some((copy, is_consistent)));
        }
    }
}

/// Whether everything that the header counts never changes again.
fn is_fixed_by_header(terms: &Terms) -> bool {
    matches!(terms.mode, Mode::Repeat | Mode::Independent) && terms.cells == 1
}

/// A copy of the header during which no commit was published or applied.
fn header(file: BorrowedFd<'_>) -> Result<Option<HeaderCopy>, Errno> {
    let Some(mut before) = HeaderCopy::read(file)? else { return Ok(None) };
    for _ in 0..HEADER_ATTEMPTS {
        // Acquire: with the same numbers before and after it, the copy shows everything stored before these numbers and
        // nothing stored behind later ones. Pairs with the Release fences in `redo::begin` and `redo::publish`, and with the
        // Release of `applied` in `redo::put`.
        fence(Acquire);
        let Some(header) = HeaderCopy::read(file)? else { return Ok(None) };
        fence(Acquire);
        let Some(after) = HeaderCopy::read(file)? else { return Ok(None) };
        if numbers(&before.header().core) == numbers(&after.header().core) {
            return Ok(Some(header));
        }
        before = after;
    }
    // Commits come faster than the header can be read twice. Never seen so far.
    Err(Errno::AGAIN)
}

/// The numbers of the last published and the last applied commit.
fn numbers(core: &Core) -> (u64, u64) {
    (core.published.load(Relaxed), core.applied.load(Relaxed))
}
