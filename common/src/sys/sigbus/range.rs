//! The address ranges of this library's mappings, for a signal handler: atomics in a list that only grows.
//!
//! An entry is used again after its mapping is gone, and never freed, so a handler may stand anywhere in the list. The number
//! of entries is that of the mappings which ever were at the same time.

use std::ptr::null_mut;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, fence};

/// The newest entry.
static ENTRIES: AtomicPtr<Entry> = AtomicPtr::new(null_mut());

/// Nothing is lost.
const NOTHING: usize = usize::MAX;

/// A range, or the place for one.
struct Entry {
    /// Whether a mapping has the entry. Only its owner changes the words below, except for `lost_from`.
    is_taken: AtomicBool,
    /// Odd while the range is being changed.
    version: AtomicU64,
    base: AtomicPtr<u8>,
    length: AtomicUsize,
    /// The offset of the first byte that is known to be lost.
    lost_from: AtomicUsize,
    /// The next older entry; null behind the oldest. Never changes once the entry is in the list.
    next: AtomicPtr<Entry>,
}

/// A range that the handler watches, for as long as this lives.
pub struct WatchedRange(&'static Entry);

impl WatchedRange {
    /// Watches `length` bytes from `base`, which are mapped and page-aligned.
    pub fn new(base: *mut u8, length: usize) -> Self {
        super::install();
        let entry = entries().find(|entry| entry.take()).unwrap_or_else(Entry::push);
        entry.lost_from.store(NOTHING, Relaxed);
        entry.set(base, length);
        Self(entry)
    }

    /// Whether the byte at `offset`, or one before it, is known to be lost. Call it after the access in question.
    #[inline]
    pub fn has_lost(&self, offset: usize) -> bool {
        // Acquire: who has loaded from a page that the handler put there sees the mark. In the thread that met the loss the
        // handler ran in between; for another thread, the kernel orders it: the mark comes before the system call in `replace`,
        // and the fault that finds the new page takes the lock of the mappings after that call (mmap(2)).
        fence(Acquire);
        let lost_from = self.0.lost_from.load(Relaxed);
        lost_from != NOTHING && lost_from <= offset
    }
}

impl Drop for WatchedRange {
    fn drop(&mut self) {
        self.0.set(null_mut(), 0);
        // Release: the next owner changes the range after this one. Pairs with the Acquire in `take`.
        self.0.is_taken.store(false, Release);
    }
}

impl Entry {
    /// Takes a free entry. Returns whether it was free.
    fn take(&self) -> bool {
        // Acquire: pairs with the Release in `drop`.
        self.is_taken.compare_exchange(false, true, Acquire, Relaxed).is_ok()
    }

    /// Adds an entry, taken, to the list.
    fn push() -> &'static Self {
        let entry: &'static Self = Box::leak(Box::new(Self {
            is_taken: AtomicBool::new(true),
            version: AtomicU64::new(0),
            base: AtomicPtr::new(null_mut()),
            length: AtomicUsize::new(0),
            lost_from: AtomicUsize::new(NOTHING),
            next: AtomicPtr::new(null_mut()),
        }));
        let mut first = ENTRIES.load(Relaxed);
        loop {
            entry.next.store(first, Relaxed);
            // Release: whoever finds the entry sees its words. Pairs with the Acquire in `entries`.
            match ENTRIES.compare_exchange_weak(first, std::ptr::from_ref(entry).cast_mut(), AcqRel, Relaxed) {
                Ok(_) => return entry,
                Err(other) => first = other,
            }
        }
    }

    /// Changes the range. A seqlock with one writer, the entry's owner.
    fn set(&self, base: *mut u8, length: usize) {
        let version = self.version.load(Relaxed);
        self.version.store(version.wrapping_add(1), Relaxed);
        // Release: keeps the range behind the odd number. Pairs with the Acquire fence in `holds`.
        fence(Release);
        self.base.store(base, Relaxed);
        self.length.store(length, Relaxed);
        // Release: pairs with the Acquire in `holds`.
        self.version.store(version.wrapping_add(2), Release);
    }

    /// The range, if the address lies in it.
    ///
    /// The range of a mapping that a thread uses does not change meanwhile. So one that does is not the one looked for.
    fn holds(&'static self, address: usize) -> Option<Lost> {
        // Acquire: pairs with the Release in `set`.
        let before = self.version.load(Acquire);
        let (base, length) = (self.base.load(Relaxed), self.length.load(Relaxed));
        // Acquire: pairs with the Release fence in `set`.
        fence(Acquire);
        let is_whole = before.is_multiple_of(2) && self.version.load(Relaxed) == before;
        let offset = address.checked_sub(base.addr())?;
        (is_whole && offset < length).then_some(Lost { entry: self, base, length, offset })
    }
}

/// A byte of a watched range that the file has lost.
pub struct Lost {
    entry: &'static Entry,
    base: *mut u8,
    length: usize,
    offset: usize,
}

/// Finds the range of the address. Async-signal-safe: it only loads.
pub fn find(address: usize) -> Option<Lost> {
    entries().find_map(|entry| entry.holds(address))
}

impl Lost {
    /// Marks the range as lost from this byte's page on, and maps zero pages of this process there. Returns whether it could.
    ///
    /// Async-signal-safe: atomics and one system call. (mmap(2) is not in the list of signal-safety(7); in the C library it is
    /// that call and nothing else.)
    pub fn replace(self, page_size: usize) -> bool {
        let from = self.offset - self.offset % page_size;
        // Release, and before the pages: pairs with the Acquire in `has_lost`.
        self.entry.lost_from.fetch_min(from, Release);
        // SAFETY: every thread has its own; the call returns a valid pointer.
        let errno = unsafe { libc::__errno_location() };
        // SAFETY: as above.
        let before = unsafe { *errno };
        // SAFETY: the pages belong to a mapping of this library, which is in use by the interrupted thread, so nobody unmaps it
        // meanwhile. Their bytes are atomics and a mutex, for which any bits are valid; the file has lost the old ones, and all
        // behind them, for good.
        let answer = unsafe {
            libc::mmap(
                self.base.add(from).cast(),
                self.length - from,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        // SAFETY: as above. The interrupted code must not find another errno.
        unsafe { *errno = before };
        answer != libc::MAP_FAILED
    }
}

fn entries() -> impl Iterator<Item = &'static Entry> {
    // Acquire: pairs with the Release in `push`.
    let first = ENTRIES.load(Acquire);
    // SAFETY: null, or a leaked entry that was complete before the list had it.
    let first = unsafe { first.as_ref() };
    // SAFETY: as above; `next` was stored before the entry was in the list.
    std::iter::successors(first, |entry| unsafe { entry.next.load(Relaxed).as_ref() })
}
