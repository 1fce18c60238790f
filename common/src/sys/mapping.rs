//! The segment mapped into this process.
#![expect(clippy::cast_ptr_alignment, reason = "mappings begin at a page, and the layout's assertions do the rest")]

use std::mem::{ManuallyDrop, MaybeUninit, size_of};
use std::sync::atomic::{AtomicU32, AtomicU64};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::mm::{Advice, madvise};
use shared_memory::{Shmem, ShmemConf, ShmemError};

use super::mutex::{Handle, RawMutex};
use super::role_file::RoleFile;
use super::sigbus::WatchedRange;
use crate::layout::{CellSlice, Entry, Geometry, Header, SetAside, Slot, View};
use crate::name::FOLDER;

/// A mapped segment and the handle of its mutex.
///
/// Threads may share it, because every byte is reached by atomic operations or the mutex calls. Only what holds the lock is
/// tied to its thread: see `lock::Guard`.
pub struct Mapping<M: Memory = SharedBytes> {
    lock: Handle,
    /// The parts of the mapping. Given away only with the lifetime of a borrow of `self`.
    ///
    /// `MaybeUninit`, because the references in it outlive the bytes: whoever gets a reference by value asserts that it stays
    /// valid until it returns, also as a field of `self`, and `drop` unmaps.
    view: MaybeUninit<View<'static>>,
    /// The kind of the mutex at the time of the mapping.
    kind: u32,
    bytes: ManuallyDrop<M>,
}

/// Memory for a segment. Dropping it gives the memory back.
///
/// # Safety
/// Until the drop, `base` stays the same, is aligned to a page, and is valid for reads and writes of `len` bytes. This process
/// reaches the bytes through atomic operations and the mutex calls alone.
pub unsafe trait Memory {
    /// The first byte.
    fn base(&self) -> *mut u8;

    /// The number of bytes.
    fn len(&self) -> usize;

    /// Whether the byte at `offset`, or one before it, was taken away.
    fn has_lost(&self, offset: usize) -> bool;
}

/// A mapped file of `/dev/shm`.
pub struct SharedBytes {
    // Dropped first: an unmapped range is not ours any more.
    watch: WatchedRange,
    shmem: Shmem,
}

// SAFETY: nothing in it is tied to a thread: a name, a size, a descriptor, and the address of a mapping. `munmap(2)` and
// `close(2)` may come from any thread; the raw pointer alone is why the compiler does not see it.
unsafe impl Send for SharedBytes {}

// SAFETY: a shared reference reads the address and the size, which never change. What lies at the address is reached as
// `Memory` demands.
unsafe impl Sync for SharedBytes {}

impl SharedBytes {
    fn new(shmem: Shmem) -> Self {
        Self { watch: WatchedRange::new(shmem.as_ptr(), shmem.len()), shmem }
    }
}

// SAFETY: mmap(2) gives whole pages, which stay until `Shmem` unmaps them in its drop. If the file is truncated meanwhile, the
// kernel answers an access with SIGBUS, and `sigbus` puts other pages there or ends the process.
unsafe impl Memory for SharedBytes {
    fn base(&self) -> *mut u8 {
        self.shmem.as_ptr()
    }

    fn len(&self) -> usize {
        self.shmem.len()
    }

    fn has_lost(&self, offset: usize) -> bool {
        self.watch.has_lost(offset)
    }
}

/// Why a segment could not be mapped.
#[derive(Debug)]
pub enum MapError {
    /// The system refused.
    Os(Errno),
    /// The name stands for a file of another size by now.
    Changed,
    /// The C library refused the mutex.
    Mutex(String),
}

/// Creates the file `name` and maps it, all zero. The other descriptor is for the roles' locks; `claim` takes the first one before
/// the pages are allocated, which may take long.
pub fn create(
    name: &str,
    geometry: Geometry,
    claim: impl FnOnce(&RoleFile) -> Result<(), Errno>,
) -> Result<(Mapping, RoleFile), MapError> {
    let mut shmem = ShmemConf::new().os_id(name).size(geometry.size()).create().map_err(os)?;
    // Its drop would unlink the name, whatever it stands for then.
    shmem.set_owner(false);
    let descriptor = RoleFile::open(format!("{FOLDER}/{name}"), cautious(OFlags::RDWR)).map_err(MapError::Os)?;
    claim(&descriptor).map_err(MapError::Os)?;
    rustix::fs::fchmod(&descriptor, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).map_err(MapError::Os)?;
    // Allocates all pages: a full /dev/shm is an error here, not a SIGBUS at a later store (posix_fallocate(3)).
    rustix::fs::fallocate(&descriptor, rustix::fs::FallocateFlags::empty(), 0, geometry.size() as u64)
        .map_err(MapError::Os)?;
    // SAFETY: `shmem` maps exactly `geometry.size()` bytes that were allocated just now.
    let header = unsafe { &*shmem.as_ptr().cast::<Header>() };
    header.core.mutex.initialise().map_err(|code| MapError::Os(Errno::from_raw_os_error(code)))?;
    Ok((Mapping::new(SharedBytes::new(shmem), geometry)?, descriptor))
}

/// Maps the segment of that name.
pub fn open(name: &str, geometry: Geometry) -> Result<Mapping, MapError> {
    let mut shmem = ShmemConf::new().os_id(name).open().map_err(os)?;
    shmem.set_owner(false);
    if shmem.len() != geometry.size() {
        return Err(MapError::Changed);
    }
    Mapping::new(SharedBytes::new(shmem), geometry)
}

/// Flags for opening a file in /dev/shm: follow no link, wait for no FIFO.
pub fn cautious(access: OFlags) -> OFlags {
    access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY
}

/// Smaller mappings keep their pages: they are worth less than the call.
const WORTH_RELEASING: usize = 256 << 10;

impl Mapping {
    /// Gives the mapped pages of a large segment back to the kernel, except for the first, which every commit needs. The file
    /// keeps what they hold, and the next access maps them again.
    ///
    /// If the kernel refuses, the pages stay mapped; nothing depends on it.
    pub fn release_pages(&self) {
        let (length, first) = (self.bytes.len(), rustix::param::page_size());
        if length < WORTH_RELEASING.max(first) {
            return;
        }
        // SAFETY: the range begins at a page and lies within the mapping, which the borrow of `self` keeps. The mapping is shared
        // (`shared_memory` maps with MAP_SHARED), so its bytes do not change: "subsequent accesses of pages in the range will
        // succeed", from "the up-to-date contents of the underlying mapped file" (madvise(2), MADV_DONTNEED); so other threads
        // may access them meanwhile, and a forked child has a page table of its own. A page that the file has lost is met by the
        // next access, as before. Where the handler of SIGBUS has put private pages, they become zero again, as `replace` made
        // them: the range is marked as lost, and any bits are valid there.
        let _ = unsafe { madvise(self.bytes.base().add(first).cast(), length - first, Advice::LinuxDontNeed) };
    }
}

impl<M: Memory> Mapping<M> {
    fn new(bytes: M, geometry: Geometry) -> Result<Self, MapError> {
        assert!(bytes.len() >= geometry.size(), "the mapping covers the geometry");
        // SAFETY: the header is the first page of the bytes, see `view`.
        let mutex: &RawMutex = unsafe { &(*bytes.base().cast::<Header>()).core.mutex };
        // SAFETY: the handle lives in the same struct as the bytes and is not used once they are being dropped; its own
        // drop, which comes after that, touches nothing (raw_sync 0.1.5, `impl Drop for Mutex`).
        let lock = unsafe { Handle::new(mutex) }.map_err(MapError::Mutex)?;
        // SAFETY: by the promise of `Memory`, the bytes are page-aligned, and they cover `geometry.size()` bytes (asserted
        // above). They live as long as the struct: a view is given away only by `Mapping::view`, with the lifetime of a borrow
        // of that, and what is left in the struct when its `drop` has given the bytes back is not looked at.
        let view = MaybeUninit::new(unsafe { view(bytes.base(), geometry) });
        let kind = mutex.kind();
        Ok(Self { lock, view, kind, bytes: ManuallyDrop::new(bytes) })
    }

    /// The handle of the segment's mutex.
    pub fn lock(&self) -> &Handle {
        &self.lock
    }

    /// The segment's parts.
    pub fn view(&self) -> &View<'_> {
        // SAFETY: initialised in `new`, and never changed.
        unsafe { self.view.assume_init_ref() }
    }

    /// Whether another program truncated the file, and this process noticed it. Ask after a load: it may have met a page that
    /// the handler of SIGBUS put there.
    #[inline]
    pub fn is_truncated(&self) -> bool {
        // A file that is cut and grown again, or cut within its first page, reads as zeros there, without a signal.
        self.bytes.has_lost(usize::MAX) || self.view().header.core.mutex.kind() != self.kind
    }

    /// Whether the page of the mutex is lost. What lies there now is no mutex.
    pub fn has_lost_mutex(&self) -> bool {
        self.bytes.has_lost(0)
    }
}

impl<M: Memory> Drop for Mapping<M> {
    /// Unmaps, unless the lock is held: a leaked guard (`mem::forget`) leaks the mapping, too.
    ///
    /// So does a lost page of the mutex: a thread that held the lock then, or was waiting for it, has the address in its robust
    /// list, and the C library writes through that list.
    fn drop(&mut self) {
        if !self.lock.is_held() && !self.has_lost_mutex() {
            // SAFETY: this is the only place that drops it, and nothing uses it afterwards.
            unsafe { ManuallyDrop::drop(&mut self.bytes) }
        }
    }
}

/// The parts of a segment that begins at `base`.
///
/// # Safety
/// `base` must be aligned to a page, valid for reads and writes of `geometry.size()` bytes for the lifetime `'a`, and
/// reachable meanwhile through atomic operations and the mutex calls alone.
pub unsafe fn view<'a>(base: *const u8, geometry: Geometry) -> View<'a> {
    debug_assert_eq!(base as usize % align_of::<Header>(), 0);
    // SAFETY: within the first page by the caller's promise; every field is an atomic or an UnsafeCell, for which any bit
    // pattern is valid and concurrent change by other processes is allowed.
    let header = unsafe { &*base.cast::<Header>() };
    // SAFETY: `geometry` puts the slots behind the header, at a multiple of their alignment, within `size()`.
    let slots =
        unsafe { std::slice::from_raw_parts(base.add(Geometry::SLOTS_AT).cast::<Slot>(), geometry.slots as usize) };
    // SAFETY: `geometry` puts the log behind the slots, at a multiple of four, within `size()`.
    let log =
        unsafe { std::slice::from_raw_parts(base.add(geometry.log_at()).cast::<AtomicU32>(), geometry.slots as usize) };
    let cells = match geometry.array_cells() {
        0 => CellSlice::Words(std::slice::from_ref(&header.core.value)),
        // SAFETY: see `array`.
        cells => unsafe { array(base.add(geometry.cells_at()), cells, geometry.width) },
    };
    let records = base.wrapping_add(geometry.records_at());
    // SAFETY: `geometry` puts the entries behind the cells, at a multiple of eight, within `size()`; an entry is three
    // atomics of eight bytes.
    let array_entries = unsafe { std::slice::from_raw_parts(records.cast::<Entry>(), geometry.array_entries()) };
    // SAFETY: the same for the changes, which are atomics of eight bytes. Only one of the two is not empty.
    let changes = unsafe { std::slice::from_raw_parts(records.cast::<AtomicU64>(), geometry.changes()) };
    // SAFETY: `geometry` puts the ranges behind the entries and changes, at a multiple of eight, within `size()`; each is atomics
    // of 24 bytes.
    let set_aside = unsafe {
        std::slice::from_raw_parts(base.add(geometry.set_aside_at()).cast::<SetAside>(), geometry.set_aside())
    };
    const { assert!(size_of::<Slot>().is_multiple_of(align_of::<AtomicU32>()) && align_of::<Entry>() == 8) };
    const { assert!(align_of::<SetAside>() == 8) };
    View { header, slots, log, is_single: geometry.array_cells() == 0, cells, array_entries, changes, set_aside }
}

/// The cells of an array.
///
/// # Safety
/// As for [`view`], for `cells` times `width` bytes from `base` on. `base` must be a multiple of eight, and `width` 1, 4 or 8.
unsafe fn array<'a>(base: *const u8, cells: usize, width: usize) -> CellSlice<'a> {
    match width {
        // SAFETY: the caller's promise.
        1 => CellSlice::Bytes(unsafe { std::slice::from_raw_parts(base.cast(), cells) }),
        // SAFETY: the caller's promise.
        4 => CellSlice::Halves(unsafe { std::slice::from_raw_parts(base.cast(), cells) }),
        // SAFETY: the caller's promise.
        _ => CellSlice::Words(unsafe { std::slice::from_raw_parts(base.cast(), cells) }),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature for map_err")]
fn os(error: ShmemError) -> MapError {
    match error {
        ShmemError::MappingIdExists => MapError::Os(Errno::EXIST),
        ShmemError::MapCreateFailed(code) | ShmemError::MapOpenFailed(code) | ShmemError::UnknownOsError(code) => {
            MapError::Os(Errno::from_raw_os_error(code.cast_signed()))
        }
        _ => MapError::Changed,
    }
}

#[cfg(test)]
mod tests;
