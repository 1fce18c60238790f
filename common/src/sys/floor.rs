//! The bare locks that the benches compare the segment's lock with: lock, add, unlock, and nothing else.
//!
//! Invariant: the words lie in a memory file that only this module makes and opens; its marks are set last, after the
//! mutexes are initialised, and a file without them is refused. Each lock has the number that it guards in its own pair of
//! cache lines, as close as it can be.

use std::cell::UnsafeCell;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicI32, AtomicU32};

use libc::{PTHREAD_MUTEX_ROBUST, PTHREAD_MUTEX_STALLED, pthread_mutex_t};
use raw_sync::locks::{LockImpl, LockInit, Mutex};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

/// A mutex and its number.
///
/// 128 bytes: CPUs fetch pairs of cache lines (Intel 64 and IA-32 Optimization Reference Manual, "Data Prefetching").
#[repr(C, align(128))]
struct Locked {
    mutex: UnsafeCell<MaybeUninit<pthread_mutex_t>>,
    sum: AtomicI32,
}

#[repr(C, align(128))]
struct Line<T>(T);

#[repr(C)]
struct Words {
    robust: Locked,
    plain: Locked,
    raw_sync: Locked,
    atomic: Line<AtomicI32>,
    stop: Line<AtomicU32>,
    mark: Line<AtomicU32>,
}

const MARK: u32 = 0x0f10_0125;

/// A process's view of the bare locks.
pub struct Floor {
    words: NonNull<Words>,
    raw_sync: Box<dyn LockImpl>,
    file: OwnedFd,
}

impl Floor {
    /// Makes a file of them.
    ///
    /// # Errors
    /// What the system says where it has no memory or no descriptor.
    pub fn create() -> io::Result<Self> {
        let file = memfd_create("floor", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, size_of::<Words>() as u64)?;
        let words = map(&file)?;
        // SAFETY: `map` gives a mapping of that size, aligned to a page, which lives until `Self` is dropped; all of its fields
        // are atomics or cells of maybe uninitialised bytes, for which any bit pattern is valid.
        let fresh = unsafe { words.as_ref() };
        initialise(&fresh.robust, PTHREAD_MUTEX_ROBUST)?;
        initialise(&fresh.plain, PTHREAD_MUTEX_STALLED)?;
        // SAFETY: the pointer is to the mutex's bytes in the mapping, which nobody else sees yet; they are aligned, so raw_sync
        // adds no padding. The data pointer is never followed.
        let lock = unsafe { Mutex::new(fresh.raw_sync.mutex.get().cast(), std::ptr::null_mut()) };
        let (raw_sync, _) = lock.map_err(|error| io::Error::other(error.to_string()))?;
        // Release pairs with the Acquire in `open`: who sees the mark sees the mutexes.
        fresh.mark.0.store(MARK, Release);
        Ok(Self { words, raw_sync, file })
    }

    /// Opens the file of another process: its [`Self::path`].
    ///
    /// # Errors
    /// If it is none of these files, or the system says no.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        if file.metadata()?.len() != size_of::<Words>() as u64 {
            return Err(io::Error::other("no file of bare locks"));
        }
        let file = OwnedFd::from(file);
        let words = map(&file)?;
        // SAFETY: as in `create`; the file has the size of the words.
        let found = unsafe { words.as_ref() };
        // Acquire pairs with the Release in `create`.
        if found.mark.0.load(Acquire) != MARK {
            return Err(io::Error::other("no file of bare locks"));
        }
        // SAFETY: the bytes are a mutex that `create` has initialised, by the mark; raw_sync stores the pointer alone.
        let lock = unsafe { Mutex::from_existing(found.raw_sync.mutex.get().cast(), std::ptr::null_mut()) };
        let (raw_sync, _) = lock.map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self { words, raw_sync, file })
    }

    /// Where other processes open it while this one lives.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd()).into()
    }

    /// Adds 1 under a robust mutex.
    pub fn robust_add(&self) {
        add_under(&self.words().robust);
    }

    /// Adds 1 under a mutex that a dead owner would leave locked.
    pub fn plain_add(&self) {
        add_under(&self.words().plain);
    }

    /// Adds 1 under the mutex of `raw_sync`, by its own interface.
    pub fn raw_sync_add(&self) {
        let guard = self.raw_sync.lock();
        add(&self.words().raw_sync.sum);
        drop(guard);
    }

    /// Adds 1 without a lock: nothing that processes share can be faster.
    pub fn atomic_add(&self) {
        // Relaxed: the number stands for itself.
        self.words().atomic.0.fetch_add(1, Relaxed);
    }

    /// What was added in all, by whichever way.
    #[must_use]
    pub fn sum(&self) -> i32 {
        let words = self.words();
        let sums = [&words.robust.sum, &words.plain.sum, &words.raw_sync.sum, &words.atomic.0];
        sums.into_iter().fold(0, |total, sum| total.wrapping_add(sum.load(Relaxed)))
    }

    /// Asks all who work on it to stop.
    pub fn stop(&self) {
        self.words().stop.0.store(1, Relaxed);
    }

    /// Whether somebody asked to stop: a load from a line that nobody writes meanwhile.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.words().stop.0.load(Relaxed) != 0
    }

    fn words(&self) -> &Words {
        // SAFETY: as in `create`; the mapping lives as long as `self`.
        unsafe { self.words.as_ref() }
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        // SAFETY: the mapping is this one's alone, nothing borrows from it any more, and none of its locks is held: each is
        // released in the call that took it.
        unsafe { libc::munmap(self.words.as_ptr().cast(), size_of::<Words>()) };
    }
}

fn map(file: &OwnedFd) -> io::Result<NonNull<Words>> {
    // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
    let base = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            size_of::<Words>(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED,
            file.as_raw_fd(),
            0,
        )
    };
    if base == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(base.cast()).ok_or_else(|| io::Error::other("mapped at address 0"))
}

fn initialise(locked: &Locked, robustness: libc::c_int) -> io::Result<()> {
    let mut attributes = MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
    let at = attributes.as_mut_ptr();
    // SAFETY: `at` points to a local of the right type, and the call initialises it before it is used.
    check(unsafe { libc::pthread_mutexattr_init(at) })?;
    // SAFETY: `at` was initialised above.
    check(unsafe { libc::pthread_mutexattr_setpshared(at, libc::PTHREAD_PROCESS_SHARED) })?;
    // SAFETY: `at` was initialised above.
    check(unsafe { libc::pthread_mutexattr_setrobust(at, robustness) })?;
    // SAFETY: the cell is aligned memory for a mutex in a mapping that nobody else sees yet; `at` was initialised above.
    check(unsafe { libc::pthread_mutex_init(locked.mutex.get().cast(), at) })
}

fn add_under(locked: &Locked) {
    let mutex = locked.mutex.get().cast::<pthread_mutex_t>();
    // SAFETY: the words are only reached once the mutexes are initialised (`create`, or the mark in `open`), and stay mapped
    // for the borrow; the C library's calls alone write to them.
    let answer = unsafe { libc::pthread_mutex_lock(mutex) };
    debug_assert_eq!(answer, 0, "nobody dies with it in a bench");
    add(&locked.sum);
    // SAFETY: as above; this thread has just taken it.
    unsafe { libc::pthread_mutex_unlock(mutex) };
}

/// A load and a store: what `+= 1` is in C.
fn add(sum: &AtomicI32) {
    sum.store(sum.load(Relaxed).wrapping_add(1), Relaxed);
}

fn check(code: libc::c_int) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_view_of_the_file_adds_to_the_same_numbers() {
        let floor = Floor::create().unwrap();
        let other = Floor::open(&floor.path()).unwrap();
        for view in [&floor, &other] {
            view.robust_add();
            view.plain_add();
            view.raw_sync_add();
            view.atomic_add();
        }
        assert_eq!(floor.sum(), 8);
        assert!(!other.is_stopped());
        floor.stop();
        assert!(other.is_stopped());
    }

    #[test]
    fn a_file_without_the_mark_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(Floor::open(file.path()).is_err(), "another size");
        file.as_file().set_len(size_of::<Words>() as u64).unwrap();
        assert!(Floor::open(file.path()).is_err(), "no mark");
    }
}
