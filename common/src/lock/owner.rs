//! The owner of the lock, as far as an observer can tell.

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;

use crate::clock::BootTime;
use crate::layout::{Slot, View};
use crate::process::{self, Process};
use crate::redo::ClaimState;
use crate::segment::namespace::Location;

/// The owner of the lock at the time of the look.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockOwner {
    /// Its thread id; for the executables here this is the process id.
    pub thread: u32,
    /// Its ticket, if it has one.
    pub ticket: Option<u32>,
    /// Its state in `/proc`; that of another PID namespace is not looked at.
    pub process: Process,
}

impl LockOwner {
    /// Reads the kernel's word in the mutex; nothing if the lock has no owner.
    pub(crate) fn of(view: &View<'_>) -> Option<Self> {
        let thread = view.header.core.mutex.owner()?;
        let has_ticket = |slot: &Slot| matches!(ClaimState::of(slot.claim.load(Relaxed)), ClaimState::Taken { .. });
        let index = view.slots.iter().rposition(|slot| slot.pid.load(Relaxed) == thread && has_ticket(slot));
        let ticket = index.and_then(|index| u32::try_from(index + 1).ok());
        let at = ticket
            .and_then(|ticket| view.slot(ticket))
            .map_or_else(BootTime::now, |slot| BootTime(slot.attached_at.load(Relaxed)));
        let is_here = Location::of(view.header) == Location::Here;
        Some(Self { thread, ticket, process: if is_here { process::look(thread, at) } else { Process::Elsewhere } })
    }

    /// Whether the thread does not exist.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self.process, Process::Gone | Process::Recycled) && !process::exists(self.thread)
    }
}

impl fmt::Display for LockOwner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ticket {
            Some(ticket) => write!(formatter, "held by Process-{ticket}, pid {}, {}", self.thread, self.process),
            None => write!(formatter, "held by pid {}, {}", self.thread, self.process),
        }
    }
}
