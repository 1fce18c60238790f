//! Forks: what a child must not keep, and how it knows that it is one.
//!
//! A role is a lock of an open file description, and a forked child has copies of all descriptors (fork(2)): it would keep the
//! roles of a parent that is killed. So the descriptors that may hold roles are in one table, and in each child a handler
//! (`pthread_atfork(3)`) puts a spare descriptor over them, which the child makes itself: its parent's may be closed by then. Proof that no child keeps a role:
//!
//! 1. Under the table's lock, a [`RoleFile`](super::role_file::RoleFile) is opened and entered, or taken out and closed; and a
//!    role is only ever taken on a number that was entered. So whenever the lock is free, the table names exactly the open
//!    descriptors that may hold roles.
//! 2. The handlers hold the lock from before a fork until after it. So the table is exact in the child as well, in whichever
//!    order the kernel copies descriptors and memory, and whatever the parent's other threads do meanwhile.
//! 3. The child begins as one thread, which owns its copy of the lock. It takes no lock and allocates nothing: it makes a
//!    `dup3` for each number, empties the table, counts the generation, and releases.
//! 4. The numbers stay open, so whoever closes one in the child closes the spare, and nothing foreign.
//!
//! The handlers are registered before `main`, or when the library is loaded (`.init_array`): before another thread can fork,
//! and before the handlers of others, which thus run outside of ours (`pthread_atfork(3)`, "order").
//!
//! A child that is made without the handlers has copies of the roles until it ends or executes: by raw `clone(2)`, by
//! `_Fork(3)`, by `vfork(2)` without exec. It must not use what it has inherited.

use std::cell::UnsafeCell;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;

/// How many forks lie between the first process and this one. Changed in the handler alone, before the child has threads.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// How often this process has forked.
static FORKS: AtomicU32 = AtomicU32::new(0);

static TABLE: Mutex<Table> = Mutex::new(Table { is_registered: false, numbers: Vec::new() });

/// The lock of the table, from before a fork until after it.
static HELD: Held = Held(UnsafeCell::new(None));

struct Held(UnsafeCell<Option<MutexGuard<'static, Table>>>);

// SAFETY: the cell is touched by the owner of the table's lock alone, who puts that ownership into it or takes it out.
unsafe impl Sync for Held {}

/// The descriptors that may hold roles.
pub struct Table {
    is_registered: bool,
    numbers: Vec<RawFd>,
}

// libc does not declare it for Linux: pthread_atfork(3).
unsafe extern "C" {
    fn pthread_atfork(
        prepare: Option<unsafe extern "C" fn()>,
        parent: Option<unsafe extern "C" fn()>,
        child: Option<unsafe extern "C" fn()>,
    ) -> libc::c_int;
}

#[used]
#[unsafe(link_section = ".init_array")]
static AT_START: extern "C" fn() = {
    extern "C" fn register() {
        // If there is no memory for it, the first file to be opened tries again, and fails.
        let _ = table().register();
    }
    register
};

/// How many forks lie between the first process and this one.
#[inline]
pub fn generation() -> u32 {
    // Relaxed: a child's threads are created after it was written, and never see it change.
    GENERATION.load(Relaxed)
}

/// How often this process has forked, through the handlers. In a child it begins with its parent's count.
pub fn forks() -> u32 {
    // Relaxed: a thread that forks knows it, and others learn of it some time.
    FORKS.load(Relaxed)
}

/// The table, locked: no process forks meanwhile.
pub fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on no other thread of this process forks: it waits for the end of the process. Nor can a role be taken or dropped.
///
/// For a process that ends its children, and then itself. A child that is forked through the handlers is there before, or not
/// at all.
pub fn block_forks() {
    std::mem::forget(table());
}

/// The table, locked, with room for one more number.
///
/// Room is made while the table is not locked: an allocator may have handlers of its own, which wait for its other threads.
pub fn table_with_room() -> MutexGuard<'static, Table> {
    let mut larger = Vec::new();
    loop {
        let mut table = table();
        if table.numbers.len() == table.numbers.capacity() && larger.capacity() > table.numbers.len() {
            let numbers = std::mem::take(&mut table.numbers);
            larger.extend_from_slice(&numbers);
            table.numbers = larger;
            drop(table);
            larger = numbers;
            continue;
        }
        if table.numbers.len() < table.numbers.capacity() {
            return table;
        }
        let wanted = table.numbers.len() * 2 + 16;
        drop(table);
        larger = Vec::with_capacity(wanted);
    }
}

impl Table {
    /// Makes sure that children are cleared, before there is a number to enter.
    pub fn register(&mut self) -> Result<(), Errno> {
        if !self.is_registered {
            // SAFETY: the handlers live as long as the code that they are part of, and their proof stands above.
            let code = unsafe { pthread_atfork(Some(before_fork), Some(after_fork), Some(in_child)) };
            if code != 0 {
                return Err(Errno::from_raw_os_error(code));
            }
            self.is_registered = true;
        }
        Ok(())
    }

    /// Enters a number.
    pub fn enter(&mut self, number: RawFd) {
        self.numbers.push(number);
    }

    /// Takes a number out again.
    pub fn take_out(&mut self, number: RawFd) {
        self.numbers.retain(|other| *other != number);
    }

    /// Puts a spare, which holds nothing, over all numbers. Allocates nothing.
    fn cover(&mut self) {
        let mut spare = eventfd(0, EventfdFlags::CLOEXEC).ok();
        for number in self.numbers.drain(..) {
            if spare.is_none() {
                // No number is free. This one's role goes in any case, and the spare may get its number.
                close(number);
                spare = eventfd(0, EventfdFlags::CLOEXEC).ok();
            }
            let Some(from) = &spare else { continue };
            if from.as_raw_fd() == number {
                std::mem::forget(spare.take());
            } else if dup_over(from.as_raw_fd(), number).is_err() {
                close(number);
            }
        }
    }
}

/// Closes the number of a role's descriptor.
fn close(number: RawFd) {
    // SAFETY: the number was entered by a `RoleFile`, which lives and relies on nothing but that the role is gone.
    unsafe { rustix::io::close(number) }
}

/// Makes `number` another number of `from`'s description.
pub fn dup_over(from: RawFd, number: RawFd) -> Result<(), Errno> {
    loop {
        // SAFETY: the call touches no memory. Both numbers are those of descriptors that this room owns, and the owner of
        // `number` relies on its being open, and on nothing else.
        if unsafe { libc::dup3(from, number, libc::O_CLOEXEC) } != -1 {
            return Ok(());
        }
        match Errno::from_io_error(&std::io::Error::last_os_error()) {
            // Interrupted, or another thread was about to get that number.
            Some(Errno::INTR | Errno::BUSY) => {}
            error => return Err(error.unwrap_or(Errno::IO)),
        }
    }
}

extern "C" fn before_fork() {
    let table = table();
    // SAFETY: this thread owns the lock.
    unsafe { *HELD.0.get() = Some(table) }
}

extern "C" fn after_fork() {
    // SAFETY: this thread owns the lock since `before_fork`.
    drop(unsafe { (*HELD.0.get()).take() });
    FORKS.fetch_add(1, Relaxed);
}

extern "C" fn in_child() {
    // SAFETY: this thread is the copy of the one that owns the lock since `before_fork`, and there is no other one.
    let table = unsafe { (*HELD.0.get()).take() };
    if let Some(mut table) = table {
        table.cover();
    }
    GENERATION.store(GENERATION.load(Relaxed).wrapping_add(1), Relaxed);
}
