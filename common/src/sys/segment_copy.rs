//! A private copy of a segment's bytes, read with `pread`.
//!
//! Reading a copy touches no shared page: it needs no lock, changes nothing, and a truncated file is a short read, not a
//! SIGBUS.

use std::cell::UnsafeCell;
use std::os::fd::AsFd;

use rustix::io::Errno;

use super::mapping::view;
use crate::layout::{Geometry, Header, Kind, PAGE, View};

/// Bytes that may change behind a shared reference: applying a copy's redo record stores into it.
#[repr(C, align(4096))]
struct Page(UnsafeCell<[u8; PAGE]>);

fn blank(pages: usize) -> Box<[Page]> {
    (0..pages).map(|_| Page(UnsafeCell::new([0; PAGE]))).collect()
}

/// A copy of the whole segment.
pub struct SegmentCopy {
    pages: Box<[Page]>,
    geometry: Geometry,
}

/// A copy of the header.
pub struct HeaderCopy(Box<[Page]>);

impl HeaderCopy {
    /// Reads the first page; nothing if the file is shorter.
    pub fn read(file: impl AsFd) -> Result<Option<Self>, Errno> {
        let mut pages = blank(1);
        let whole = fill(file, &mut pages)?;
        Ok(whole.then_some(Self(pages)))
    }

    /// The copied header.
    pub fn header(&self) -> &Header {
        // SAFETY: the box holds one page, aligned as one, in an UnsafeCell, and any bit pattern is a valid header.
        unsafe { &*self.0.as_ptr().cast::<Header>() }
    }
}

impl SegmentCopy {
    /// Reads the whole segment, except for the header, which was read before; nothing if the file is too short.
    pub fn read(file: impl AsFd, geometry: Geometry, header: HeaderCopy) -> Result<Option<Self>, Errno> {
        let mut pages = blank(geometry.size() / PAGE);
        let whole = fill(file, &mut pages)?;
        for (page, header) in pages.iter_mut().zip(header.0) {
            *page = header;
        }
        Ok(whole.then_some(Self { pages, geometry }))
    }

    /// Whether only the first cells of an array are copied.
    pub fn is_glimpse(&self) -> bool {
        self.geometry.kind == Kind::Glimpse
    }

    /// The copied parts.
    pub fn view(&self) -> View<'_> {
        // SAFETY: the box holds `geometry.size()` bytes (a multiple of a page), aligned to a page, in UnsafeCells, for as long
        // as `self` lives; they are reached through the view alone.
        unsafe { view(self.pages.as_ptr().cast(), self.geometry) }
    }
}

fn fill(file: impl AsFd, pages: &mut [Page]) -> Result<bool, Errno> {
    // SAFETY: the borrow is exclusive, and pages are plain bytes without padding, so the same memory is a slice of that many bytes.
    let bytes = unsafe { std::slice::from_raw_parts_mut(pages.as_mut_ptr().cast::<u8>(), size_of_val(pages)) };
    let mut filled = 0;
    while filled < bytes.len() {
        match rustix::io::pread(&file, &mut bytes[filled..], filled as u64) {
            Ok(0) => return Ok(false),
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
