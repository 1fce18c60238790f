//! Copies of a segment that no commit has changed while they were made.

use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::fence;

use rustix::io::Errno;

use crate::layout::Core;
use crate::sys::image::{HeaderImage, Image};
use crate::terms::{Mode, Terms};

/// How often a copy of the header is tried; each takes about a microsecond.
const ATTEMPTS: u32 = 100_000;

/// How often a copy of everything is tried.
const ATTEMPTS_AT_ALL: u32 = 20;

/// A copy of the segment and whether all of it is of one moment; nothing if the file is too short.
pub(super) fn image(file: BorrowedFd<'_>, terms: &Terms) -> Result<Option<(Image, bool)>, Errno> {
    let (extent, mut attempts) = (terms.extent(), 0);
    loop {
        attempts += 1;
        let Some(header) = header(file)? else { return Ok(None) };
        let before = numbers(&header.header().core);
        let Some(image) = Image::read(file, extent, header)? else { return Ok(None) };
        if is_settled_by_header(terms) {
            return Ok(Some((image, true)));
        }
        // As in `header`, for the rest of the copy.
        fence(Acquire);
        let Some(after) = HeaderImage::read(file)? else { return Ok(None) };
        let is_settled = before == numbers(&after.header().core);
        if is_settled || attempts == ATTEMPTS_AT_ALL {
            return Ok(Some((image, is_settled)));
        }
    }
}

/// Whether nothing of what the header counts changes behind it.
fn is_settled_by_header(terms: &Terms) -> bool {
    matches!(terms.mode, Mode::Repeat | Mode::Independent) && terms.cells == 1
}

/// A copy of the header during which no commit was published or applied.
fn header(file: BorrowedFd<'_>) -> Result<Option<HeaderImage>, Errno> {
    let Some(mut before) = HeaderImage::read(file)? else { return Ok(None) };
    for _ in 0..ATTEMPTS {
        // Acquire pairs with the Release fences in `publish` and `begin`, and with the Release of `applied` in `apply`: a
        // copy with the same numbers before and after it shows all that was stored before these, and nothing that was
        // stored behind a later one.
        fence(Acquire);
        let Some(header) = HeaderImage::read(file)? else { return Ok(None) };
        fence(Acquire);
        let Some(after) = HeaderImage::read(file)? else { return Ok(None) };
        if numbers(&before.header().core) == numbers(&after.header().core) {
            return Ok(Some(header));
        }
        before = after;
    }
    // Commits come faster than the header can be read twice: never seen, and told as what it is.
    Err(Errno::AGAIN)
}

/// The numbers of the last commits that were published and applied.
fn numbers(core: &Core) -> (u64, u64) {
    (core.published.load(Relaxed), core.applied.load(Relaxed))
}
