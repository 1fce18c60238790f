//! The workers of a run, as the supervisor keeps account of them.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use common::{Ledger, process};
use rustix::event::{PollFd, PollFlags};
use rustix::process::{Signal, kill_process};

use crate::progress::KnownWorkers;
use crate::readiness;
use crate::worker_outcome::{WorkerExit, WorkerOutcomes};

/// The workers of a run.
#[derive(Default)]
pub struct Workers {
    /// Tickets that wait for a worker.
    pub queue: VecDeque<u32>,
    /// Live workers that this process launched: ticket by process id.
    pub children: HashMap<u32, u32>,
    /// Launched workers that have ended, while what they started has not.
    pub dead: Vec<DeadWorker>,
    /// What dead workers started and is being ended, and since when.
    pub ending: HashMap<u32, Instant>,
    /// Live workers that it did not launch.
    pub adopted: Vec<AdoptedWorker>,
    /// Processes that do not end although they were killed: they are waited for no more.
    pub abandoned: BTreeSet<u32>,
    /// How launched workers ended.
    pub outcomes: WorkerOutcomes,
}

impl Workers {
    /// How many live workers have one of the first `reserved` tickets.
    pub fn alive(&self, reserved: u32) -> usize {
        let adopted = self.adopted.iter().filter(|worker| worker.ticket <= reserved).count();
        self.children.len() + self.dead.len() + adopted
    }

    /// Whether this child of the coordinator is a worker, or one that is waited for no more.
    pub fn is_spared(&self, pid: u32) -> bool {
        self.children.contains_key(&pid)
            || self.adopted.iter().any(|worker| worker.pid == Some(pid))
            || self.abandoned.contains(&pid)
    }

    /// Whether the ticket was given up.
    pub fn was_given_up(&self, ticket: u32) -> bool {
        self.outcomes.get(ticket).is_some_and(|outcome| outcome.failure.is_some())
    }

    /// What a progress display shows of them.
    pub fn known(&self) -> KnownWorkers<'_> {
        let children = self.children.iter().map(|(pid, ticket)| (*ticket, *pid)).collect();
        KnownWorkers { children, outcomes: &self.outcomes }
    }

    /// Kills the launched workers.
    pub fn kill_children(&self) {
        for pid in self.children.keys().filter_map(|pid| process::id(*pid)) {
            // A dead child keeps its id until it is reaped, so no other process is hit.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// A launched worker that has ended.
#[derive(Clone, Copy)]
pub struct DeadWorker {
    /// Its ticket.
    pub ticket: u32,
    /// Its process id.
    pub pid: u32,
    /// How it ended.
    pub how: WorkerExit,
    /// How long to wait for the end of what it started.
    pub until: Instant,
}

/// A live worker that this coordinator did not launch: started by hand, or launched by a coordinator that died.
///
/// It is no child, so a pidfd reports its exit (`pidfd_open(2)`). Whether it still works under its ticket is decided by
/// the ticket's role alone.
pub struct AdoptedWorker {
    /// Its ticket.
    pub ticket: u32,
    /// Its process id, if it is known.
    pub pid: Option<u32>,
    /// Its pidfd; `None` if the process is gone already, so that the ticket must be polled.
    pub process: Option<OwnedFd>,
}

impl AdoptedWorker {
    /// Adopts the process that has the ticket. An id that a later process has by now is not opened.
    pub fn new(ledger: Ledger<'_>, ticket: u32, pid: Option<u32>) -> Self {
        let slot = ledger.slot(ticket).filter(|slot| pid == Some(slot.pid));
        let process = slot.and_then(|slot| process::open(slot.pid, slot.attached_at));
        Self { ticket, pid: pid.filter(|_| process.is_some()), process }
    }

    /// Whether the process has exited.
    pub fn has_exited(&self) -> bool {
        self.process
            .as_ref()
            .is_none_or(|process| readiness::wait(&mut [PollFd::new(process, PollFlags::IN)], Some(Duration::ZERO)))
    }

    /// From now on only the ticket counts: another process has it, such as a child of this one.
    pub fn forget_process(&mut self) {
        (self.pid, self.process) = (None, None);
    }
}
