//! The caller: the process that has started this one, for a run that ends with it.
//!
//! Neither the parent-death signal nor a pipe says when it has ended. The signal comes at the end of the thread that called
//! (`PR_SET_PDEATHSIG(2const)`), and other children of the caller, such as a pool's, may have its end of a pipe and outlive it.
//! A pidfd becomes readable at the end of the whole process, however it comes (`pidfd_open(2)`).

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, PidfdFlags, getppid, pidfd_open};

use crate::readiness;

/// The process that has started this one.
pub struct Caller {
    id: Pid,
    /// Nothing where the system gives none (an old kernel, a sandbox): then the parent's id is asked for again and again.
    process: Option<OwnedFd>,
}

impl Caller {
    /// The parent of this process, if it has that id; else that process, which has started this one, has ended.
    pub fn find(id: u32) -> Option<Self> {
        let id = common::process::id(id)?;
        let process = pidfd_open(id, PidfdFlags::empty()).ok();
        // The look comes after the opening: while the process is the parent, nobody else has its id.
        is_parent(id).then_some(Self { id, process })
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        match self.end() {
            Some(end) => readiness::wait(&mut [end], Some(Duration::ZERO)),
            None => !is_parent(self.id),
        }
    }

    /// What becomes ready at its end.
    pub fn end(&self) -> Option<PollFd<'_>> {
        self.process.as_ref().map(|process| PollFd::new(process, PollFlags::IN))
    }

    /// Whether nothing wakes at its end.
    pub fn must_be_polled(&self) -> bool {
        self.process.is_none()
    }
}

/// A process gets another parent when its own has ended with all its threads, not when the thread has that started it.
fn is_parent(id: Pid) -> bool {
    getppid() == Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_parent_is_a_caller_and_without_a_descriptor_it_is_found_alive_too() {
        let parent = std::os::unix::process::parent_id();
        let caller = Caller::find(parent).expect("it is the parent");
        assert!(!caller.has_ended() && caller.end().is_some());
        for other in [std::process::id(), 0, u32::MAX] {
            assert!(Caller::find(other).is_none(), "{other}");
        }
        let unopened = |id| Caller { id, process: None };
        assert!(!unopened(caller.id).has_ended() && unopened(caller.id).must_be_polled());
        assert!(unopened(rustix::process::getpid()).has_ended());
    }
}
