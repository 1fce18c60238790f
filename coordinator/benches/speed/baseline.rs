//! The bare locks that the segment's lock is compared with: lock, add, unlock.
//!
//! Invariant: only this module creates the memory file; its magic number is stored last, after the mutexes are
//! initialised, and [`BaselineLocks::open`] refuses a file without it. Each lock shares a pair of cache lines with the
//! sum it guards.
#![expect(unsafe_code, reason = "shared memory and pthread mutexes have no safe interface")]

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

/// A mutex and the sum it guards.
///
/// Aligned to 128 bytes: CPUs fetch pairs of cache lines (Intel 64 and IA-32 Optimization Reference Manual, "Data
/// Prefetching").
#[repr(C, align(128))]
struct GuardedSum {
    mutex: UnsafeCell<MaybeUninit<pthread_mutex_t>>,
    sum: AtomicI32,
}

#[repr(C, align(128))]
struct Padded<T>(T);

#[repr(C)]
struct Shared {
    robust: GuardedSum,
    plain: GuardedSum,
    raw_sync: GuardedSum,
    atomic: Padded<AtomicI32>,
    stop: Padded<AtomicU32>,
    magic: Padded<AtomicU32>,
}

const MAGIC: u32 = 0x0f10_0125;

/// One process's mapping of the bare locks.
pub struct BaselineLocks {
    shared: NonNull<Shared>,
    raw_sync: Box<dyn LockImpl>,
    file: OwnedFd,
}

impl BaselineLocks {
    /// Creates the memory file and its locks.
    pub fn create() -> io::Result<Self> {
        let file = memfd_create("baseline-locks", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, size_of::<Shared>() as u64)?;
        let shared = map(&file)?;
        // SAFETY: `map` returns a mapping of that size, aligned to a page, which lives until `Self` is dropped; all
        // fields are atomics or cells of maybe uninitialised bytes, for which any bit pattern is valid.
        let fresh = unsafe { shared.as_ref() };
        initialise(&fresh.robust, PTHREAD_MUTEX_ROBUST)?;
        initialise(&fresh.plain, PTHREAD_MUTEX_STALLED)?;
        // SAFETY: the pointer is to the mutex's bytes in the mapping, which nobody else sees yet; they are aligned, so
        // raw_sync adds no padding. The data pointer is never followed.
        let lock = unsafe { Mutex::new(fresh.raw_sync.mutex.get().cast(), std::ptr::null_mut()) };
        let (raw_sync, _) = lock.map_err(|error| io::Error::other(error.to_string()))?;
        // Release pairs with the Acquire in `open`: a process that reads the magic number sees initialised mutexes.
        fresh.magic.0.store(MAGIC, Release);
        Ok(Self { shared, raw_sync, file })
    }

    /// Opens another process's file by its [`Self::path`].
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        if file.metadata()?.len() != size_of::<Shared>() as u64 {
            return Err(io::Error::other("not a file of baseline locks"));
        }
        let file = OwnedFd::from(file);
        let shared = map(&file)?;
        // SAFETY: as in `create`; the file has the size of `Shared`.
        let found = unsafe { shared.as_ref() };
        // Acquire pairs with the Release in `create`.
        if found.magic.0.load(Acquire) != MAGIC {
            return Err(io::Error::other("not a file of baseline locks"));
        }
        // SAFETY: the magic number says that `create` has initialised the mutex; raw_sync only stores the pointer.
        let lock = unsafe { Mutex::from_existing(found.raw_sync.mutex.get().cast(), std::ptr::null_mut()) };
        let (raw_sync, _) = lock.map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self { shared, raw_sync, file })
    }

    /// The path by which other processes open the file while this one lives.
    pub fn path(&self) -> PathBuf {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd()).into()
    }

    /// Adds 1 under a robust mutex.
    pub fn robust_add(&self) {
        add_under(&self.shared().robust);
    }

    /// Adds 1 under a mutex that a killed owner would leave locked.
    pub fn plain_add(&self) {
        add_under(&self.shared().plain);
    }

    /// Adds 1 under the mutex of `raw_sync`, through its own interface.
    // Not inlined, so that its samples stay comparable with earlier ones: inlining shifts them, alone and in contention.
    #[inline(never)]
    pub fn raw_sync_add(&self) {
        let guard = self.raw_sync.lock();
        add(&self.shared().raw_sync.sum);
        drop(guard);
    }

    /// Adds 1 without a lock: the lower bound for memory that processes share.
    pub fn atomic_add(&self) {
        // Relaxed: the sum publishes nothing else.
        self.shared().atomic.0.fetch_add(1, Relaxed);
    }

    /// The sum of all four.
    #[allow(dead_code, reason = "only `tests/baseline.rs` reads it")]
    pub fn sum(&self) -> i32 {
        let shared = self.shared();
        let sums = [&shared.robust.sum, &shared.plain.sum, &shared.raw_sync.sum, &shared.atomic.0];
        sums.into_iter().fold(0, |total, sum| total.wrapping_add(sum.load(Relaxed)))
    }

    /// Asks every process to stop.
    pub fn stop(&self) {
        self.shared().stop.0.store(1, Relaxed);
    }

    /// Whether a process called [`Self::stop`]: a load from a cache line that is not written meanwhile.
    pub fn is_stopped(&self) -> bool {
        self.shared().stop.0.load(Relaxed) != 0
    }

    fn shared(&self) -> &Shared {
        // SAFETY: as in `create`; the mapping lives as long as `self`.
        unsafe { self.shared.as_ref() }
    }
}

impl Drop for BaselineLocks {
    fn drop(&mut self) {
        // SAFETY: only `self` refers to the mapping, nothing borrows from it any more, and none of its locks is held:
        // each call releases the lock it took.
        unsafe { libc::munmap(self.shared.as_ptr().cast(), size_of::<Shared>()) };
    }
}

fn map(file: &OwnedFd) -> io::Result<NonNull<Shared>> {
    // SAFETY: a new mapping at an address that the kernel chooses overlaps no existing one.
    let base = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            size_of::<Shared>(),
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

fn initialise(guarded: &GuardedSum, robustness: libc::c_int) -> io::Result<()> {
    let mut attributes = MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
    let at = attributes.as_mut_ptr();
    // SAFETY: `at` points to a local of the right type, and the call initialises it before it is used.
    check(unsafe { libc::pthread_mutexattr_init(at) })?;
    // SAFETY: `at` was initialised above.
    check(unsafe { libc::pthread_mutexattr_setpshared(at, libc::PTHREAD_PROCESS_SHARED) })?;
    // SAFETY: `at` was initialised above.
    check(unsafe { libc::pthread_mutexattr_setrobust(at, robustness) })?;
    // SAFETY: the cell is aligned memory for a mutex in a mapping that nobody else sees yet; `at` was initialised
    // above.
    check(unsafe { libc::pthread_mutex_init(guarded.mutex.get().cast(), at) })
}

fn add_under(guarded: &GuardedSum) {
    let mutex = guarded.mutex.get().cast::<pthread_mutex_t>();
    // SAFETY: a `GuardedSum` is only reached once its mutex is initialised (by `create`, or by the magic number in
    // `open`), and stays mapped for the borrow; only the C library writes to the mutex.
    let code = unsafe { libc::pthread_mutex_lock(mutex) };
    debug_assert_eq!(code, 0, "no owner is killed in a bench");
    add(&guarded.sum);
    // SAFETY: as above; this thread holds it.
    unsafe { libc::pthread_mutex_unlock(mutex) };
}

/// A load and a store, as `+= 1` in C.
fn add(sum: &AtomicI32) {
    sum.store(sum.load(Relaxed).wrapping_add(1), Relaxed);
}

fn check(code: libc::c_int) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) }
}
