//! `pthread_mutex_t` in shared memory: robust, process-shared, error-checking.
//!
//! `raw_sync` gives the handle, libc the calls. `raw_sync` 0.1.5 initialises its mutex without the robust attribute, so a
//! killed owner would block everyone for ever. It turns `EOWNERDEAD` into a string *while the lock is held*. Its timed lock
//! adds nanoseconds without a carry, so half of all deadlines are invalid. So the mutex is initialised here, passed to
//! `raw_sync::locks::Mutex::from_existing`, and locked through that handle's `as_raw`.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use raw_sync::locks::{LockImpl, LockInit, Mutex};

use super::fork;
use crate::clock;

/// The bytes of the mutex in the segment.
#[repr(transparent)]
pub struct RawMutex(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: threads and processes share it by design: only the C library's mutex calls and atomic loads of single words touch
// the bytes. `initialise` is for bytes that nobody else sees.
unsafe impl Sync for RawMutex {}

/// The result of an attempt to lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Locked. The last owner released it.
    Locked,
    /// Locked. The last owner died with it; the state must be made consistent.
    OwnerDied,
    /// Not locked: another thread owns it.
    Busy,
    /// Not locked: this thread owns it already.
    Deadlock,
    /// Not locked: the mutex is unusable for good, or its bytes are not a mutex.
    Broken(i32),
}

// libc does not declare it for glibc: pthread_mutex_clocklock(3), glibc 2.30 and later.
unsafe extern "C" {
    fn pthread_mutex_clocklock(
        mutex: *mut libc::pthread_mutex_t,
        clock: libc::clockid_t,
        deadline: *const libc::timespec,
    ) -> libc::c_int;
}

/// The bits of the futex word that name the owner (`FUTEX_TID_MASK`, linux/futex.h): the kernel's interface for robust
/// futexes, so the same for every C library.
const OWNER: u32 = 0x3fff_ffff;

/// The bit that the kernel sets when the owner dies (`FUTEX_OWNER_DIED`, linux/futex.h).
const OWNER_DIED: u32 = 0x4000_0000;

/// How many looks [`Handle::spin`] takes.
const LOOKS: u32 = 4;

/// How many spin hints come before the first look. The number doubles before each further look: 240 hints in all, 11 µs on an
/// Intel Xeon, whose hint takes 140 cycles (Intel 64 and IA-32 Architectures Optimization Reference Manual, "PAUSE Latency in
/// Skylake Client Microarchitecture"). There, a commit of two contending processes took 80 ns instead of 240.
const FIRST_PAUSE: u32 = 16;

impl RawMutex {
    /// Makes the bytes a robust, process-shared, error-checking mutex without an owner.
    ///
    /// Only for a segment that no other process can see yet.
    pub fn initialise(&self) -> Result<(), i32> {
        let mut attributes = MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
        let at = attributes.as_mut_ptr();
        // SAFETY: `at` points to a local of the right type, and the call initialises it before it is used.
        check(unsafe { libc::pthread_mutexattr_init(at) })?;
        // SAFETY: `at` was initialised above.
        check(unsafe { libc::pthread_mutexattr_setpshared(at, libc::PTHREAD_PROCESS_SHARED) })?;
        // SAFETY: `at` was initialised above.
        check(unsafe { libc::pthread_mutexattr_setrobust(at, libc::PTHREAD_MUTEX_ROBUST) })?;
        // SAFETY: `at` was initialised above.
        check(unsafe { libc::pthread_mutexattr_settype(at, libc::PTHREAD_MUTEX_ERRORCHECK) })?;
        // SAFETY: the cell is valid, aligned memory for a mutex, and by this function's condition nobody else sees it.
        check(unsafe { libc::pthread_mutex_init(self.0.get(), at) })?;
        // SAFETY: `at` was initialised above and is not used again.
        check(unsafe { libc::pthread_mutexattr_destroy(at) })
    }

    /// Whether the mutex has the kind that [`Self::initialise`] writes.
    ///
    /// glibc keeps it in `__kind`. With another kind it might follow pointers or never return.
    pub fn is_of_our_kind(&self) -> bool {
        let fresh = Self(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));
        fresh.initialise().is_ok() && fresh.kind() == self.kind()
    }

    /// The word that tells kinds of mutexes apart. It never changes while the mutex lives.
    #[inline]
    pub fn kind(&self) -> u32 {
        self.word(KIND).load(Ordering::Relaxed)
    }

    /// The owner's thread id in the futex word; nothing without an owner.
    ///
    /// A hint: it may have changed already.
    pub fn owner(&self) -> Option<u32> {
        let word = self.word(0).load(Ordering::Relaxed);
        // After an owner's death the word has the died bit and no owner: the next locker recovers it.
        Some(word & OWNER).filter(|owner| *owner != 0)
    }

    /// Whether the futex word is taken but names neither an owner nor an owner's death. No crash leaves such a word, and a
    /// waiter would never be woken.
    pub fn is_taken_by_nobody(&self) -> bool {
        let word = self.word(0).load(Ordering::Relaxed);
        word != 0 && word & (OWNER | OWNER_DIED) == 0
    }

    fn word(&self, index: usize) -> &AtomicU32 {
        const { assert!(KIND < size_of::<libc::pthread_mutex_t>() / 4) };
        assert!(index <= KIND, "only words that the assertion above covers");
        // SAFETY: the index lies within the mutex, which is aligned for words; AtomicU32 has the layout of u32, every bit
        // pattern is valid, and the C library touches the word with atomic operations only while others may read it.
        unsafe { &*self.0.get().cast::<AtomicU32>().add(index) }
    }
}

/// Index of `__kind` among the mutex's 32-bit words where `long` has 64 bits: `__lock`, `__count`, `__owner`, `__nusers`,
/// `__kind` (glibc, `sysdeps/nptl/bits/struct_mutex.h`).
const KIND: usize = 4;

fn check(code: libc::c_int) -> Result<(), i32> {
    if code == 0 { Ok(()) } else { Err(code) }
}

/// A handle of a mutex in a mapping. The mapping owns it, so it cannot outlive the bytes.
///
/// All threads of the process use the same handle. The C library tells them apart: another thread's attempt is `Busy`, the
/// owner's own a `Deadlock`. A guard that holds the lock stays with its thread, because only that one can unlock.
pub struct Handle {
    /// The pointer that `raw_sync`'s `as_raw` returns.
    mutex: *mut libc::pthread_mutex_t,
    _lock: Box<dyn LockImpl>,
    /// The generation of the process of which a thread has locked it through this handle and not unlocked it, plus one; 0 if none
    /// has.
    ///
    /// Stored by the lock's owner alone, so the lock orders the stores. It is read when the mapping is dropped, which comes
    /// after every use. So `Relaxed` is enough. A thread that ends with the lock leaves it set until the next owner through
    /// this handle unlocks; until then a drop leaks the mapping, which is safe.
    held_in: AtomicU64,
}

// SAFETY: the pointer is to a process-shared mutex, whose calls any thread may make; that only the owner may unlock is checked
// by the mutex itself (error-checking), and by the guard, which is not `Send`. The boxed handle is raw_sync 0.1.5's `Mutex`: that
// pointer and a null pointer, with no thread's data; nothing calls it after `new`, and its drop does nothing.
unsafe impl Send for Handle {}

// SAFETY: as above. The pointer never changes, the boxed handle is not reached through a shared reference, and the flag is an
// atomic.
unsafe impl Sync for Handle {}

impl Handle {
    /// A handle of an initialised mutex.
    ///
    /// # Safety
    /// The bytes behind `mutex` must stay mapped for as long as the handle lives.
    pub unsafe fn new(mutex: &RawMutex) -> Result<Self, String> {
        let bytes = mutex.0.get().cast::<u8>();
        // SAFETY: `bytes` is aligned for a mutex, so raw_sync adds no padding; it stores the pointer and reads nothing.
        // The data pointer is never followed, because the lock is only ever taken through `as_raw`.
        let handle = unsafe { Mutex::from_existing(bytes, std::ptr::null_mut()) };
        let (handle, _) = handle.map_err(|error| error.to_string())?;
        // Asked once: it stays the same for as long as the handle lives.
        Ok(Self { mutex: handle.as_raw().cast(), _lock: handle, held_in: AtomicU64::new(0) })
    }

    /// Locks if nobody owns it.
    pub fn try_lock(&self) -> Attempt {
        // SAFETY: the pointer is to a mapped mutex by the condition of `new`; its kind was checked before the handle was
        // made, and the C library's calls are the only code that writes to it in cooperating processes.
        self.note(attempt(unsafe { libc::pthread_mutex_trylock(self.mutex) }))
    }

    /// Tries a few times more, in some microseconds: a lock that is held for less than one is free sooner than a thread has slept
    /// and woken.
    pub fn spin(&self) -> Attempt {
        for look in 0..LOOKS {
            // Each look takes the cache line from the owner, which needs it to get done: so they grow rarer.
            for _ in 0..FIRST_PAUSE << look {
                std::hint::spin_loop();
            }
            let attempt = self.try_lock();
            if attempt != Attempt::Busy {
                return attempt;
            }
        }
        Attempt::Busy
    }

    /// Locks, or gives up when `patience` has passed on the monotonic clock. Setting the wall clock does not matter.
    pub fn lock_within(&self, patience: Duration) -> Attempt {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let since_start = Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0));
        let until = clock::nanoseconds(since_start.saturating_add(patience)).min(i64::MAX.unsigned_abs());
        let deadline = libc::timespec {
            tv_sec: (until / 1_000_000_000).cast_signed(),
            tv_nsec: (until % 1_000_000_000).cast_signed(),
        };
        // SAFETY: as in `try_lock`; the deadline is a local with nanoseconds below 10^9.
        let code = unsafe { pthread_mutex_clocklock(self.mutex, libc::CLOCK_MONOTONIC, &raw const deadline) };
        self.note(attempt(code))
    }

    /// Marks the mutex as consistent after an owner's death.
    ///
    /// # Errors
    /// The C library's error code if this thread does not own it.
    pub fn make_consistent(&self) -> Result<(), i32> {
        // SAFETY: as in `try_lock`.
        check(unsafe { libc::pthread_mutex_consistent(self.mutex) })
    }

    /// Unlocks.
    ///
    /// # Errors
    /// The C library's error code if this thread does not own it.
    pub fn unlock(&self) -> Result<(), i32> {
        // Before the call: after it, another thread may own the lock and have set it.
        self.held_in.store(0, Ordering::Relaxed);
        // SAFETY: as in `try_lock`; an error-checking mutex answers EPERM to a thread that does not own it.
        let unlocked = check(unsafe { libc::pthread_mutex_unlock(self.mutex) });
        if unlocked.is_err() {
            // Whoever owns it: a mapping that stays is safe.
            self.held_in.store(held_now(), Ordering::Relaxed);
        }
        unlocked
    }

    /// Whether this process holds the lock through this handle. The bytes must then stay mapped: the thread's robust list, which
    /// the C library and the kernel follow, points to them (`set_robust_list(2)`).
    ///
    /// A forked child does not hold what its parent held: its robust list begins empty (glibc, `_Fork`; `set_robust_list(2)`).
    pub fn is_held(&self) -> bool {
        self.held_in.load(Ordering::Relaxed) == held_now()
    }

    /// As if a thread had locked it.
    #[cfg(test)]
    pub(super) fn assume_held(&self) {
        self.held_in.store(held_now(), Ordering::Relaxed);
    }

    fn note(&self, attempt: Attempt) -> Attempt {
        if matches!(attempt, Attempt::Locked | Attempt::OwnerDied) {
            self.held_in.store(held_now(), Ordering::Relaxed);
        }
        attempt
    }
}

/// What `held_in` is while this process holds the lock.
fn held_now() -> u64 {
    u64::from(fork::generation()) + 1
}

fn attempt(code: libc::c_int) -> Attempt {
    match code {
        0 => Attempt::Locked,
        libc::EOWNERDEAD => Attempt::OwnerDied,
        libc::EBUSY | libc::ETIMEDOUT => Attempt::Busy,
        libc::EDEADLK => Attempt::Deadlock,
        other => Attempt::Broken(other),
    }
}
