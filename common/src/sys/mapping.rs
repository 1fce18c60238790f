//! The segment mapped into this process.
#![expect(clippy::cast_ptr_alignment, reason = "mappings begin at a page, and the layout's assertions do the rest")]

use std::mem::{ManuallyDrop, size_of};
use std::sync::atomic::{AtomicU32, AtomicU64};

use rustix::fs::OFlags;
use rustix::io::Errno;
use shared_memory::{Shmem, ShmemConf, ShmemError};

use super::mutex::{Handle, RawMutex};
use super::role_file::RoleFile;
use crate::layout::{CellSlice, Entry, Geometry, Header, SetAside, Slot, View};
use crate::name::FOLDER;

/// A mapped segment and the handle of its mutex.
///
/// Not `Send`: the kernel ties a robust mutex to the thread that owns it.
pub struct Mapping {
    lock: Handle,
    /// The parts of the mapping. Given away only with the lifetime of a borrow of `self`.
    view: View<'static>,
    shmem: ManuallyDrop<Shmem>,
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

/// Creates the file `name` and maps it, all zero. The other descriptor is for the roles' locks.
pub fn create(name: &str, geometry: Geometry) -> Result<(Mapping, RoleFile), MapError> {
    let mut shmem = ShmemConf::new().os_id(name).size(geometry.size()).create().map_err(os)?;
    // Its drop would unlink the name, whatever it stands for then.
    shmem.set_owner(false);
    let descriptor = RoleFile::open(format!("{FOLDER}/{name}"), cautious(OFlags::RDWR)).map_err(MapError::Os)?;
    rustix::fs::fchmod(&descriptor, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).map_err(MapError::Os)?;
    // Allocates all pages: a full /dev/shm is an error here, not a SIGBUS at a later store (posix_fallocate(3)).
    rustix::fs::fallocate(&descriptor, rustix::fs::FallocateFlags::empty(), 0, geometry.size() as u64)
        .map_err(MapError::Os)?;
    // SAFETY: `shmem` maps exactly `geometry.size()` bytes that were allocated just now.
    let header = unsafe { &*shmem.as_ptr().cast::<Header>() };
    header.core.mutex.initialise().map_err(|code| MapError::Os(Errno::from_raw_os_error(code)))?;
    Ok((Mapping::new(shmem, geometry)?, descriptor))
}

/// Maps the segment of that name.
pub fn open(name: &str, geometry: Geometry) -> Result<Mapping, MapError> {
    let mut shmem = ShmemConf::new().os_id(name).open().map_err(os)?;
    shmem.set_owner(false);
    if shmem.len() == geometry.size() { Mapping::new(shmem, geometry) } else { Err(MapError::Changed) }
}

/// Flags for opening a file in /dev/shm: follow no link, wait for no FIFO.
pub fn cautious(access: OFlags) -> OFlags {
    access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY
}

impl Mapping {
    fn new(shmem: Shmem, geometry: Geometry) -> Result<Self, MapError> {
        assert!(shmem.len() >= geometry.size(), "the mapping covers the geometry");
        // SAFETY: the header is the mapping's first page, see `view`.
        let mutex: &RawMutex = unsafe { &(*shmem.as_ptr().cast::<Header>()).core.mutex };
        // SAFETY: the handle lives in the same struct as the mapping and is not used once that is being dropped; its own
        // drop, which comes after the unmapping, touches nothing (raw_sync 0.1.5, `impl Drop for Mutex`).
        let lock = unsafe { Handle::new(mutex) }.map_err(MapError::Mutex)?;
        // SAFETY: the mapping is page-aligned, and covers `geometry.size()` bytes (asserted above). It lives as long as the
        // struct: a view is given away only by `Mapping::view`, with the lifetime of a borrow of that, and what is left in
        // the struct when its `drop` has unmapped the bytes is not looked at.
        let view = unsafe { view(shmem.as_ptr(), geometry) };
        Ok(Self { lock, view, shmem: ManuallyDrop::new(shmem) })
    }

    /// The handle of the segment's mutex.
    pub fn lock(&self) -> &Handle {
        &self.lock
    }

    /// The segment's parts.
    pub fn view(&self) -> &View<'_> {
        &self.view
    }
}

impl Drop for Mapping {
    /// Unmaps, unless the lock is held: a leaked guard (`mem::forget`) leaks the mapping, too.
    fn drop(&mut self) {
        if !self.lock.is_held() {
            // SAFETY: this is the only place that drops it, and nothing uses it afterwards.
            unsafe { ManuallyDrop::drop(&mut self.shmem) }
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
