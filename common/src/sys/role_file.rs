//! The descriptor that carries roles, and the process that it carries them for.

use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::path::Arg;

use super::{fork, record_lock};

/// A process, as far as forks tell it from its parent and its children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner(u64);

impl Owner {
    /// This process.
    pub fn this_process() -> Self {
        Self(u64::from(fork::generation()) << 32 | u64::from(std::process::id()))
    }

    /// Whether this process is the owner, by what the handlers of forks count: one load.
    #[inline]
    pub fn is_of_this_generation(self) -> bool {
        self.0 >> 32 == u64::from(fork::generation())
    }

    /// Whether this process is the owner. Children that were made without the handlers are told by their ids.
    pub fn is_this_process(self) -> bool {
        self.is_of_this_generation() && self.0 & u64::from(u32::MAX) == u64::from(std::process::id())
    }
}

/// A descriptor of a segment's file, for the locks that are this process's roles. No forked child keeps them: see
/// [`fork`].
///
/// Nothing is mapped from its description: a mapping keeps the description that it was made from (mmap(2)), and with it the
/// locks, in a child as well. Segments are mapped from a description of their own.
///
/// In a forked child the number stays open without a file behind it.
pub struct RoleFile {
    descriptor: ManuallyDrop<OwnedFd>,
    /// The [`Owner`] of the roles.
    owner: AtomicU64,
    is_kept: AtomicBool,
}

impl RoleFile {
    /// Opens a file. No role is held yet.
    pub fn open(path: impl Arg, access: OFlags) -> Result<Self, Errno> {
        let mut table = fork::table_with_room();
        table.register()?;
        let descriptor = rustix::fs::open(path, access | OFlags::CLOEXEC, Mode::empty())?;
        table.enter(descriptor.as_raw_fd());
        let owner = AtomicU64::new(Owner::this_process().0);
        Ok(Self { descriptor: ManuallyDrop::new(descriptor), owner, is_kept: AtomicBool::new(false) })
    }

    /// Whether this process is a forked child that has only the number.
    #[inline]
    pub fn is_inherited(&self) -> bool {
        // Relaxed: who uses the descriptor then asks `is_ready`.
        !Owner(self.owner.load(Relaxed)).is_of_this_generation()
    }

    /// The same as the negation of [`Self::is_inherited`], for those who then use the descriptor.
    pub fn is_ready(&self) -> bool {
        // Acquire: the number stands for the file again. Pairs with the Release in `become_copy_of`.
        Owner(self.owner.load(Acquire)).is_of_this_generation()
    }

    /// Makes the number, in a forked child, one of `other`'s description, and takes over what roles that holds. Does nothing if
    /// another thread has done it.
    pub fn become_copy_of(&self, other: Self) -> Result<(), Errno> {
        let mut table = fork::table();
        if !self.is_inherited() {
            // First: dropping the other one needs it.
            drop(table);
            return Ok(());
        }
        let number = self.descriptor.as_raw_fd();
        if let Err(error) = fork::dup_over(other.descriptor.as_raw_fd(), number) {
            drop(table);
            return Err(error);
        }
        // Its number is closed, and the description lives on.
        let mut other = ManuallyDrop::new(other);
        table.take_out(other.descriptor.as_raw_fd());
        table.enter(number);
        // Release: pairs with the Acquire in `is_ready`.
        self.owner.store(Owner::this_process().0, Release);
        // SAFETY: `other` is not dropped and not used again.
        unsafe { ManuallyDrop::drop(&mut other.descriptor) }
        Ok(())
    }

    /// From now on dropping this closes nothing: the process keeps its roles until it ends.
    pub fn keep(&self) {
        self.is_kept.store(true, Relaxed);
    }
}

impl AsFd for RoleFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Drop for RoleFile {
    fn drop(&mut self) {
        if *self.is_kept.get_mut() {
            return;
        }
        let mut table = fork::table();
        let owner = Owner(*self.owner.get_mut());
        if owner.is_of_this_generation() {
            table.take_out(self.descriptor.as_raw_fd());
        }
        if owner.is_this_process() {
            // The roles end here, even if a child that was made without the handlers has the description still: one that is
            // about to execute, at the least (posix_spawn(3)). On an error they end with the last descriptor.
            let _ = record_lock::unlock_all(&*self.descriptor);
        }
        // SAFETY: this is the only place that drops it, and nothing uses it afterwards. The table is locked until then.
        unsafe { ManuallyDrop::drop(&mut self.descriptor) }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::thread;

    use super::*;
    use crate::sys::record_lock::{Hold, is_held, try_lock};

    const BYTE: u64 = 7;

    fn open(file: &tempfile::NamedTempFile) -> RoleFile {
        RoleFile::open(file.path(), OFlags::RDWR).expect("it is there")
    }

    #[test]
    fn the_roles_of_a_dropped_file_end_though_its_description_lives_on() {
        let file = tempfile::NamedTempFile::new().expect("it can be made");
        let (holder, other) = (open(&file), open(&file));
        assert!(holder.is_ready() && !holder.is_inherited());
        assert_eq!(try_lock(&holder, BYTE, Hold::Exclusive), Ok(true));
        // As a process has it that is about to become another program.
        let copy = holder.as_fd().try_clone_to_owned().expect("it can be cloned");
        assert_eq!(try_lock(&other, BYTE, Hold::Shared), Ok(false));
        drop(holder);
        assert_eq!(try_lock(&other, BYTE, Hold::Shared), Ok(true));
        drop(copy);
    }

    #[test]
    fn the_roles_of_a_file_that_is_kept_stay_after_its_drop() {
        let file = tempfile::NamedTempFile::new().expect("it can be made");
        let holder = open(&file);
        assert_eq!(try_lock(&holder, BYTE, Hold::Exclusive), Ok(true));
        holder.keep();
        drop(holder);
        assert_eq!(is_held(open(&file), BYTE, 1, Hold::Shared), Ok(true));
    }

    #[test]
    fn files_are_opened_and_dropped_by_many_threads_at_once() {
        let file = tempfile::NamedTempFile::new().expect("it can be made");
        thread::scope(|scope| {
            for byte in 0..8 {
                let file = &file;
                scope.spawn(move || {
                    for _ in 0..500 {
                        let opened = open(file);
                        assert_eq!(try_lock(&opened, byte, Hold::Exclusive), Ok(true), "only this thread takes it");
                    }
                });
            }
        });
    }
}
