//! Who holds the lock, as far as an onlooker can tell.

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;

use super::state::State;
use crate::clock::Instant;
use crate::layout::{Slot, View};
use crate::process::{self, Process};

/// The holder of the lock when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockHolder {
    /// Its thread's id, which for the executables here is the process's id.
    pub thread: u32,
    /// Its ticket, if it has one.
    pub ticket: Option<u32>,
    /// What `/proc` says of it.
    pub process: Process,
}

impl LockHolder {
    /// Reads the kernel's word in the mutex; nothing if nobody holds it.
    pub(crate) fn of(view: &View<'_>) -> Option<Self> {
        let thread = view.header.core.mutex.owner()?;
        let has_taken = |slot: &Slot| matches!(State::of(slot.claim.load(Relaxed)), State::Taken { .. });
        let index = view.slots.iter().rposition(|slot| slot.pid.load(Relaxed) == thread && has_taken(slot));
        let ticket = index.and_then(|index| u32::try_from(index + 1).ok());
        let at = ticket
            .and_then(|ticket| view.slot(ticket))
            .map_or_else(Instant::now, |slot| Instant(slot.attached_at.load(Relaxed)));
        Some(Self { thread, ticket, process: process::look(thread, at) })
    }

    /// Whether there is no such thread.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self.process, Process::Gone | Process::Recycled) && !process::exists(self.thread)
    }
}

impl fmt::Display for LockHolder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ticket {
            Some(ticket) => write!(formatter, "held by Process-{ticket}, pid {}, {}", self.thread, self.process),
            None => write!(formatter, "held by pid {}, {}", self.thread, self.process),
        }
    }
}
